"""Embed picture files into a table, in batches as they come, resumable."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

import randquant
from randquant.data.bounded_batches import bounded
from randquant.embedding.file_rows import FileRows, Summary
from randquant.errors import DataError
from randquant.images.encoders.image_encoder import batch_size
from randquant.images.encoders.weights import LoadedImageEncoder
from randquant.images.evaluation.evaluate import encoder_function
from randquant.images.evaluation.sight import Sight
from randquant.probes.classifier_file import SavedClassifier

_PART = 2048  # pictures between notes of how far it has come
Outcome = NDArray[np.uint8] | DataError


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
        size = self.sight.size
        encode = encoder_function(self.loaded, self.sight.colours, self.device)

        def vectors(pictures: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
            for batch in bounded(pictures, lambda _: 1, batch_size(size, self.device)):
                pixels = np.stack([rows.reshape(size, size, 3) for rows in batch])
                yield encode(torch.from_numpy(pixels)).float().cpu().numpy()

        def sides(_: Sequence[int]) -> dict[str, pa.Array]:
            return {side: pa.array([each[side] for each in columns], pa.int64()) for side in ("height", "width")}

        dimension = self.loaded.encoder.embedding_size()
        rows = FileRows("pictures", dimension, vectors, lambda _: 1, _PART, self.strict, self.saved)
        identity, provenance = self._settings(), self._provenance(checkpoint)
        return rows.write(root, names, pictures, columns, out, identity=identity, table=sides, provenance=provenance)

    def _settings(self) -> dict[str, Any]:
        return {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "sha256": self.loaded.sha256,
            "precision": self.loaded.precision,
            "encoder": type(self.loaded.encoder).__name__,
            **self.sight.settings(),
            "device": self.device.type,
        }

    def _provenance(self, checkpoint: str) -> dict[str, Any]:
        return {
            "checkpoint": checkpoint,
            "report": self.loaded.report,
            **self._settings(),
            "colours": self.sight.source,
        }
