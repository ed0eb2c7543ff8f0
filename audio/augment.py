"""Augmentations of normalised log-mel spectrograms (B, 1, F, T): batched, on the device, one draw a sample.

Source: Niizumi et al., BYOL-A (IJCNN 2021) for log-mixup-exp and the random resize crop, BYOL-A v2 (TASLP 2023) for
the random linear fader; Nam et al. (ICASSP 2022) for filters. All compute in float32 and return the dtype they were
given.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from randquant.augmentation import Augmentation


class MixupParams(NamedTuple):
    """One draw of `LogMixupExp`: weight (B,) of the partner, partner (B, 1, F, T), known () bool: one was there."""

    weight: Tensor
    partner: Tensor
    known: Tensor


class LogMixupExp(Augmentation):
    """Mix in a past sound: log((1 - w) exp(x) + w exp(z)), w ~ U(0, alpha), z uniform from a bank of past inputs.

    The bank is a ring buffer of the last `bank_size` inputs, float32, on the device. Every draw (`make_params`)
    first takes partners from the bank and then pushes its whole input, as it also advances the generator; the first
    draw therefore finds an empty bank and leaves x unchanged. Used once a view, as published, each sample enters once
    a view. `transform` neither reads nor writes the bank. The buffers `bank`, `cursor` and `filled` are in the state
    dict, so that a resumed run mixes what the uninterrupted one would have mixed.

    Args:
        alpha: the largest weight of the partner, in [0, 1]; 0.4 in BYOL-A v1, 0.2 in v2.
        bank_size: past inputs kept; 2048 of (1, 64, 96) take 50 MB.
    """

    bank: Tensor
    cursor: Tensor
    filled: Tensor

    def __init__(self, alpha: float = 0.4, bank_size: int = 2048) -> None:
        super().__init__()
        if not 0.0 <= alpha <= 1.0:
            raise ValueError(f"alpha should be in [0, 1], got {alpha!r}.")
        if isinstance(bank_size, bool) or not isinstance(bank_size, int) or bank_size < 1:
            raise ValueError(f"bank_size should be a positive integer, got {bank_size!r}.")
        self.alpha, self.bank_size = float(alpha), bank_size
        # The bank takes its (1, F, T) from the first input; until then it has no rows to speak of.
        self.register_buffer("bank", torch.empty(0))
        self.register_buffer("cursor", torch.zeros((), dtype=torch.long))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))
        self.register_load_state_dict_pre_hook(_fit_stored_bank)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> MixupParams:
        """Draw weights and partners for x, then push x into the bank.

        Raises:
            ValueError: x has another (C, F, T) than the inputs before it.
        """
        self._fit_bank(x)
        draws = torch.rand(2, x.shape[0], device=x.device, generator=generator)
        known = self.filled > 0
        index = (draws[1] * self.filled).long().minimum(self.filled - 1).clamp(min=0)
        params = MixupParams(weight=draws[0] * self.alpha, partner=self.bank[index], known=known)
        self._push(x)
        return params

    def transform(self, x: Tensor, params: MixupParams) -> Tensor:
        """Mix every sample with its partner."""
        weight = params.weight.reshape(-1, *[1] * (x.ndim - 1))
        values = x.float()
        # logaddexp never exponentiates large values, and a weight of zero gives x itself.
        mixed = torch.logaddexp(values + (-weight).log1p(), params.partner + weight.log())
        return torch.where(params.known, mixed, values).to(x.dtype)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"alpha={self.alpha}, bank_size={self.bank_size}"

    def _fit_bank(self, x: Tensor) -> None:
        shape = (self.bank_size, *x.shape[1:])
        if self.bank.numel() == 0:
            self.bank = x.new_zeros(shape, dtype=torch.float32)
        elif self.bank.shape != shape:
            raise ValueError(
                f"the mixing bank holds inputs of shape {tuple(self.bank.shape[1:])}, got {tuple(x.shape[1:])}; "
                "use one LogMixupExp for each input shape."
            )

    def _push(self, x: Tensor) -> None:
        kept = x.detach()[-self.bank_size :].to(self.bank.dtype)
        position = (self.cursor + torch.arange(kept.shape[0], device=x.device)) % self.bank_size
        self.bank.index_copy_(0, position, kept)
        self.cursor.add_(kept.shape[0]).remainder_(self.bank_size)
        self.filled.add_(kept.shape[0]).clamp_(max=self.bank_size)


class CropParams(NamedTuple):
    """One draw of `RandomResizeCrop`: the crop on the canvas, four (B,) int64 tensors, in bands and frames."""

    top: Tensor
    height: Tensor
    left: Tensor
    width: Tensor


class RandomResizeCrop(Augmentation):
    """Crop a random part of a larger canvas around the input and resize it, bicubically, to the input's size.

    The canvas is zero (the training mean of normalised input) and holds the input in its middle. A crop is
    int(U(scale) * size) high and wide, at most the canvas and at least 1, placed uniformly. The resize is that of
    `torch.nn.functional.interpolate(mode="bicubic", align_corners=True)` on the crop: being separable and linear,
    it is two small matrices a sample, so a batch takes two batched matrix products and no loop.

    Args:
        virtual_crop: canvas size over input size for (frequency, time), each >= 1.
        frequency_scale: range of the crop's height over F.
        time_scale: range of the crop's width over T.
    """

    def __init__(
        self,
        virtual_crop: tuple[float, float] = (1.0, 1.5),
        frequency_scale: tuple[float, float] = (0.6, 1.5),
        time_scale: tuple[float, float] = (0.6, 1.5),
    ) -> None:
        super().__init__()
        if len(virtual_crop) != 2 or min(virtual_crop) < 1.0:
            raise ValueError(f"virtual_crop should be two factors >= 1 (frequency, time), got {virtual_crop!r}.")
        self.virtual_crop = (float(virtual_crop[0]), float(virtual_crop[1]))
        self.frequency_scale = _checked_range("frequency_scale", frequency_scale)
        self.time_scale = _checked_range("time_scale", time_scale)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> CropParams:
        """Draw one crop a sample; only shape and device of x are used."""
        bands, frames = x.shape[-2:]
        canvas_bands, canvas_frames = self._canvas(bands, frames)
        draws = torch.rand(4, x.shape[0], device=x.device, generator=generator)
        height, top = _draw_crop(draws[0], draws[1], self.frequency_scale, bands, canvas_bands)
        width, left = _draw_crop(draws[2], draws[3], self.time_scale, frames, canvas_frames)
        return CropParams(top, height, left, width)

    def transform(self, x: Tensor, params: CropParams) -> Tensor:
        """Crop and resize every sample."""
        bands, frames = x.shape[-2:]
        canvas_bands, canvas_frames = self._canvas(bands, frames)
        # Where the canvas is zero its columns of the matrices count for nothing, so only the input's are built.
        rows = _resize_matrix(params.top - (canvas_bands - bands) // 2, params.height, bands)
        columns = _resize_matrix(params.left - (canvas_frames - frames) // 2, params.width, frames)
        with torch.autocast(x.device.type, enabled=False):
            samples = x.float().transpose(0, 1)  # channels first, so that they broadcast over one matrix a sample
            resized = rows @ (samples @ columns.transpose(1, 2))
        return resized.transpose(0, 1).to(x.dtype)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"virtual_crop={self.virtual_crop}, frequency_scale={self.frequency_scale}, time_scale={self.time_scale}"

    def _canvas(self, bands: int, frames: int) -> tuple[int, int]:
        return int(bands * self.virtual_crop[0]), int(frames * self.virtual_crop[1])


class FaderParams(NamedTuple):
    """One draw of `RandomLinearFader`: head (B,) and tail (B,), what is added at the first and the last frame."""

    head: Tensor
    tail: Tensor


class RandomLinearFader(Augmentation):
    """Add a straight line over time, a fade in or out, to every band: from U(-1, 1) * gain to U(-1, 1) * gain.

    Args:
        gain: the largest change, in units of the normalised log-mel, >= 0.
    """

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        if not gain >= 0.0:
            raise ValueError(f"gain should be >= 0, got {gain!r}.")
        self.gain = float(gain)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> FaderParams:
        """Draw both ends for every sample; only the batch size and device of x are used."""
        draws = torch.rand(2, x.shape[0], device=x.device, generator=generator)
        head, tail = (draws * 2.0 - 1.0) * self.gain
        return FaderParams(head, tail)

    def transform(self, x: Tensor, params: FaderParams) -> Tensor:
        """Add each sample's line."""
        position = torch.linspace(0.0, 1.0, x.shape[-1], device=x.device)
        line = torch.lerp(params.head[:, None], params.tail[:, None], position)
        return (x.float() + line[:, None, None, :]).to(x.dtype)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"gain={self.gain}"


class FilterParams(NamedTuple):
    """One draw of `RandomFilter`: gains (B, knots) at evenly spaced bands; cutoff (B,), the first band cut away, F for
    none."""

    gains: Tensor
    cutoff: Tensor


class RandomFilter(Augmentation):
    """Filter every sample at random, as another microphone, voice, room or telephone line would.

    A smooth gain over frequency is added to all frames: normal draws at evenly spaced bands, joined by straight lines.
    With probability `low_pass` the bands from a random one up are silenced, to the sample's lowest value; what holds
    that value already is digital silence and stays silent.

    Args:
        gain: deviation of the gain at each knot, in units of the normalised log-mel, >= 0.
        knots: at least 2.
        low_pass: probability of a low-pass, in [0, 1].
        cutoff: range of the cut-off over the number of bands, in (0, 1].

    Source: FilterAugment of the linear type (Nam, Kim and Park, ICASSP 2022), with evenly spaced knots and a low-pass.
    """

    def __init__(
        self,
        gain: float = 0.4,
        knots: int = 6,
        low_pass: float = 0.4,
        cutoff: tuple[float, float] = (0.55, 0.95),
    ) -> None:
        super().__init__()
        if not gain >= 0.0:
            raise ValueError(f"gain should be >= 0, got {gain!r}.")
        if isinstance(knots, bool) or not isinstance(knots, int) or knots < 2:
            raise ValueError(f"knots should be an integer >= 2, got {knots!r}.")
        if not 0.0 <= low_pass <= 1.0:
            raise ValueError(f"low_pass should be in [0, 1], got {low_pass!r}.")
        self.gain, self.knots, self.low_pass = float(gain), knots, float(low_pass)
        self.cutoff = _checked_range("cutoff", cutoff)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> FilterParams:
        """Draw every sample's filter; only shape and device of x are used."""
        batch, bands = x.shape[0], x.shape[-2]
        gains = torch.randn(batch, self.knots, device=x.device, generator=generator) * self.gain
        draws = torch.rand(2, batch, device=x.device, generator=generator)
        low, high = self.cutoff
        cutoff = ((low + draws[0] * (high - low)) * bands).long()
        return FilterParams(gains, torch.where(draws[1] < self.low_pass, cutoff, bands))

    def transform(self, x: Tensor, params: FilterParams) -> Tensor:
        """Filter every sample."""
        values, bands = x.float(), x.shape[-2]
        curve = functional.interpolate(params.gains[:, None], bands, mode="linear", align_corners=True)[..., None]
        silence = values.amin(dim=(-3, -2, -1), keepdim=True)
        passed = torch.arange(bands, device=x.device)[:, None] < params.cutoff[:, None, None, None]
        return torch.where(values > silence, torch.where(passed, values + curve, silence), silence).to(x.dtype)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"gain={self.gain}, knots={self.knots}, low_pass={self.low_pass}, cutoff={self.cutoff}"


def _fit_stored_bank(module: LogMixupExp, state_dict: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Before loading, give the bank the shape of the stored one; another `bank_size` stays an error of loading."""
    stored = state_dict.get(prefix + "bank")
    if stored is not None and stored.shape[:1] in ((0,), (module.bank_size,)):
        module.bank = torch.zeros_like(stored, device=module.cursor.device)


def _checked_range(name: str, bounds: tuple[float, float]) -> tuple[float, float]:
    if len(bounds) != 2 or not 0.0 < bounds[0] <= bounds[1]:
        raise ValueError(f"{name} should be two factors with 0 < low <= high, got {bounds!r}.")
    return float(bounds[0]), float(bounds[1])


def _draw_crop(
    size_draw: Tensor, place_draw: Tensor, scale: tuple[float, float], length: int, canvas: int
) -> tuple[Tensor, Tensor]:
    """Map two uniform draws (B,) to the size and the start of an interval on a canvas axis."""
    size = ((scale[0] + size_draw * (scale[1] - scale[0])) * length).long().clamp(1, canvas)
    free = canvas - size
    start = (place_draw * (free + 1)).long().minimum(free)
    return size, start


def _resize_matrix(start: Tensor, size: Tensor, length: int) -> Tensor:
    """Matrices (B, length, length) that resize the crop [start, start + size) of a zero-extended axis to `length`.

    Row o holds the bicubic weights (A = -0.75) of source position o * (size - 1) / (length - 1), aligned corners.
    Taps beyond the crop fall on its border; those beyond the input read zeros of the canvas.
    """
    scale = (size - 1).float() / max(length - 1, 1)
    position = torch.arange(length, device=start.device) * scale[:, None]
    whole = position.floor()
    taps = _cubic_weights(position - whole)
    # Two columns more than the input, one at either end, collect what reads the canvas and are cut off again.
    matrix = position.new_zeros(start.shape[0], length, length + 2)
    for offset, weight in zip((-1, 0, 1, 2), taps, strict=True):
        index = (whole.long() + offset).clamp(min=0).minimum(size[:, None] - 1) + start[:, None]
        matrix.scatter_add_(2, (index + 1).clamp(0, length + 1).unsqueeze(2), weight.unsqueeze(2))
    return matrix[:, :, 1:-1]


def _cubic_weights(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights of the taps at -1, 0, 1, 2 for fraction t in [0, 1) (Keys 1981, with PyTorch's A = -0.75)."""
    a = -0.75

    def near(s: Tensor) -> Tensor:  # |s| <= 1
        return ((a + 2.0) * s - (a + 3.0)) * s * s + 1.0

    def far(s: Tensor) -> Tensor:  # 1 < |s| < 2
        return ((s - 5.0) * s + 8.0) * s * a - 4.0 * a

    return far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)
