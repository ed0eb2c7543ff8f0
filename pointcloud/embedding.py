"""Clouds to a table of vectors, embedded in batches as they come."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

import randquant
from pointcloud.layout import Layout
from pointcloud.shape_features import Preparation, batch_clouds
from pointcloud.weights import LoadedPointEncoder
from randquant.embedding_table import Spool, spool, write_table
from randquant.errors import DataError
from randquant.features import inference
from randquant.progress import progress
from randquant.readable import Readable

Outcome = NDArray[np.float32] | DataError


@dataclass
class Summary:
    """What was written.

    Attributes:
        rows: of the table, one a shape.
        dimension: D.
        skipped: (path, reason) of the shapes that could not be read.
    """

    rows: int
    dimension: int
    skipped: list[tuple[str, str]]


@dataclass
class ShapeEmbedder:
    """Writes tables of embeddings.

    Attributes:
        loaded: the encoder and what it expects.
        points: taken of each cloud, the first.
        device: where to compute.
        strict: an unreadable shape is an error rather than skipped.
    """

    loaded: LoadedPointEncoder
    points: int
    device: str | torch.device = "cpu"
    strict: bool = False

    def write(
        self,
        names: Sequence[str],
        clouds: Iterable[Outcome],
        layout: Layout,
        out: Path,
        *,
        checkpoint: str,
        source: Mapping[str, Any],
    ) -> Summary:
        """Embed clouds into the Parquet file `out`.

        Columns: path, points (of the cloud that was embedded), embedding (fixed-size list of D float32); rows in the
        order of `names`. Provenance is JSON under the key "randquant" of the schema's metadata. The file appears whole
        or not at all.

        Args:
            names: of the shapes.
            clouds: of each, rows as in a store (N, C) float32 with at least `points` rows and the up axis z, or why it
                cannot be read.
            layout: of the clouds.
            out: file to write.
            checkpoint: the encoder's name, for the provenance.
            source: JSON values: how the clouds were made.

        Raises:
            DataError: no cloud could be read, or with `strict` any one could not; embeddings are not finite.
        """
        readable = Readable(strict=self.strict)
        shown = progress(zip(names, clouds, strict=True), label="embedding", unit="shapes", total=len(names))
        with spool(out, self.loaded.encoder.embedding_size()) as waiting:
            embedded = self._embed(readable.only(shown), layout, waiting)
            readable.require_some(names, "shapes")
            columns = {
                "path": pa.array([names[position] for position in embedded], pa.string()),
                "points": pa.array([self.points] * len(embedded), pa.int64()),
            }
            write_table(out, columns, waiting.vectors(), self._provenance(checkpoint, source, readable))
        return Summary(len(embedded), waiting.dimension, sorted(readable.skipped.items()))

    @inference()
    def _embed(self, clouds: Iterator[tuple[int, NDArray[np.float32]]], layout: Layout, waiting: Spool) -> list[int]:
        """Spool the vectors of all clouds; returns their positions."""
        prepare = Preparation(self.loaded, layout, self.device)
        size = batch_clouds(self.points, self.device)
        positions: list[int] = []
        while batch := list(islice(clouds, size)):
            positions += [position for position, _ in batch]
            stacked = np.stack([cloud[: self.points] for _, cloud in batch])
            waiting.append(prepare(torch.from_numpy(stacked)).float().cpu().numpy())
        return positions

    def _provenance(self, checkpoint: str, source: Mapping[str, Any], readable: Readable) -> dict[str, Any]:
        return {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "checkpoint": checkpoint,
            "sha256": self.loaded.sha256,
            "report": self.loaded.report,
            "encoder": type(self.loaded.encoder).__name__,
            "channels": list(self.loaded.encoder.channels),
            "points": self.points,
            "up": self.loaded.up,
            "source": dict(source),
            "skipped": readable.listed(),
        }
