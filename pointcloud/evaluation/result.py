"""A result of shapes: the points taken, scores without repeated shapes and on changed ones, and the words for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from randquant.files.json_record import Record
from randquant.pointcloud.evaluation.published_rows import PUBLISHED
from randquant.results.page import with_spread
from randquant.results.published import PublishedTable
from randquant.results.record import ProtocolRecord, Result
from randquant.results.text_table import text_table

_ORDERS = {"farthest": "farthest-point order", "file": "the order of the file"}


@dataclass(frozen=True, kw_only=True)
class ShapeProtocolRecord(ProtocolRecord):
    """The preset of shapes: the probe of its published numbers, and what of their procedure is not reproduced."""

    classifier: str
    differs: str


@dataclass(frozen=True, kw_only=True)
class WithoutRepeats(Record):
    """What the same predictions score without the test shapes that repeat a training shape.

    Attributes:
        accuracy, ci95: of the `test` shapes that are left; None where none is.
        left_out: shapes that repeat one of train.
        exact: of them, those with the very same points.
    """

    accuracy: float | None
    ci95: float | None
    test: int
    left_out: int
    exact: int


@dataclass(frozen=True, kw_only=True)
class ShapeResult(Result):
    """One probe on one task of shapes.

    Attributes:
        points, order, renormalise: what is taken of each shape.
        channels: that the encoder reads.
        encoder_up, up, sampling: of encoder and store.
        without_repeats: None where repeats were not looked for.
    """

    published: ClassVar[PublishedTable] = PUBLISHED
    things: ClassVar[str] = "shapes"
    own: ClassVar[tuple[str, ...]] = ("without_repeats", "robustness")

    protocol: ShapeProtocolRecord
    points: int | str
    order: str
    renormalise: bool
    sampling: str | None = None
    up: str | None = None
    channels: list[str]
    encoder_up: str | None
    without_repeats: WithoutRepeats | None = None

    @property
    def is_published_probe(self) -> bool:
        """As in `Result`."""
        return self.probe == self.protocol.classifier

    def about(self) -> list[str]:
        """As in `Result`."""
        differs = f"; not reproduced: {self.protocol.differs}" if self.protocol.differs else ""
        return [
            f"- encoder: {self.checkpoint.encoder} reading {', '.join(self.channels)}, features of {self.dimension} "
            f"numbers, SHA-256 of the weights `{self.checkpoint.sha256}`",
            f"- protocol: {self.protocol.name} ({self.protocol.source}){differs}",
        ]

    def conditions(self) -> list[str]:
        """As in `Result`."""
        scale = "brought to the unit sphere" if self.renormalise else "at the scale of all stored points"
        taken = f"the first {self.points:,} points" if isinstance(self.points, int) else "all points"
        return [f"- {taken} in {_ORDERS.get(self.order, self.order)}, {scale}"]

    @classmethod
    def sections(cls, results: Sequence[Self], *, markdown: bool = False) -> list[str]:
        """As in `Result`: without repeated shapes."""
        lines = without_repeats_lines(results, markdown=markdown)
        return ["## Without repeated shapes", "", *lines, ""] if markdown and lines else lines


def without_repeats_lines(results: Sequence[ShapeResult], *, markdown: bool = False) -> list[str]:
    """Accuracies without the test shapes that repeat a training shape; empty where none were found or looked for."""
    rows = [
        [
            result.task,
            result.probe,
            f"{result.accuracy:.4f}",
            "-" if found.accuracy is None else with_spread(found.accuracy, found.ci95),
            f"{found.left_out:,}",
            f"{found.exact:,}",
        ]
        for result in results
        if (found := result.without_repeats) and found.left_out
    ]
    header = ["task", "probe", "accuracy", "without repeated shapes", "left out", "with the very same points"]
    return text_table(header, rows, markdown=markdown) if rows else []
