"""Encoders of tables that take rows as users have them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from randquant.loading.ready_encoder import ReadyEncoder
from randquant.tables.encoders.registry import ENCODERS
from randquant.tables.encoders.weights import LoadedTableEncoder, is_of_tables, named_encoder
from randquant.weights.weight_file import Content


class TableReadyEncoder(ReadyEncoder[Tensor]):
    """Rows as prepared, and raw ones -> vectors; `randquant.load` makes it.

    Args:
        loaded: the network and what is known about it.
    """

    modality: ClassVar[str] = "tables"
    networks: ClassVar[Mapping[str, type[nn.Module]]] = ENCODERS

    def __init__(self, loaded: LoadedTableEncoder) -> None:
        super().__init__(loaded.encoder, sha256=loaded.sha256, report=loaded.report, metadata=loaded.metadata)

    @classmethod
    def open(cls, name: str, *, seed: int = 42, blocks: Sequence[int] = ()) -> Self:
        """Open an encoder; see the class for the options."""
        return cls(named_encoder(name, seed, blocks=blocks))

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether they are weights of tables."""
        return is_of_tables(content)

    def forward(self, x: Any, *, layer: str = "output") -> Tensor:
        """Vectors of rows."""
        raise NotImplementedError

    def _embed(self, items: Sequence[Tensor], layer: str) -> Tensor:
        raise NotImplementedError
