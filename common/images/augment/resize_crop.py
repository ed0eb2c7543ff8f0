"""Random resized crops, with the flip in the same pass."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from randquant.arguments import checked_count, checked_factors, checked_probability, checked_range
from randquant.augmentation import Augmentation
from randquant.images.augment.crop_boxes import DRAWS, Boxes, crop_boxes
from randquant.images.augment.picture_augmentation import check_pictures


class CropParams(NamedTuple):
    """One draw of `RandomResizedCrop`: boxes, and flip (B,) bool, which crops are mirrored."""

    boxes: Boxes
    flip: Tensor


class RandomResizedCrop(Augmentation):
    """Crop a box of random area and shape, resize it to one size and mirror it left to right with probability `flip`.

    The resize is bilinear and antialiased where it shrinks, as PIL's is: what the published recipes were trained on.
    Without antialiasing a strong reduction would alias, differently for each crop. Crop, resize and flip are one pass
    over the batch: four neighbours of each result where the result is no smaller than the input, so that no crop can
    shrink; two matrices a picture, one an axis, where a crop may.

    Args:
        size: side of the result in pixels, or (height, width); None keeps the input's.
        scale: range of the crop's area over the picture's, 0 < low <= high <= 1.
        ratio: range of the crop's width over height, log-uniform.
        flip: probability of mirroring.

    Source: Szegedy et al., CVPR 2015; as in torchvision's RandomResizedCrop and RandomHorizontalFlip.
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        flip: float = 0.0,
    ) -> None:
        super().__init__()
        for side in () if size is None else (size,) if isinstance(size, int) else size:
            checked_count("size", side)
        self.size = size
        self.scale = checked_range("scale", checked_factors("scale", scale), most=1.0)
        self.ratio, self.flip = checked_factors("ratio", ratio), checked_probability("flip", flip)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> CropParams:
        """Draw a box and a flip for every picture; only shape and device of x are used."""
        check_pictures(x)
        draws = torch.rand(len(x), DRAWS + 1, device=x.device, generator=generator)
        boxes = crop_boxes(draws[:, :-1], x.shape[-2], x.shape[-1], scale=self.scale, ratio=self.ratio)
        return CropParams(boxes, draws[:, -1] < self.flip)

    def transform(self, x: Tensor, params: CropParams) -> Tensor:
        """Crop, resize and flip every picture."""
        boxes, flip, (height, width) = params.boxes, params.flip, x.shape[-2:]
        tall, wide = self._result(height, width)
        with torch.autocast(x.device.type, enabled=False):
            if tall >= height and wide >= width:
                down = sample_places(boxes.top, boxes.height, tall)
                across = sample_places(boxes.left, boxes.width, wide, mirrored=flip)
                return sampled(x.float(), down, across).to(x.dtype)
            rows = resize_matrices(boxes.top, boxes.height, height, tall)
            columns = resize_matrices(boxes.left, boxes.width, width, wide, mirrored=flip)
            return resized(x.float(), rows, columns).to(x.dtype)

    def _result(self, height: int, width: int) -> tuple[int, int]:
        if self.size is None:
            return height, width
        return (self.size, self.size) if isinstance(self.size, int) else self.size


def sampled(x: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Pictures (B, C, H, W) at rows (B, h) and columns (B, w) in pixels, bilinearly: (B, C, h, w)."""
    grid = torch.stack(
        [
            (across * (2.0 / max(x.shape[-1] - 1, 1)) - 1.0)[:, None, :].expand(-1, down.shape[1], -1),
            (down * (2.0 / max(x.shape[-2] - 1, 1)) - 1.0)[:, :, None].expand(-1, -1, across.shape[1]),
        ],
        dim=-1,
    )
    return functional.grid_sample(x, grid, align_corners=True, padding_mode="border")


def sample_places(start: Tensor, size: Tensor, wanted: int, *, mirrored: Tensor | None = None) -> Tensor:
    """The places (B, wanted) of an axis, in pixels, that a resize of [start, start + size) reads.

    Output place o reads (o + 1/2) size / wanted - 1/2 of the crop, its border pixel where that lies outside.

    Args:
        start, size: (B,) of the crop, in source pixels.
        wanted: length of the result.
        mirrored: (B,) bool, which results are turned round.
    """
    read = _centres(size, wanted, mirrored)
    return start[:, None] + read.clamp(min=0.0).minimum(size[:, None] - 1.0)


def resized(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pictures (B, C, H, W) under matrices (B, h, H) of their rows and (B, w, W) of their columns: (B, C, h, w)."""
    batch, channels, height, width = x.shape
    wide = x.reshape(batch, channels * height, width).bmm(columns.transpose(1, 2)).unflatten(1, (channels, height))
    return torch.stack([rows.bmm(channel) for channel in wide.unbind(dim=1)], dim=1)


def resize_matrices(start: Tensor, size: Tensor, length: int, wanted: int, *, mirrored: Tensor | None = None) -> Tensor:
    """Matrices (B, wanted, length) that resize [start, start + size) of an axis bilinearly, antialiased.

    Each output place weighs its neighbours by a triangle as wide as an output pixel, at least as a source pixel, over
    the crop alone; the arguments are those of `sample_places`, and `length` is that of the axis.
    """
    scale = (size / wanted)[:, None].clamp(min=1.0)
    centre = start[:, None] + _centres(size, wanted, mirrored)
    source = torch.arange(length, device=start.device, dtype=torch.float32)
    weights = (1.0 - (source - centre[..., None]).abs() / scale[..., None]).clamp(min=0.0)
    inside = (source >= start[:, None]) & (source < (start + size)[:, None])
    weights = weights * inside[:, None, :]
    return weights / weights.sum(dim=-1, keepdim=True)


def _centres(size: Tensor, wanted: int, mirrored: Tensor | None) -> Tensor:
    """Where in its crop each place (B, wanted) of the result lies."""
    place = torch.arange(wanted, device=size.device, dtype=torch.float32).expand(len(size), -1)
    if mirrored is not None:
        place = torch.where(mirrored[:, None], wanted - 1 - place, place)
    return (place + 0.5) * (size / wanted)[:, None] - 0.5
