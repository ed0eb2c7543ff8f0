"""A result of pictures: their size and colour statistics, and the words for them."""

from dataclasses import dataclass
from typing import ClassVar

from randquant.images.evaluation.published_rows import PUBLISHED
from randquant.results.published import PublishedTable
from randquant.results.record import Result


@dataclass(frozen=True, kw_only=True)
class ImageResult(Result):
    """One probe on one task of pictures.

    Attributes:
        image_size: side of what the encoder sees, in pixels.
        share: of a larger picture's shorter side that it sees.
        mean, std: of red, green and blue, by which pictures are normalised.
        statistics: where these come from.
    """

    published: ClassVar[PublishedTable] = PUBLISHED
    things: ClassVar[str] = "pictures"

    image_size: int
    share: float
    mean: list[float]
    std: list[float]
    statistics: str

    @property
    def is_published_probe(self) -> bool:
        """The published numbers of Modified-MoCo are of kNN."""
        return self.probe == ("knn" if self.protocol.name == "modified-moco" else "linear")

    def about(self) -> list[str]:
        """As in `Result`."""
        return [
            f"- encoder: {self.checkpoint.encoder}, features of {self.dimension} numbers, pictures of "
            f"{self.image_size} x {self.image_size}, SHA-256 of weights and arguments `{self.checkpoint.sha256}`",
            f"- protocol: {self.protocol.name} ({self.protocol.source})",
        ]

    def conditions(self) -> list[str]:
        """As in `Result`."""
        seen = "all of it" if self.share == 1.0 else f"the middle {self.share:.3g} of the shorter side"
        return [f"- of a picture larger than {self.image_size} pixels {seen} is seen; colours of {self.statistics}"]
