"""State dicts in the layouts of published files load whole, and what does not fit is refused in one sentence."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor

from randquant.errors import DataError
from randquant.images.encoders.resnet import ResNet18, ResNet50
from randquant.images.encoders.vision_transformer import ViTSmall, sine_positions
from randquant.images.encoders.weights import is_of_pictures, load_encoder
from randquant.images.normalise import IMAGENET
from randquant.weights.weight_file import read_weights

State = dict[str, Tensor]
CHILDREN = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}


@cache
def network(name: str = "narrow") -> State:
    """The tensors of timm's network, which are torchvision's by name and shape, without a classifier; or narrow ones
    of the same names.
    """
    made = ResNet18(width=0.25, size=224) if name == "narrow" else timm.create_model(name, num_classes=0)
    state: State = made.state_dict()
    return {key: torch.rand_like(tensor) if tensor.is_floating_point() else tensor for key, tensor in state.items()}


@cache
def transformer() -> State:
    """The tensors of a small transformer for 32 pixels, which are timm's by name."""
    return ViTSmall(size=32).state_dict()


def under(prefix: str, state: State) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def other(state: State) -> State:
    """A momentum encoder: the same names, other weights."""
    return {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def by_number(state: State) -> State:
    """The names in `nn.Sequential(*network.children())`."""
    parts = [name.partition(".") for name in state]
    return {f"{CHILDREN[first]}.{rest}": state[f"{first}.{rest}"] for first, _, rest in parts}


def head(name: str) -> State:
    return {f"{name}.weight": torch.rand(4, 5), f"{name}.bias": torch.rand(4)}


def moco_v1(state: State) -> Any:
    query, key = under("module.encoder_q.", state), under("module.encoder_k.", other(state))
    heads = {**head("module.encoder_q.fc"), **head("module.encoder_k.fc")}
    queue = {"module.queue": torch.rand(4, 8), "module.queue_ptr": torch.zeros(1, dtype=torch.long)}
    return {"epoch": 200, "arch": "resnet18", "state_dict": {**query, **key, **heads, **queue}, "optimizer": {}}


def moco_v2(state: State) -> Any:
    heads = {**head("module.encoder_q.fc.0"), **head("module.encoder_q.fc.2")}
    return {"epoch": 800, "state_dict": {**under("module.encoder_q.", state), **heads}}


def moco_v3(state: State) -> Any:
    base, momentum = under("module.base_encoder.", state), under("module.momentum_encoder.", other(state))
    heads = {
        **head("module.base_encoder.fc.0"),
        **head("module.momentum_encoder.fc.0"),
        **head("module.base_encoder.head.0"),
        **head("module.predictor.0"),
    }
    return {"epoch": 100, "state_dict": {**base, **momentum, **heads}, "scaler": {}}


def byol_by_parts(state: State) -> Any:
    """Of a re-implementation that keeps the networks apart, their children by number."""
    return {
        "online_network_state_dict": {**under("encoder.", by_number(state)), **head("projection.net.0")},
        "target_network_state_dict": {**under("encoder.", by_number(other(state))), **head("projection.net.0")},
        "optimizer_state_dict": {},
    }


def byol_wrapper(state: State) -> Any:
    """Of a wrapper around any network, which is there once more as `net`."""
    online, target = under("online_encoder.net.", state), under("target_encoder.net.", other(state))
    heads = {**head("online_encoder.projector.0"), **head("online_predictor.0"), **head("online_encoder.net.fc")}
    return {**under("net.", state), **head("net.fc"), **online, **target, **heads}


def solo_learn(state: State) -> Any:
    momentum = under("momentum_backbone.", other(state))
    heads = {**head("projector.0"), **head("predictor.0"), **head("classifier")}
    return {"state_dict": {**under("backbone.", state), **momentum, **heads}, "pytorch-lightning_version": "1.6"}


def solo_learn_2021(state: State) -> Any:
    return {"state_dict": {**under("encoder.", state), **head("projector.0"), **head("classifier")}}


def lightly(state: State) -> Any:
    momentum = under("backbone_momentum.", by_number(other(state)))
    heads = {**head("projection_head.layers.0"), **head("prediction_head.layers.0")}
    return {"state_dict": {**under("backbone.", by_number(state)), **momentum, **heads}}


def torchvision(state: State) -> Any:
    return {**state, **head("fc")}


LAYOUTS: list[Callable[[State], Any]] = [
    moco_v1, moco_v2, moco_v3, byol_by_parts, byol_wrapper, solo_learn, solo_learn_2021, lightly, torchvision,
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_published_layout_loads_the_network_that_was_trained(tmp_path: Path, layout: Callable[[State], Any]) -> None:
    state = network()
    torch.save(layout(state), tmp_path / "published.pth.tar")
    loaded = load_encoder(tmp_path / "published.pth.tar")
    assert isinstance(loaded.encoder, ResNet18)
    assert (loaded.encoder.width, loaded.encoder.size) == (0.25, 224)
    found = loaded.encoder.state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert "all 120 tensors matched" in loaded.report
    assert "ImageNet's colours" in loaded.report
    assert loaded.statistics == IMAGENET
    assert is_of_pictures(read_weights(tmp_path / "published.pth.tar"))


def test_the_stem_tells_the_size_of_pictures_and_the_shapes_the_width(tmp_path: Path) -> None:
    for number, made in enumerate((ResNet18(width=0.5, size=32), ResNet18(width=0.25, size=224))):
        torch.save({"state_dict": under("backbone.", made.state_dict())}, tmp_path / f"{number}.ckpt")
        assert load_encoder(tmp_path / f"{number}.ckpt").encoder.arguments == made.arguments


def test_resnet50_of_moco_v3_and_of_rq_loads(tmp_path: Path) -> None:
    torch.save(moco_v3(network("resnet50")), tmp_path / "r-50-100ep.pth.tar")
    loaded = load_encoder(tmp_path / "r-50-100ep.pth.tar")
    assert isinstance(loaded.encoder, ResNet50)
    assert loaded.encoder.embedding_size() == 2048
    assert "module.base_encoder (4)" in loaded.report


def test_a_transformer_of_moco_v3_is_known_by_its_fixed_positions(tmp_path: Path) -> None:
    for positions, heads in ((sine_positions(2, 384), 12), (torch.rand(1, 5, 384), 6)):
        state = under("module.base_encoder.", {**transformer(), "pos_embed": positions})
        torch.save({"state_dict": {**state, **head("module.base_encoder.head.0")}}, tmp_path / "vit.pth.tar")
        loaded = load_encoder(tmp_path / "vit.pth.tar")
        assert isinstance(loaded.encoder, ViTSmall)
        assert (loaded.encoder.heads, loaded.encoder.size) == (heads, 32)
        assert torch.equal(loaded.encoder.state_dict()["pos_embed"], positions)
        assert f"{heads} heads" in loaded.report


def test_a_transformer_of_torchvision_is_renamed(tmp_path: Path) -> None:
    names = {
        "cls_token": "class_token",
        "pos_embed": "encoder.pos_embedding",
        "patch_embed.proj.": "conv_proj.",
        ".norm1.": ".ln_1.",
        ".norm2.": ".ln_2.",
        "norm.": "encoder.ln.",
        ".attn.qkv.": ".self_attention.in_proj_",
        ".attn.proj.": ".self_attention.out_proj.",
        ".mlp.fc1.": ".mlp.0.",
        ".mlp.fc2.": ".mlp.3.",
        "blocks.": "encoder.layers.encoder_layer_",
    }
    state, theirs = transformer(), {}
    for name, tensor in state.items():
        renamed = name
        for own, their in names.items():
            if own in renamed and (own != "norm." or renamed.startswith("norm.")):
                renamed = renamed.replace(own, their)
        theirs[renamed] = tensor
    torch.save({**theirs, **head("heads.head")}, tmp_path / "vit_b_16.pth")
    loaded = load_encoder(tmp_path / "vit_b_16.pth")
    assert loaded.encoder.arguments == {"width": 1.0, "size": 32, "heads": 12}
    assert torch.equal(loaded.encoder.state_dict()["blocks.3.attn.qkv.weight"], state["blocks.3.attn.qkv.weight"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda state: {name: each for name, each in state.items() if "layer4.1.bn2.bias" not in name},
            "layer4.1.bn2.bias",
        ),
        (lambda state: {**state, "extra.thing": torch.rand(2)}, "unknown purpose"),
        (lambda state: {**state, "layer2.0.conv1.weight": torch.rand(3, 3)}, "expected shape"),
        (lambda state: under("momentum_encoder.", state), "target network only"),
        (lambda state: {"conv1.weight": state["conv1.weight"]}, "no encoder of ours"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: Callable[[State], State], says: str) -> None:
    torch.save(change(network()), tmp_path / "damaged.pth")
    with pytest.raises(DataError, match=says):
        load_encoder(tmp_path / "damaged.pth")
