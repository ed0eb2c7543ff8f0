"""Every encoder: shapes, stages, the same network again from its arguments; networks of timm compute what timm's do."""

import math

import pytest
import timm
import torch
from torch import Tensor, nn

from randquant.errors import DataError
from randquant.images.encoders.image_encoder import ImageEncoder
from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.resnet import ResNet18
from randquant.images.encoders.vision_transformer import ViTSmall, sine_positions
from randquant.images.normalise import Normalise, colour_statistics, in_unit_range

SMALL = {"small_cnn": (1.0, 32), "resnet18": (0.25, 32), "resnet50": (0.25, 64), "vit_small_patch16_224": (0.25, 32)}


@pytest.mark.parametrize("name", SMALL)
def test_an_encoder_embeds_and_is_made_again_from_its_arguments(name: str) -> None:
    width, size = SMALL[name]
    encoder = ENCODERS[name](width=width, size=size).eval()
    x = torch.randn(3, 3, size, size)
    with torch.no_grad():
        embedded = encoder(x)
        assert embedded.shape == (3, encoder.embedding_size())
        assert torch.allclose(embedded[[2, 0, 1]], encoder(x[[2, 0, 1]]), atol=1e-5)
        again = ENCODERS[name](**encoder.arguments).eval()
        again.load_state_dict(encoder.state_dict())
        assert torch.equal(again(x), embedded)


@pytest.mark.parametrize("name", SMALL)
def test_stages_run_in_their_order(name: str) -> None:
    width, size = SMALL[name]
    encoder, seen = ENCODERS[name](width=width, size=size).eval(), list[str]()
    for stage, module in encoder.stages.items():
        module.register_forward_hook(lambda *_, stage=stage: seen.append(stage))
    encoder(torch.randn(2, 3, size, size))
    assert seen == list(encoder.stages)


@pytest.mark.parametrize("name", ["resnet18", "vit_small_patch16_224"])
def test_a_network_computes_what_timm_does(name: str) -> None:
    theirs = timm.create_model(name, num_classes=0).eval()
    heads = {"heads": 6} if name.startswith("vit") else {}
    ours: ImageEncoder = ENCODERS[name](size=224, **heads).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


def test_pictures_of_32_pixels_take_the_small_stem() -> None:
    small, large = ResNet18(width=0.125), ResNet18(width=0.125, size=224)
    assert (small.conv1.kernel_size, small.conv1.stride) == ((3, 3), (1, 1))
    assert isinstance(small.maxpool, nn.Identity)
    assert (large.conv1.kernel_size, large.conv1.stride) == ((7, 7), (2, 2))
    maps = list[Tensor]()
    small.maxpool.register_forward_hook(lambda module, taken, given: maps.append(given))
    small(torch.randn(2, 3, 32, 32))
    assert maps[0].shape == (2, 8, 32, 32)


def test_positions_are_sines_and_cosines_of_row_and_column() -> None:
    table = sine_positions(3, 8)[0]
    assert table.shape == (10, 8)
    assert not table[0].any()
    for row in range(3):
        for column in range(3):
            expected = [
                function(place / 10_000 ** (number / 2))
                for place in (row, column)
                for function in (math.sin, math.cos)
                for number in range(2)
            ]
            assert torch.allclose(table[1 + 3 * row + column], torch.tensor(expected))


def test_the_patch_projection_and_positions_are_not_trained() -> None:
    encoder = ViTSmall(width=0.25, size=32)
    trained = {name for name, weight in encoder.named_parameters() if weight.requires_grad}
    assert not any(name.startswith(("patch_embed", "pos_embed")) for name in trained)
    assert "cls_token" in trained
    bound = math.sqrt(6 / (2 * encoder.embedding_size()))  # of query, key and value each by themselves
    assert 0.9 * bound < float(encoder.state_dict()["blocks.0.attn.qkv.weight"].abs().max()) <= bound


@pytest.mark.parametrize(("name", "size"), [("vit_small_patch16_224", 30), ("small_cnn", 32)])
def test_a_wrong_size_is_refused(name: str, size: int) -> None:
    with pytest.raises(ValueError, match=r"pixels|width"):
        ENCODERS[name](width=0.0 if name == "small_cnn" else 1.0, size=size)
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\)"):
        ENCODERS["small_cnn"]()(torch.randn(2, 1, 32, 32))


def test_normalised_pictures_have_mean_zero_and_deviation_one() -> None:
    pixels = torch.randint(0, 256, (6, 5, 4, 3), dtype=torch.uint8)
    statistics = colour_statistics(pixels.split(2))
    x = Normalise(statistics)(in_unit_range(pixels))
    assert x.shape == (6, 3, 5, 4)
    assert torch.allclose(x.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(x.std(dim=(0, 2, 3), correction=0), torch.ones(3), atol=1e-5)
    with pytest.raises(DataError, match="one and the same"):
        colour_statistics([torch.zeros(2, 4, 4, 3, dtype=torch.uint8)])
