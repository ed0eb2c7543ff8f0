"""Embed picture files into a table, in batches as they come, resumable."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

import randquant
from common.images.encoders.weights import LoadedImageEncoder
from common.images.evaluation.evaluate import batch_size, encoder_function
from common.images.evaluation.sight import Sight
from randquant.cli.progress import progress
from randquant.data.bounded_batches import bounded
from randquant.data.embedding_table import write_table
from randquant.data.features import inference
from randquant.data.spool import Spool, file_states, spool
from randquant.errors import DataError
from randquant.files.readable import Readable
from randquant.probes.classifier_file import SavedClassifier

_PART = 2048  # pictures between notes of how far it has come
Outcome = NDArray[np.uint8] | DataError


@dataclass
class Summary:
    """What was written.

    Attributes:
        rows: of the table, one a picture.
        dimension: D.
        skipped: (path, reason) of the pictures that could not be read.
        resumed: files that an earlier, interrupted run had done.
    """

    rows: int
    dimension: int
    skipped: list[tuple[str, str]]
    resumed: int


@dataclass
class PictureEmbedder:
    """Writes tables of embeddings.

    Attributes:
        loaded: the encoder.
        sight: what it sees of a picture.
        device: where to compute.
        strict: an unreadable picture is an error rather than skipped.
        saved: a classifier that answers every row.
    """

    loaded: LoadedImageEncoder
    sight: Sight
    device: torch.device
    strict: bool = False
    saved: SavedClassifier | None = None

    def write(
        self,
        root: Path,
        names: Sequence[str],
        pictures: Callable[[int], Iterable[Outcome]],
        columns: list[Mapping[str, Any]],
        out: Path,
        *,
        checkpoint: str,
    ) -> Summary:
        """Embed pictures into the Parquet file `out`.

        Columns: path, height and width of the file in pixels, with a classifier also label and probability or score,
        and embedding (fixed-size list of D float32); rows in the order of `names`. Provenance is JSON under the key
        "randquant" of the schema's metadata. The file appears whole or not at all; an interrupted run resumes, to the
        same bytes.

        Args:
            root: folder of the files.
            names: of the pictures, relative to `root`.
            pictures: from a position in `names` on, the bytes (size * size * 3) of each as fitted to the encoder, or
                why it cannot be read.
            columns: a list that `pictures` appends to for each readable picture, with height and width; what an
                interrupted run had in it is put there again.
            out: file to write.
            checkpoint: the encoder's name, for the provenance.

        Raises:
            DataError: no picture could be read, or with `strict` any one could not; embeddings are not finite; another
                run writes the same table.
        """
        readable = Readable(strict=self.strict)
        identity = {"root": str(root.resolve()), "files": file_states(root, names), **self._settings()}
        with spool(out, self.loaded.encoder.embedding_size(), identity) as waiting:
            done = waiting.found_before(readable.skipped, columns)
            shown = progress(pictures(done), label="embedding", unit="pictures", total=len(names), initial=done)
            self._embed(zip(range(done, len(names)), shown, strict=True), names, readable, waiting, columns)
            readable.require_some(names, "pictures")
            embedded = [position for record in waiting.records for position in record["embedded"]]
            table = {"path": pa.array([names[position] for position in embedded], pa.string())}
            table |= {side: pa.array([each[side] for each in columns], pa.int64()) for side in ("height", "width")}
            table |= self.saved.columns(waiting.vectors()) if self.saved else {}
            write_table(out, table, waiting.vectors(), self._provenance(checkpoint, readable))
        return Summary(len(embedded), waiting.dimension, sorted(readable.skipped.items()), done)

    @inference()
    def _embed(
        self,
        numbered: Iterable[tuple[int, Outcome]],
        names: Sequence[str],
        readable: Readable,
        waiting: Spool,
        columns: list[Mapping[str, Any]],
    ) -> None:
        """Spool the vectors of all pictures, part by part."""
        encode, size = encoder_function(self.loaded, self.sight.colours, self.device), self.sight.size
        for part in bounded(numbered, lambda _: 1, _PART):
            read = Readable(strict=self.strict)
            found = list(read.only((names[position], outcome) for position, outcome in part))
            readable.skipped.update(read.skipped)
            for batch in bounded(found, lambda _: 1, batch_size(size, self.device)):
                pixels = np.stack([rows.reshape(size, size, 3) for _, rows in batch])
                waiting.append(encode(torch.from_numpy(pixels)).float().cpu().numpy())
            known = sum(len(record["columns"]) for record in waiting.records)
            waiting.finish_part(
                {
                    "stop": part[-1][0] + 1,
                    "embedded": [part[place][0] for place, _ in found],
                    "skipped": read.skipped,
                    "columns": [dict(row) for row in columns[known : known + len(found)]],
                }
            )

    def _settings(self) -> dict[str, Any]:
        return {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "sha256": self.loaded.sha256,
            "encoder": type(self.loaded.encoder).__name__,
            **self.sight.settings(),
            "device": self.device.type,
        }

    def _provenance(self, checkpoint: str, readable: Readable) -> dict[str, Any]:
        return {
            "checkpoint": checkpoint,
            "report": self.loaded.report,
            **self._settings(),
            "colours": self.sight.source,
            **({"classifier": self.saved.provenance()} if self.saved else {}),
            "skipped": readable.listed(),
        }
