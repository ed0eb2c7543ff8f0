"""Encoders of tables as functions that are exported: rows (B, F) in, their vectors out."""

import torch
from torch import Tensor, nn

import randquant
from randquant.export.exportable import Exportable
from randquant.files.json_record import Json
from randquant.tables.encoders.weights import LoadedTableEncoder


class ExportedRows(nn.Module):
    """Rows (B, F) float32 as a store holds them -> vectors (B, D).

    Args:
        loaded: the network.
    """

    def __init__(self, loaded: LoadedTableEncoder) -> None:
        super().__init__()
        self.encoder = loaded.encoder

    def forward(self, rows: Tensor) -> Tensor:
        """Embed rows."""
        return self.encoder(rows).float()


def exportable(loaded: LoadedTableEncoder) -> Exportable:
    """A loaded encoder as a function that can be exported."""
    encoder = loaded.encoder.eval()
    numbers, dimension = sum(encoder.sizes), encoder.embedding_size()
    about: dict[str, Json] = {
        "modality": "tables",
        "input": f"rows (batch, {numbers}) float32, the numbers of `columns`, standardised by `scales`",
        "output": f"vectors (batch, {dimension}) float32",
        "encoder": type(encoder).__name__,
        "layer": "output",
        "dimension": dimension,
        "columns": loaded.columns,
        "scales": {name: list(pair) for name, pair in loaded.scales.items()},
        "sha256": loaded.sha256,
        "randquant": randquant.__version__,
    }
    return Exportable(
        ExportedRows(loaded).eval(), encoder, "rows", lambda batch, _: normal(batch, numbers), None, about
    )


def normal(batch: int, numbers: int) -> Tensor:
    """Rows (batch, numbers) to try a function with."""
    return torch.randn(batch, numbers, generator=torch.Generator().manual_seed(batch))
