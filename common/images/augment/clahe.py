"""Contrast-limited adaptive histogram equalization (CLAHE)."""

import torch
from torch import Tensor
from torch.nn import functional

from randquant.arguments import checked_count, checked_factors
from randquant.extras import needs
from randquant.images.augment.picture_augmentation import PictureAugmentation, uniform

LEVELS = 256


class RandomClahe(PictureAugmentation):
    """Equalize the lightness of each tile of a picture, with a limit to the gain in contrast.

    The limit is drawn per picture. Lightness is L of CIELAB in 256 levels; colour stays.

    Args:
        p: probability.
        limit: range of the clip limit, in multiples of an even histogram.
        tiles: tiles along either side, at most as many as pixels.

    Source: Zuiderveld, Graphics Gems IV, 1994; the arithmetic is OpenCV's, the defaults are those of Albumentations.
    """

    def __init__(self, p: float = 0.2, limit: tuple[float, float] = (1.0, 4.0), tiles: int = 8) -> None:
        super().__init__(p)
        self.limit, self.tiles = checked_factors("limit", limit), checked_count("tiles", tiles)

    def draw(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """A clip limit a picture."""
        return (uniform(x, *self.limit, generator),)

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Equalize all."""
        with needs("images"):
            from kornia.color import lab_to_rgb, rgb_to_lab
        light, colour = rgb_to_lab(x).tensor_split([1], dim=1)
        levels = (light[:, 0] * (255.0 / 100.0)).round_().clamp_(0.0, 255.0).long()
        light = equalized_tiles(levels, *values, tiles=self.tiles)[:, None] * (100.0 / 255.0)
        return lab_to_rgb(torch.cat([light, colour], dim=1)).clamp_(0.0, 1.0)


def equalized_tiles(levels: Tensor, limit: Tensor, *, tiles: int = 8) -> Tensor:
    """Levels (B, H, W) int64 in 0 to 255 after CLAHE, whole numbers as float32.

    Args:
        levels: of the pictures.
        limit: (B,) clip limits.
        tiles: along either side.
    """
    height, width = levels.shape[-2:]
    down, across = min(tiles, height), min(tiles, width)
    whole = functional.pad(levels.float(), (0, -width % across, 0, -height % down), mode="reflect").long()
    tall, wide = whole.shape[-2] // down, whole.shape[-1] // across
    tables = _tables(whole, limit, down, across)
    top, bottom, below = _neighbours(height, tall, down, levels.device)
    left, right, beside = _neighbours(width, wide, across, levels.device)

    def looked_up(row: Tensor, column: Tensor) -> Tensor:
        place = (row[:, None] * across + column) * LEVELS + levels
        return tables.flatten(1).gather(1, place.flatten(1)).view(levels.shape)

    upper = torch.lerp(looked_up(top, left), looked_up(top, right), beside)
    lower = torch.lerp(looked_up(bottom, left), looked_up(bottom, right), beside)
    return torch.lerp(upper, lower, below[:, None]).round_()


def _tables(levels: Tensor, limit: Tensor, down: int, across: int) -> Tensor:
    """What each level becomes in the middle of each tile: (B, tiles, 256)."""
    batch, height, width = levels.shape
    area = (height // down) * (width // across)
    split = levels.view(batch, down, height // down, across, width // across).transpose(2, 3).reshape(batch, -1, area)
    counts = torch.zeros(*split.shape[:2], LEVELS, device=levels.device)
    counts.scatter_add_(2, split, torch.ones((), device=levels.device).expand(split.shape))
    most = (limit * (area / LEVELS)).floor_().clamp_(min=1.0)[:, None, None]
    surplus = (counts - most).clamp_(min=0.0).sum(dim=-1, keepdim=True)
    share = (surplus / LEVELS).floor()
    left_over = surplus - share * LEVELS  # goes to every n-th level, one each
    stride = (LEVELS / left_over.clamp(min=1.0)).floor()
    level = torch.arange(LEVELS, device=levels.device, dtype=torch.float32)
    one_more = (level.remainder(stride) == 0.0) & ((level / stride).floor() < left_over)
    clipped = counts.minimum(most) + share + one_more
    return (clipped.cumsum(dim=-1) * ((LEVELS - 1) / area)).round_().clamp_(max=255.0)


def _neighbours(length: int, tile: int, tiles: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The tiles (length,) before and after each place of an axis, and how far towards the second it lies."""
    place = torch.arange(length, device=device) / tile - 0.5
    before = place.floor()
    return before.clamp(min=0).long(), (before + 1).clamp(max=tiles - 1).long(), place - before
