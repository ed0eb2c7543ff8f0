"""The base class of encoders of pictures."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

_BATCH_PIXELS = {"cpu": 2**20, "cuda": 2**24}  # encoded at once


class ImageEncoder(nn.Module):
    """Normalised pictures (B, 3, H, W) -> embeddings (B, D).

    Args:
        width: factor of every number of channels.
        size: side of the pictures it is trained on, in pixels.

    Attributes:
        name: in the registry.
        usual_size: `size` where nothing says another.
        any_size: whether it takes pictures of other sides than `size` too.
        normalises: whether it takes pictures in [0, 1] and normalises their colours itself.
        initialised_by_fan_out: whether convolutions begin by the number of outputs of each input, as muP has to know.
        width: as given.
        size: as given.
    """

    name: ClassVar[str]
    usual_size: ClassVar[int]
    any_size: ClassVar[bool] = True
    normalises: ClassVar[bool] = False
    initialised_by_fan_out: ClassVar[bool] = False

    def __init__(self, width: float = 1.0, size: int | None = None) -> None:
        super().__init__()
        if not width > 0:
            raise ValueError(f"width should be above 0, got {width!r}.")
        self.width, self.size = float(width), self.usual_size if size is None else size

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments of the constructor, JSON values; they make the same network again."""
        return {"width": self.width, "size": self.size}

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """The modules behind which a training may quantize or mix, by name, in order; each takes and gives a batch."""
        raise NotImplementedError

    def embedding_size(self) -> int:
        """D."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Embed a batch.

        Args:
            x: (B, 3, H, W) normalised pictures.

        Returns:
            (B, D), float32 (float64 for a float64 encoder).

        Raises:
            ValueError: another shape.
        """
        raise NotImplementedError

    def refuses(self, size: int) -> str | None:
        """Why it cannot embed pictures of this side; None where it can."""
        return None

    def check(self, x: Tensor) -> None:
        """Check the shape of a batch.

        Raises:
            ValueError: another shape.
        """
        if x.ndim != 4 or x.shape[1] != 3:
            raise ValueError(f"expected pictures of shape (B, 3, H, W), got {tuple(x.shape)}.")
        reason = next(filter(None, map(self.refuses, x.shape[2:])), None)
        if reason is not None:
            raise ValueError(reason)


def channels(number: int, width: float) -> int:
    """A number of channels at a width, a multiple of 8 as fast kernels take them.

    >>> channels(64, 1), channels(64, 0.3)
    (64, 16)
    """
    return max(8, 8 * round(number * width / 8))


def batch_size(size: int, device: torch.device) -> int:
    """Pictures of a side that are encoded at once."""
    return max(1, _BATCH_PIXELS.get(device.type, _BATCH_PIXELS["cpu"]) // size**2)


def pooled(maps: Tensor) -> Tensor:
    """The mean over places, (B, C, H, W) -> (B, C), in float32 at least."""
    return maps.to(torch.promote_types(maps.dtype, torch.float32)).mean(dim=(2, 3))
