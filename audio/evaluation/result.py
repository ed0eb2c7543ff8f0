"""A result of sounds: clip length, log-mel statistics and front end, and the words for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from randquant.audio.evaluation.published_rows import PUBLISHED
from randquant.files.json_record import Json, Record
from randquant.results.published import PublishedTable
from randquant.results.record import ProtocolRecord, Result


@dataclass(frozen=True, kw_only=True)
class AudioProtocolRecord(ProtocolRecord):
    """The preset of clips: where they are padded and cut."""

    pad: str
    test_crop: str


@dataclass(frozen=True, kw_only=True)
class StatisticsRecord(Record):
    """Where the mean and deviation of log-mels come from; they are in `mean` and `std`, or in those of `folds`."""

    source: str
    mean: float | None = None
    std: float | None = None
    folds: dict[str, Json] | None = None


@dataclass(frozen=True, kw_only=True)
class AudioResult(Result):
    """One probe on one task of sounds.

    Attributes:
        unit_seconds, unit_source: clip length, and how it came about.
        statistics: of log-mels.
        statistics_scope: whether folds share them.
        layer: of the encoder.
        crop_seed: of random crops.
        front_end: of the encoder.
    """

    published: ClassVar[PublishedTable] = PUBLISHED
    things: ClassVar[str] = "clips"

    protocol: AudioProtocolRecord
    unit_seconds: float
    unit_source: str
    statistics: StatisticsRecord
    statistics_scope: str = "protocol"
    layer: str
    crop_seed: int | None
    front_end: Mapping[str, Json] = field(default_factory=dict)

    def about(self) -> list[str]:
        """As in `Result`."""
        shown = ", ".join(f"{name} {value}" for name, value in self.front_end.items())
        return [
            f"- encoder: {self.checkpoint.encoder}, features of {self.dimension} numbers (layer {self.layer}), "
            f"SHA-256 of the weights `{self.checkpoint.sha256}`",
            f"- front end: {shown}",
            f"- protocol: {self.protocol.name} ({self.protocol.source}); shorter clips padded at "
            f"{'both ends' if self.protocol.pad == 'both' else 'the tail'}, longer test clips cut "
            f"{'at their head' if self.protocol.test_crop == 'head' else 'at random'}",
        ]

    def conditions(self) -> list[str]:
        """As in `Result`."""
        return [
            f"- clips of {self.unit_seconds:g} s ({self.unit_source}); log-mel statistics of {self.statistics.source}"
        ]
