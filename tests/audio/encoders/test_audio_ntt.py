"""The encoders: published sizes and names, any number of frames, layers, precision."""

from typing import Any

import pytest
import torch
from torch import Tensor

from randquant.audio.encoders.audio_ntt import AudioNTT, AudioNTT2020, AudioNTT2022
from randquant.audio.encoders.registry import ENCODERS


@pytest.fixture(scope="module")
def x() -> Tensor:
    return torch.randn(4, 1, 64, 96, generator=torch.Generator().manual_seed(0))


def small(name: str) -> AudioNTT:
    torch.manual_seed(0)
    return AudioNTT2020(d=64).eval() if name == "AudioNTT2020" else AudioNTT2022(d=1088, hidden=32).eval()


@pytest.mark.parametrize(
    ("encoder", "parameters"),
    [
        (lambda: AudioNTT2020(d=512), 600_192),
        (lambda: AudioNTT2020(d=1024), 1_649_792),
        (lambda: AudioNTT2020(), 5_321_856),
        (lambda: AudioNTT2022(), 6_333_376),
    ],
)
def test_published_parameter_counts(encoder: Any, parameters: int) -> None:
    with torch.device("meta"):
        assert sum(each.numel() for each in encoder().parameters()) == parameters


def batch_norm(index: int) -> dict[str, tuple[int, ...]]:
    vectors = {f"features.{index}.{name}": (64,) for name in ("weight", "bias", "running_mean", "running_var")}
    return {**vectors, f"features.{index}.num_batches_tracked": ()}


def test_published_names_and_shapes() -> None:
    first = {"features.0.weight": (64, 1, 3, 3), "features.0.bias": (64,), **batch_norm(1)}
    second = {"features.4.weight": (64, 64, 3, 3), "features.4.bias": (64,), **batch_norm(5)}
    third = {"features.8.weight": (64, 64, 3, 3), "features.8.bias": (64,), **batch_norm(9)}
    small_mlp = {"fc.0.weight": (512, 512), "fc.0.bias": (512,), "fc.3.weight": (512, 512), "fc.3.bias": (512,)}
    large_mlp = {"fc.0.weight": (2048, 1024), "fc.0.bias": (2048,), "fc.3.weight": (2048, 2048), "fc.3.bias": (2048,)}
    with torch.device("meta"):
        v1, v2 = AudioNTT2020(d=512).state_dict(), AudioNTT2022().state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in v1.items()} == {**first, **second, **third, **small_mlp}
    assert {name: tuple(tensor.shape) for name, tensor in v2.items()} == {**first, **second, **large_mlp}


def slow_forward(encoder: AudioNTT, x: Tensor) -> Tensor:
    """AudioNTT as published: ReLU before pooling, frame by frame, bands before channels."""
    for index in range(0, len(encoder.features), 4):
        convolution, norm = encoder.features[index], encoder.features[index + 1]
        x = torch.nn.functional.max_pool2d(norm(convolution(x)).relu(), 2)
    frames = [
        torch.stack([x[:, channel, band, frame] for band in range(x.shape[2]) for channel in range(64)], dim=1)
        for frame in range(x.shape[3])
    ]
    outputs = [encoder.fc(frame) for frame in frames]
    if isinstance(encoder, AudioNTT2022):
        outputs = [torch.cat([frame, output], dim=1) for frame, output in zip(frames, outputs, strict=True)]
    stacked = torch.stack(outputs)
    return stacked.max(dim=0).values + stacked.mean(dim=0)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("frames", [96, 45, 8])
def test_forward_equals_the_slow_form(name: str, frames: int) -> None:
    encoder = small(name)
    x = torch.randn(3, 1, 64, frames, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoder(x), slow_forward(encoder, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_gradients_equal_those_of_the_slow_form(name: str, x: Tensor) -> None:
    encoder, x = small(name).double(), x[:2, :, :, :24].double()
    fast = torch.autograd.grad(encoder(x).square().sum(), list(encoder.parameters()))
    slow = torch.autograd.grad(slow_forward(encoder, x).square().sum(), list(encoder.parameters()))
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("frames", [0, 1, 3, 7, 9, 96, 401])
def test_any_number_of_frames(name: str, frames: int) -> None:
    encoder = small(name)
    with torch.no_grad():
        vectors = encoder(torch.randn(2, 1, 64, frames))
    assert vectors.shape == (2, encoder.embedding_size())
    assert vectors.isfinite().all()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_short_clip_is_one_with_zeros_behind(name: str) -> None:
    encoder = small(name)
    clip = torch.randn(2, 1, 64, 3)
    assert torch.equal(encoder(clip), encoder(torch.nn.functional.pad(clip, (0, encoder.frame_step - 3))))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("layer", ["output", "conv", "conv+output"])
def test_layers(name: str, layer: Any, x: Tensor) -> None:
    encoder = small(name)
    assert encoder(x, layer).shape == (4, encoder.embedding_size(layer))
    assert encoder.frames(x, layer).shape == (4, 96 // encoder.frame_step, encoder.embedding_size(layer))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("layer", ["output", "conv", "conv+output"])
def test_what_is_behind_a_clips_frames_has_no_influence(name: str, layer: Any) -> None:
    encoder, lengths = small(name), torch.tensor([61, 3, 16, 8, 40, 1, 23, 57])
    x = torch.randn(8, 1, 64, 61, generator=torch.Generator().manual_seed(2))
    x[torch.arange(61).expand(8, 1, 64, 61) >= lengths[:, None, None, None]] = torch.nan
    with torch.inference_mode():
        vectors, frames = encoder(x, layer, lengths), encoder.frames(x, layer, lengths)
        for clip, length, vector, own in zip(x, lengths.tolist(), vectors, frames, strict=True):
            alone, count = clip[None, :, :, :length], encoder.frame_count(length)
            assert relative(vector, encoder(alone, layer)[0]) <= 1e-6
            assert relative(own[:count], encoder.frames(alone, layer)[0]) <= 1e-6
            assert not own[count:].any()


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("name", ENCODERS)
def test_gradients_stay_within_a_clips_frames(name: str) -> None:
    x = torch.randn(2, 1, 64, 24, requires_grad=True)
    small(name).train()(x, lengths=torch.tensor([24, 9])).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad[0].any()
    assert not x.grad[1, ..., 9:].any()


@pytest.mark.parametrize("lengths", [[0, 4], [4, 97], [4], [4.0, 4.0]])
def test_impossible_lengths_are_refused(lengths: Any, x: Tensor) -> None:
    with pytest.raises(ValueError, match="expected lengths"):
        small("AudioNTT2020")(x[:2], lengths=torch.tensor(lengths))


def test_layers_are_parts_of_one_another(x: Tensor) -> None:
    v1, v2 = small("AudioNTT2020"), small("AudioNTT2022")
    assert torch.equal(v1(x, "conv+output"), torch.cat([v1(x, "conv"), v1(x, "output")], dim=1))
    assert torch.equal(v2(x)[:, :1024], v2(x, "conv"))
    assert torch.equal(v2(x, "conv+output"), v2(x))


@pytest.mark.parametrize("name", ENCODERS)
def test_channels_last_gives_the_same(name: str, x: Tensor) -> None:
    encoder = small(name)
    expected = encoder(x)
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(encoder(x.contiguous(memory_format=torch.channels_last)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_bfloat16_autocast_pools_in_float32(name: str, x: Tensor) -> None:
    encoder = small(name)
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    expected = encoder(x)
    with torch.autocast("cpu", torch.bfloat16):
        vectors = encoder(x)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors, expected, rtol=0.05, atol=0.03 * float(expected.detach().abs().max()))


@pytest.mark.parametrize("name", ENCODERS)
def test_arguments_rebuild_it(name: str) -> None:
    encoder = small(name)
    rebuilt = ENCODERS[name](**encoder.arguments)
    rebuilt.load_state_dict(encoder.state_dict())
    assert rebuilt.arguments == encoder.arguments


@pytest.mark.parametrize("shape", [(2, 64, 96), (2, 2, 64, 96), (2, 1, 80, 96)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="1, 64, T"):
        small("AudioNTT2020")(torch.zeros(shape))


def test_bad_arguments_are_refused(x: Tensor) -> None:
    for make in (lambda: AudioNTT2020(n_mels=60), lambda: AudioNTT2020(d=0), lambda: AudioNTT2022(d=1024)):
        with pytest.raises(ValueError, match=r"n_mels|d="):
            make()
    with pytest.raises(ValueError, match="layer"):
        small("AudioNTT2020")(x, "fc")
