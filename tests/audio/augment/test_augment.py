"""Augmentations of log-mels against slow forms and by their properties."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from randquant.audio.augment.fader import FaderParams, RandomLinearFader
from randquant.audio.augment.filter import FilterParams, RandomFilter
from randquant.audio.augment.gain import RandomGain
from randquant.audio.augment.mask import RandomMask
from randquant.audio.augment.mixup import LogMixupExp
from randquant.audio.augment.noise import RandomNoise
from randquant.audio.augment.registry import OPERATIONS
from randquant.audio.augment.resize_crop import CropParams, RandomResizeCrop
from randquant.audio.augment.shift import RandomTimeShift
from randquant.audio.settings import AudioPretraining
from randquant.augmentation import Augmentation
from randquant.policies.strength import Strength


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(16, 1, 64, 96, generator=generator(7))


def filled_mixup(**arguments: Any) -> LogMixupExp:
    mixup = LogMixupExp(**arguments)
    mixup(torch.randn(24, 1, 64, 96, generator=generator(8)), generator=generator(9))
    return mixup


def mask(axis: Literal["time", "frequency"]) -> Callable[[], RandomMask]:
    return lambda: RandomMask(axis, share=(0.0, 0.5))


MAKERS = [
    filled_mixup,
    RandomResizeCrop,
    RandomLinearFader,
    RandomFilter,
    RandomGain,
    RandomNoise,
    RandomTimeShift,
    mask("time"),
    mask("frequency"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_draw_can_be_replayed(make: Any, x: Tensor) -> None:
    augment: Augmentation = make()
    params = augment.make_params(x, generator=generator(1))
    first = augment.transform(x, params)
    augment.make_params(x, generator=generator(2))
    assert torch.equal(augment.transform(x, params), first)
    assert first.shape == x.shape
    assert first.isfinite().all()
    assert not torch.equal(first, x)


@pytest.mark.parametrize("make", MAKERS)
def test_the_generator_decides(make: Any, x: Tensor) -> None:
    assert torch.equal(make()(x, generator=generator(1)), make()(x, generator=generator(1)))
    assert not torch.equal(make()(x, generator=generator(1)), make()(x, generator=generator(2)))


@pytest.mark.parametrize("make", MAKERS)
def test_a_permuted_batch_gives_a_permuted_result(make: Any, x: Tensor) -> None:
    augment: Augmentation = make()
    params = augment.make_params(x, generator=generator(1))
    order = torch.randperm(len(x), generator=generator(2))
    permuted = type(params)(*(field[order] if field.ndim else field for field in params))
    expected = augment.transform(x, params)[order]
    torch.testing.assert_close(augment.transform(x[order], permuted), expected, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("make", MAKERS)
def test_eval_mode_is_the_identity(make: Any, x: Tensor) -> None:
    assert make().eval()(x) is x


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(make: Any, dtype: torch.dtype, x: Tensor) -> None:
    augment: Augmentation = make()
    half = x.to(dtype)
    params = augment.make_params(half, generator=generator(1))
    result = augment.transform(half, params)
    assert result.dtype == dtype
    assert torch.equal(result, augment.transform(half.float(), params).to(dtype))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(augment.transform(x, params), augment.transform(x, params).float())


@pytest.mark.parametrize("make", [*MAKERS[:4], RandomTimeShift, mask("time")])  # the compiler takes a second for each
def test_nothing_is_read_on_the_host(make: Any, x: Tensor) -> None:
    augment: Augmentation = make()
    params = augment.make_params(x, generator=generator(1))
    # A graph without a break holds no `.item()` and no branch on a value.
    transform = torch.compile(augment.transform, fullgraph=True, backend="eager")
    torch.testing.assert_close(transform(x, params), augment.transform(x, params))
    assert torch.compile(augment, fullgraph=True, backend="eager")(x).shape == x.shape


# ---- random resize crop


def slow_resize_crop(x: Tensor, params: CropParams, canvas_size: tuple[int, int]) -> Tensor:
    """Paste, crop and interpolate every sample by itself."""
    bands, frames = x.shape[-2:]
    row, column = (canvas_size[0] - bands) // 2, (canvas_size[1] - frames) // 2
    results = []
    for sample, top, height, left, width in zip(x, *(field.tolist() for field in params), strict=True):
        canvas = x.new_zeros(1, x.shape[1], *canvas_size)
        canvas[0, :, row : row + bands, column : column + frames] = sample
        crop = canvas[:, :, top : top + height, left : left + width]
        results.append(functional.interpolate(crop, (bands, frames), mode="bicubic", align_corners=True)[0])
    return torch.stack(results)


@pytest.mark.parametrize(
    ("shape", "virtual_crop", "canvas"),
    [
        ((64, 1, 64, 96), (1.0, 1.5), (64, 144)),
        ((32, 1, 64, 101), (1.0, 1.5), (64, 151)),
        ((32, 3, 40, 31), (1.5, 2.0), (60, 62)),
        ((8, 1, 8, 1), (1.0, 1.5), (8, 1)),
        ((8, 1, 1, 5), (2.0, 1.0), (2, 5)),
    ],
)
def test_resize_crop_equals_the_loop_over_interpolate(
    shape: tuple[int, ...], virtual_crop: tuple[float, float], canvas: tuple[int, int]
) -> None:
    batch = torch.randn(shape, generator=generator(3))
    augment = RandomResizeCrop(virtual_crop=virtual_crop)
    params = augment.make_params(batch, generator=generator(4))
    expected = slow_resize_crop(batch, params, canvas)
    torch.testing.assert_close(augment.transform(batch, params), expected, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 144), (64, 1), (64, 144), (17, 33)])
def test_resize_crop_of_extreme_sizes(height: int, width: int, x: Tensor) -> None:
    batch = x[:3]
    tops, lefts = torch.tensor([0, (64 - height) // 2, 64 - height]), torch.tensor([0, (144 - width) // 2, 144 - width])
    params = CropParams(tops, torch.full((3,), height), lefts, torch.full((3,), width))
    expected = slow_resize_crop(batch, params, (64, 144))
    torch.testing.assert_close(RandomResizeCrop().transform(batch, params), expected, rtol=0.0, atol=1e-5)


def test_the_crop_of_the_input_itself_is_the_identity(x: Tensor) -> None:
    of = torch.ones(len(x), dtype=torch.long)
    params = CropParams(0 * of, 64 * of, 24 * of, 96 * of)
    torch.testing.assert_close(RandomResizeCrop().transform(x, params), x, rtol=0.0, atol=1e-5)


def test_crops_are_drawn_as_published() -> None:
    many = torch.empty(20_000, 1, 64, 96)
    top, height, left, width = RandomResizeCrop().make_params(many, generator=generator(5))
    assert (int(height.min()), int(height.max())) == (38, 64)  # int(0.6 * 64) to the canvas
    assert (int(width.min()), int(width.max())) in {(57, 143), (57, 144)}
    assert bool(((top >= 0) & (top + height <= 64) & (left >= 0) & (left + width <= 144)).all())
    whole = float((height == 64).float().mean())
    assert whole == pytest.approx(0.5 / 0.9, abs=0.02)  # U(0.6, 1.5) above 1 is cut to the canvas
    free = 144 - width
    place = (left.double() / free.clamp(min=1))[free > 20]
    assert float(place.mean()) == pytest.approx(0.5, abs=0.02)
    assert bool((left == 0).any())
    assert bool((left == free).any())


@pytest.mark.parametrize(
    "arguments", [{"virtual_crop": (0.9, 1.5)}, {"frequency_scale": (0.0, 1.0)}, {"time_scale": (1.5, 0.6)}]
)
def test_resize_crop_refuses_bad_ranges(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        RandomResizeCrop(**arguments)


# ---- log-mixup-exp


def test_the_first_mix_has_no_partner(x: Tensor) -> None:
    mixup = LogMixupExp()
    assert torch.equal(mixup(x, generator=generator()), x)
    assert not torch.equal(mixup(x, generator=generator()), x)


def test_mixing_equals_the_formula(x: Tensor) -> None:
    mixup = filled_mixup()
    params = mixup.make_params(x, generator=generator(1))
    weight = params.weight.double()[:, None, None, None]
    expected = ((1 - weight) * x.double().exp() + weight * params.partner.double().exp()).log()
    torch.testing.assert_close(mixup.transform(x, params).double(), expected, rtol=0.0, atol=1e-5)
    assert float(params.weight.max()) <= 0.4


def test_mixing_with_weight_zero_is_the_identity_and_large_values_stay_finite(x: Tensor) -> None:
    mixup = filled_mixup(alpha=0.0)
    assert torch.equal(mixup(x, generator=generator(1)), x)
    loud = filled_mixup()
    assert loud(x + 200.0, generator=generator(1)).isfinite().all()


def test_the_bank_is_a_ring_of_the_last_inputs() -> None:
    mixup = LogMixupExp(bank_size=5)
    rows = torch.arange(9.0).reshape(9, 1, 1, 1)
    for part in rows.split([3, 4, 2]):
        mixup(part, generator=generator())
    assert sorted(mixup.bank.flatten().tolist()) == [4.0, 5.0, 6.0, 7.0, 8.0]
    mixup(torch.arange(100.0, 112.0).reshape(12, 1, 1, 1), generator=generator())  # more than the bank holds
    assert sorted(mixup.bank.flatten().tolist()) == [107.0, 108.0, 109.0, 110.0, 111.0]


def test_partners_come_from_inputs_before_uniformly() -> None:
    mixup = LogMixupExp(bank_size=8)
    mixup(torch.arange(1.0, 6.0).reshape(5, 1, 1, 1), generator=generator())  # three rows of the bank stay empty
    params = mixup.make_params(torch.full((10_000, 1, 1, 1), -1.0), generator=generator(1))
    counts = torch.bincount(params.partner.flatten().long(), minlength=6)
    assert counts[0] == 0
    assert counts[1:].float().div(10_000).sub(0.2).abs().max() < 0.02


def test_each_view_pushes_its_input(x: Tensor) -> None:
    mixup = LogMixupExp()
    for _ in range(2):
        mixup(x, generator=generator())
    assert int(mixup.filled) == 2 * len(x)
    assert torch.equal(mixup.bank[: len(x)], x)
    mixup.eval()(x)
    assert int(mixup.filled) == 2 * len(x)


def test_a_resumed_bank_mixes_the_same(x: Tensor) -> None:
    mixup = filled_mixup()
    resumed = LogMixupExp()
    resumed.load_state_dict(mixup.state_dict())
    assert torch.equal(resumed(x, generator=generator(1)), mixup(x, generator=generator(1)))
    assert torch.equal(resumed.bank, mixup.bank)
    mixup.load_state_dict(LogMixupExp().state_dict())  # back to a bank that is still empty
    assert torch.equal(mixup(x, generator=generator(1)), x)


def test_another_input_shape_is_refused(x: Tensor) -> None:
    with pytest.raises(ValueError, match="shape"):
        filled_mixup()(x[..., :90])


@pytest.mark.parametrize("arguments", [{"alpha": 1.1}, {"alpha": -0.1}, {"bank_size": 0}, {"bank_size": 2.0}])
def test_mixup_refuses_bad_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        LogMixupExp(**arguments)


# ---- random linear fader


def test_the_fader_adds_a_line_to_every_band(x: Tensor) -> None:
    fader = RandomLinearFader(gain=0.5)
    params: FaderParams = fader.make_params(x, generator=generator(1))
    added = fader.transform(x, params) - x
    for sample, head, tail in zip(added, params.head, params.tail, strict=True):
        line = torch.linspace(float(head), float(tail), 96).expand(1, 64, 96)
        torch.testing.assert_close(sample, line, rtol=0.0, atol=1e-5)
    assert float(params.head.abs().max()) <= 0.5


def test_the_fader_without_gain_is_the_identity(x: Tensor) -> None:
    assert torch.equal(RandomLinearFader(gain=0.0)(x), x)
    with pytest.raises(ValueError, match="gain"):
        RandomLinearFader(gain=-1.0)


# ---- random filter


def test_a_filter_adds_a_curve_between_knots_and_silences_from_the_cutoff() -> None:
    x = torch.zeros(2, 1, 9, 5)
    x[:, :, :, 0] = -3.0  # digital silence
    params = FilterParams(gains=torch.tensor([[0.0, 4.0, 0.0], [1.0, 1.0, -3.0]]), cutoff=torch.tensor([9, 6]))
    result = RandomFilter(knots=3).transform(x, params)
    assert bool((result[..., 0] == -3.0).all()), "what is silent stays silent"
    assert result[0, 0, :, 3].tolist() == [0, 1, 2, 3, 4, 3, 2, 1, 0]
    assert result[1, 0, :, 3].tolist() == [1, 1, 1, 1, 1, 0, -3, -3, -3]


def test_the_share_and_the_range_of_the_low_pass(x: Tensor) -> None:
    params = RandomFilter(low_pass=0.3, cutoff=(0.5, 0.75)).make_params(x[:1].expand(4000, -1, -1, -1))
    cut = params.cutoff[params.cutoff < 64]
    assert len(cut) / 4000 == pytest.approx(0.3, abs=0.03)
    assert (int(cut.min()), int(cut.max())) == (32, 47)
    assert torch.equal(RandomFilter(gain=0.0, low_pass=0.0)(x), x)


@pytest.mark.parametrize("arguments", [{"gain": -1.0}, {"knots": 1}, {"low_pass": 1.5}, {"cutoff": (0.5, 0.2)}])
def test_a_filter_checks_its_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        RandomFilter(**arguments)


@pytest.mark.parametrize(("axis", "dim"), [("time", 3), ("frequency", 2)])
def test_a_mask_hides_consecutive_frames_or_bands(axis: Literal["time", "frequency"], dim: int, x: Tensor) -> None:
    augment = RandomMask(axis, (0.1, 0.5))
    params = augment.make_params(x, generator=generator(1))
    for sample, masked, start, stop in zip(x, augment.transform(x, params), *params, strict=True):
        slow = sample.clone()
        slow.narrow(dim - 1, int(start), int(stop - start)).zero_()
        assert torch.equal(masked, slow)
        assert int(0.1 * x.shape[dim]) <= stop - start <= 0.5 * x.shape[dim]


def test_a_shift_moves_frames_and_leaves_zeros(x: Tensor) -> None:
    augment = RandomTimeShift((0.0, 1.0))
    params = augment.make_params(x, generator=generator(1))
    assert (params.frames < 0).any()
    assert (params.frames > 0).any()
    for sample, shifted, frames in zip(x, augment.transform(x, params), params.frames.tolist(), strict=True):
        rolled = sample.roll(frames, dims=-1)
        (rolled[..., :frames] if frames >= 0 else rolled[..., frames:]).zero_()
        assert torch.equal(shifted, rolled)


def test_gain_and_noise_do_what_they_say(x: Tensor) -> None:
    gains = RandomGain((0.5, 1.0)).make_params(torch.empty(2000, 1, 1, 1), generator=generator(1)).gain
    assert gains.abs().min() >= 0.5
    assert gains.abs().max() <= 1.0
    assert abs(float((gains > 0).float().mean()) - 0.5) < 0.05
    augment = RandomNoise((0.0, 0.4))
    params = augment.make_params(x, generator=generator(1))
    for sample, noisy, weight, noise in zip(x, augment.transform(x, params), *params, strict=True):
        torch.testing.assert_close(noisy, ((1 - weight) * sample.exp() + weight * noise.exp()).log())
    assert torch.equal(RandomNoise((0.0, 0.0))(x), x)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "background"])  # which mixes past inputs
def test_operations_change_more_the_stronger_they_are(name: str) -> None:
    x = torch.linspace(-2.0, 2.0, 96).expand(64, 1, 64, 96)
    settings = AudioPretraining(out=Path(), data=[Path()])
    change = [
        float((OPERATIONS[name](settings, Strength.of(m))(x, generator=generator(3)) - x).square().mean())
        for m in (0, 5, 10)
    ]
    assert change[0] < 0.01
    assert change[0] <= change[1] < change[2]
