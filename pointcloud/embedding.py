"""Clouds to a table of vectors, embedded in batches as they come."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

import randquant
from randquant.data.bounded_batches import bounded
from randquant.embedding.file_rows import FileRows, Summary
from randquant.errors import DataError
from randquant.pointcloud.encoders.weights import LoadedPointEncoder
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.layout import Layout
from randquant.pointcloud.preparation import Preparation, batch_points
from randquant.probes.classifier_file import SavedClassifier

_PART_BATCHES = 16  # batches between notes of how far it has come

Outcome = NDArray[np.float32] | DataError


@dataclass
class ShapeEmbedder:
    """Writes tables of embeddings.

    Attributes:
        loaded: the encoder and what it expects.
        points: taken of each cloud, the first; all of a cloud that has fewer, or with "any" of every one.
        device: where to compute.
        strict: an unreadable shape is an error rather than skipped.
        saved: a classifier that answers every row.
    """

    loaded: LoadedPointEncoder
    points: Points
    device: str | torch.device = "cpu"
    strict: bool = False
    saved: SavedClassifier | None = None

    def write(
        self,
        root: Path,
        names: Sequence[str],
        clouds: Callable[[int], Iterable[Outcome]],
        layout: Layout,
        out: Path,
        *,
        checkpoint: str,
        source: Mapping[str, Any],
        columns: list[Mapping[str, Any]] | None = None,
    ) -> Summary:
        """Embed clouds into the Parquet file `out`.

        Columns: path, points (of the cloud that was embedded), with a classifier also label and probability or score,
        and embedding (fixed-size list of D float32); rows in the order of `names`. Provenance is JSON under the key
        "randquant" of the schema's metadata. The file appears whole or not at all; an interrupted run
        resumes, to the same bytes.

        Args:
            root: folder of the files.
            names: of the shapes, relative to `root`.
            clouds: from a position in `names` on, rows of each as in a store (N, C) float32 with the up axis z, or why
                it cannot be read.
            layout: of the clouds.
            out: file to write.
            checkpoint: the encoder's name, for the provenance.
            source: JSON values: how the clouds were made.
            columns: a list that `clouds` appends to for each readable shape; what an interrupted run had in it is put
                there again.

        Raises:
            DataError: no cloud could be read, or with `strict` any one could not; embeddings are not finite; another
                run writes the same table.
        """
        prepare, most = Preparation(self.loaded, layout, self.device), batch_points(self.device)

        def vectors(found: Sequence[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
            for batch in bounded(map(torch.from_numpy, found), self._points, most):
                yield prepare.embed(batch, points=self.points).float().cpu().numpy()

        dimension, part = self.loaded.encoder.embedding_size(), most * _PART_BATCHES
        rows = FileRows("shapes", dimension, vectors, self._points, part, self.strict, self.saved, self._embeddable)
        return rows.write(
            root,
            names,
            clouds,
            [] if columns is None else columns,
            out,
            identity={**self._identity(), "source": dict(source), "layout": list(layout.channels)},
            table=lambda lengths: {"points": pa.array(lengths, pa.int64())},
            provenance=self._provenance(checkpoint, source),
        )

    def _identity(self) -> dict[str, Any]:
        """What the table depends on besides the files and how clouds were made of them."""
        return {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "sha256": self.loaded.sha256,
            "precision": self.loaded.precision,
            "encoder": type(self.loaded.encoder).__name__,
            "up": self.loaded.up,
            "points": self.points,
            "batch": f"{batch_points(self.device)} points",
            "device": torch.device(self.device).type,
        }

    def _points(self, cloud: Outcome | Tensor) -> int:
        """What a cloud counts for in a batch."""
        if self.points != "any":
            return self.points
        return 1 if isinstance(cloud, DataError) else len(cloud)

    def _embeddable(self, read: NDArray[np.float32]) -> Outcome:
        """The points to embed, or why they cannot be."""
        cloud = read if self.points == "any" else read[: self.points]
        reason = self.loaded.encoder.too_large(len(cloud))
        return cloud if reason is None else DataError(reason)

    def _provenance(self, checkpoint: str, source: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "checkpoint": checkpoint,
            "sha256": self.loaded.sha256,
            "precision": self.loaded.precision,
            "report": self.loaded.report,
            "encoder": type(self.loaded.encoder).__name__,
            "channels": list(self.loaded.encoder.channels),
            "points": self.points,
            "up": self.loaded.up,
            "source": dict(source),
        }
