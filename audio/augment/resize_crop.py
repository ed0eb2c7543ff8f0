"""Random resize crops of spectrograms."""

from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_factors
from randquant.augmentation import Augmentation


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
        self.frequency_scale = checked_factors("frequency_scale", frequency_scale)
        self.time_scale = checked_factors("time_scale", time_scale)

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

    def _canvas(self, bands: int, frames: int) -> tuple[int, int]:
        return int(bands * self.virtual_crop[0]), int(frames * self.virtual_crop[1])


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
