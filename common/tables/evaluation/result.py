"""A result of a table, and the words for it."""

from dataclasses import dataclass
from typing import ClassVar

from randquant.results.record import Result


@dataclass(frozen=True, kw_only=True)
class TableResult(Result):
    """One probe on one table.

    Attributes:
        columns: numbers of a row.
    """

    things: ClassVar[str] = "rows"

    columns: int

    def about(self) -> list[str]:
        """As in `Result`."""
        return [
            f"- encoder: {self.checkpoint.encoder}, SHA-256 of the weights `{self.checkpoint.sha256}`",
            f"- protocol: {self.protocol.name} ({self.protocol.source})",
        ]

    def conditions(self) -> list[str]:
        """As in `Result`."""
        return [f"- rows of {self.columns:,} numbers, standardised by the training rows"]
