"""Encoders of pictures that take pictures as users have them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn

from randquant.data.bounded_batches import bounded
from randquant.errors import UsageError
from randquant.extras import needs
from randquant.images.encoders.image_encoder import ImageEncoder, batch_size
from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.weights import LoadedImageEncoder, is_of_pictures, named_encoder
from randquant.images.normalise import IMAGENET, ColourStatistics, Normalise, as_encoded, statistics_of
from randquant.loading.modalities import READING_NOTES, resolved
from randquant.loading.ready_encoder import ReadyEncoder, whole
from randquant.weights.weight_file import Content

if TYPE_CHECKING:
    from randquant.images.inputs import Axes


class ImageReadyEncoder(ReadyEncoder[Tensor]):
    """Arrays, PIL pictures and files of pictures -> vectors; `randquant.load` makes it.

        encoder = randquant.load("RUN")
        encoder("photo.jpg")                  # (D,)
        encoder(pixels)                       # (H, W, 3) uint8 -> (D,)
        encoder(batch)                        # (B, 3, H, W) uint8, or float in [0, 1] -> (B, D)
        encoder([pixels, picture, "x.png"])   # of any sizes -> (3, D)

    The middle square of each picture is scaled to the size of the training, as bytes, and normalised by the colours of
    the training. So a vector is the row that `python -m scripts.embed` writes.

    Args:
        loaded: the network and what is known about it.
        statistics: by which colours are normalised.

    Attributes:
        size: side of what the network sees, in pixels.
        statistics: as given.
        normalise: pictures (..., 3, H, W) in [0, 1] to what the network takes.
    """

    modality: ClassVar[str] = "images"
    networks: ClassVar[Mapping[str, type[nn.Module]]] = ENCODERS
    encoder: ImageEncoder

    def __init__(self, loaded: LoadedImageEncoder, statistics: ColourStatistics) -> None:
        super().__init__(loaded.encoder, sha256=loaded.sha256, report=loaded.report, metadata=loaded.metadata)
        self.size, self.statistics, self.normalise = loaded.encoder.size, statistics, Normalise(statistics)

    @classmethod
    def open(
        cls,
        name: str,
        *,
        seed: int = 42,
        size: int | None = None,
        statistics: tuple[Sequence[float], Sequence[float]] | None = None,
    ) -> Self:
        """Open an encoder.

        Args:
            name: as in `randquant.load`.
            seed: of an untrained encoder's initialisation.
            size: of the pictures of an untrained encoder; its usual one where None.
            statistics: means and deviations of red, green and blue in [0, 1], instead of its own. An untrained encoder
                has none; without them those of ImageNet are used, with a warning.

        Raises:
            DataError: it cannot be opened, or is of another modality.
            UsageError: it names no encoder, or the statistics are not three finite means and positive deviations.
        """
        if size is not None:
            size = whole("size", size)
        loaded = named_encoder(name, seed=seed, size=size)
        reason = "it should be above 0." if loaded.encoder.size < 1 else loaded.encoder.refuses(loaded.encoder.size)
        if reason is not None:
            raise UsageError(f"size={size}: {reason}")
        if statistics is None and loaded.statistics is None:
            warnings.warn(
                f"{name} does not say by which colours its pictures are normalised; those of ImageNet are used: give "
                "statistics=(means, deviations) where you know better.",
                stacklevel=3,
            )
        try:
            means, deviations = statistics or loaded.statistics or IMAGENET
            chosen = statistics_of(means, deviations)
        except (ValueError, TypeError):
            raise UsageError(
                f"statistics={statistics!r} should be (means, deviations), three finite numbers each for red, green "
                "and blue, the deviations above 0."
            ) from None
        return cls(loaded, chosen)

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether they are weights of pictures."""
        return is_of_pictures(content)

    def forward(self, x: Any, *, layer: str = "output", axes: "Axes | None" = None) -> Tensor:
        """Vectors of pictures.

        Args:
            x: a path, a PIL picture, an array or tensor of bytes, or of floats in [0, 1] (which become bytes), with
                its colours last (H, W, 3) or first (3, H, W), gray (H, W) or with transparency (4 colours, laid over
                white); a batch of them (B, ...); or a list of these, of any sizes.
            layer: one of `layers`.
            axes: the order of axes where the shape does not tell: "HWC", "CHW", "HW", or these behind "B".

        Returns:
            (D,) for one picture, (B, D) for a list or a batch.

        Raises:
            DataError: a file cannot be read; values are beyond their range or no numbers.
            UsageError: axes that may be read in more than one way, or no such layer.
        """
        self._require_layer(layer)
        with needs("images"):
            from randquant.images.inputs import read_pictures

        notes: list[dict[str, int]] = []
        pictures, single = read_pictures(x, axes, self.size, notes)
        if any(notes):
            for note in resolved(READING_NOTES)(notes, "pictures"):
                warnings.warn(f"{note}.", stacklevel=4)
        return self._vectors([torch.tensor(pixels) for pixels in pictures], layer, single=single)

    def _embed(self, items: Sequence[Tensor], layer: str) -> Tensor:
        batches = bounded(items, lambda _: 1, batch_size(self.size, self.device))
        seen = (as_encoded(torch.stack(batch), self.normalise, self.device) for batch in batches)
        return torch.cat([self.network(pictures.to(self.dtype)).float() for pictures in seen])
