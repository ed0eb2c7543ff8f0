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
from pointcloud.encoders.weights import LoadedPointEncoder
from pointcloud.evaluation.shape_features import Preparation, batch_points
from pointcloud.first_points import Points
from pointcloud.layout import Layout
from randquant.cli.progress import progress
from randquant.data.bounded_batches import bounded
from randquant.data.embedding_table import write_table
from randquant.data.features import inference
from randquant.data.spool import Spool, file_states, spool
from randquant.errors import DataError
from randquant.files.readable import Readable
from randquant.probes.classifier_file import SavedClassifier

_PART_BATCHES = 16  # batches between notes of how far it has come

Outcome = NDArray[np.float32] | DataError


@dataclass
class Summary:
    """What was written.

    Attributes:
        rows: of the table, one a shape.
        dimension: D.
        points: of the smallest and the largest shape, in words.
        skipped: (path, reason) of the shapes that could not be read.
        resumed: files that an earlier, interrupted run had done.
    """

    rows: int
    dimension: int
    points: str
    skipped: list[tuple[str, str]]
    resumed: int


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
        readable, columns = Readable(strict=self.strict), [] if columns is None else columns
        identity = {**self._identity(root, names), "source": dict(source), "layout": list(layout.channels)}
        with spool(out, self.loaded.encoder.embedding_size(), identity) as waiting:
            done = waiting.found_before(readable.skipped, columns)
            shown = progress(clouds(done), label="embedding", unit="shapes", total=len(names), initial=done)
            numbered = zip(range(done, len(names)), shown, strict=True)
            embedded = self._embed(names, numbered, readable, layout, waiting, columns)
            readable.require_some(names, "shapes")
            table = {
                "path": pa.array([names[position] for position, _ in embedded], pa.string()),
                "points": pa.array([points for _, points in embedded], pa.int64()),
            }
            table |= self.saved.columns(waiting.vectors()) if self.saved else {}
            write_table(out, table, waiting.vectors(), self._provenance(checkpoint, source, readable))
        points = sorted({points for _, points in embedded})
        span = f"{points[0]:,}" if len(points) == 1 else f"{points[0]:,} to {points[-1]:,}"
        return Summary(len(embedded), waiting.dimension, span, sorted(readable.skipped.items()), done)

    def _identity(self, root: Path, names: Sequence[str]) -> dict[str, Any]:
        """All that the table depends on besides how the clouds were made."""
        return {
            "root": str(root.resolve()),
            "files": file_states(root, names),
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "sha256": self.loaded.sha256,
            "encoder": type(self.loaded.encoder).__name__,
            "up": self.loaded.up,
            "points": self.points,
            "batch": f"{batch_points(self.device)} points",
            "device": torch.device(self.device).type,
        }

    @inference()
    def _embed(
        self,
        names: Sequence[str],
        clouds: Iterator[tuple[int, Outcome]],
        readable: Readable,
        layout: Layout,
        waiting: Spool,
        columns: list[Mapping[str, Any]],
    ) -> list[tuple[int, int]]:
        """Spool the vectors of all clouds, part by part; returns their positions and points."""
        prepare, most = Preparation(self.loaded, layout, self.device), batch_points(self.device)
        for outcomes in bounded(clouds, lambda each: self._points(each[1]), most * _PART_BATCHES):
            read = Readable(strict=self.strict)
            named = ((names[position], self._embeddable(outcome)) for position, outcome in outcomes)
            found = [(outcomes[place][0], torch.from_numpy(cloud)) for place, cloud in read.only(named)]
            readable.skipped.update(read.skipped)
            for batch in bounded([cloud for _, cloud in found], self._points, most):
                waiting.append(prepare.embed(batch, packed=self.points == "any").float().cpu().numpy())
            known = sum(len(record["columns"]) for record in waiting.records)
            readable_files = sum(not isinstance(outcome, DataError) for _, outcome in outcomes)
            waiting.finish_part(
                {
                    "stop": outcomes[-1][0] + 1,
                    "embedded": [(position, len(cloud)) for position, cloud in found],
                    "skipped": read.skipped,
                    "columns": [dict(row) for row in columns[known : known + readable_files]],
                }
            )
        return [(position, points) for record in waiting.records for position, points in record["embedded"]]

    def _points(self, cloud: Outcome | Tensor) -> int:
        """What a cloud counts for in a batch."""
        if self.points != "any":
            return self.points
        return 1 if isinstance(cloud, DataError) else len(cloud)

    def _embeddable(self, outcome: Outcome) -> Outcome:
        """The points to embed, or why they cannot be."""
        if isinstance(outcome, DataError):
            return outcome
        cloud = outcome if self.points == "any" else outcome[: self.points]
        reason = self.loaded.encoder.too_large(len(cloud))
        return cloud if reason is None else DataError(reason)

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
            **({"classifier": self.saved.provenance()} if self.saved else {}),
            "skipped": readable.listed(),
        }
