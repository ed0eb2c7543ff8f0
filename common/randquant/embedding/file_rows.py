"""Embed files into a table of one row a file, in parts as they come; an interrupted run resumes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from randquant.cli.progress import progress
from randquant.data.bounded_batches import bounded
from randquant.embedding.embedding_table import write_table
from randquant.embedding.spool import Spool, file_states, spool
from randquant.errors import DataError
from randquant.extras import needs
from randquant.files.readable import Readable
from randquant.inference import inference
from randquant.probes.classifier_file import SavedClassifier

with needs("train"):
    import pyarrow as pa

Item = TypeVar("Item", bound=NDArray[Any])


@dataclass
class Summary:
    """What was written.

    Attributes:
        rows: of the table, one a file.
        dimension: D.
        lengths: of the arrays that were embedded, in the order of rows.
        skipped: (path, reason) of the files that could not be read.
        resumed: files that an earlier, interrupted run had done.
    """

    rows: int
    dimension: int
    lengths: list[int]
    skipped: list[tuple[str, str]]
    resumed: int


@dataclass
class FileRows(Generic[Item]):
    """How the files of a modality become rows.

    Attributes:
        things: what files hold, in the plural, for messages.
        dimension: D.
        vectors: embeddings (n, D) of the arrays of files, in order, batch by batch.
        weight: what a file, or the error that stands for it, counts for in a part.
        part: weight between notes of how far it has come.
        strict: an unreadable file is an error rather than skipped.
        saved: a classifier that answers every row.
        usable: the array to embed of one that was read, or why it cannot be.
    """

    things: str
    dimension: int
    vectors: Callable[[Sequence[Item]], Iterator[NDArray[np.float32]]]
    weight: Callable[[Item | DataError], int]
    part: int
    strict: bool = False
    saved: SavedClassifier | None = None
    usable: Callable[[Item], Item | DataError] = lambda item: item

    def write(
        self,
        root: Path,
        names: Sequence[str],
        items: Callable[[int], Iterable[Item | DataError]],
        columns: list[Mapping[str, Any]],
        out: Path,
        *,
        identity: Mapping[str, Any],
        table: Callable[[Sequence[int]], Mapping[str, pa.Array]],
        provenance: Mapping[str, Any],
    ) -> Summary:
        """Embed files into the Parquet file `out`, which appears whole or not at all.

        Args:
            root: folder of the files.
            names: of the files, relative to `root`.
            items: from a position in `names` on, what each file holds, or why it cannot be read.
            columns: a list that `items` appends to for each readable file; what an interrupted run had in it is put
                there again.
            out: file to write.
            identity: JSON values: all that the rows depend on besides the files.
            table: from the lengths of the embedded arrays the columns between path and the classifier's.
            provenance: JSON values for the table's metadata.

        Raises:
            DataError: no file could be read, or with `strict` any one could not; embeddings are not finite; another
                run writes the same table.
        """
        readable = Readable(strict=self.strict)
        identity = {"root": str(root.resolve()), "files": file_states(root, names), **identity}
        with spool(out, self.dimension, identity) as waiting:
            done = waiting.found_before(readable.skipped, columns)
            shown = progress(items(done), label="embedding", unit=self.things, total=len(names), initial=done)
            self._embed(names, zip(range(done, len(names)), shown, strict=True), readable, waiting, columns)
            readable.require_some(names, self.things)
            embedded = [each for record in waiting.records for each in record["embedded"]]
            lengths = [length for _, length in embedded]
            rows = {"path": pa.array([names[position] for position, _ in embedded], pa.string()), **table(lengths)}
            rows |= self.saved.columns(waiting.vectors()) if self.saved else {}
            answered = {"classifier": self.saved.provenance()} if self.saved else {}
            write_table(out, rows, waiting.vectors(), {**provenance, **answered, "skipped": readable.listed()})
        return Summary(len(embedded), waiting.dimension, lengths, sorted(readable.skipped.items()), done)

    @inference()
    def _embed(
        self,
        names: Sequence[str],
        numbered: Iterable[tuple[int, Item | DataError]],
        readable: Readable,
        waiting: Spool,
        columns: list[Mapping[str, Any]],
    ) -> None:
        """Spool the vectors of all files, part by part."""
        for outcomes in bounded(numbered, lambda each: self.weight(each[1]), self.part):
            read = Readable(strict=self.strict)
            named = ((names[position], self._usable(outcome)) for position, outcome in outcomes)
            found = [(outcomes[place][0], item) for place, item in read.only(named)]
            readable.skipped.update(read.skipped)
            for vectors in self.vectors([item for _, item in found]):
                waiting.append(vectors)
            known = sum(len(record["columns"]) for record in waiting.records)
            readable_files = sum(not isinstance(outcome, DataError) for _, outcome in outcomes)
            waiting.finish_part(
                {
                    "stop": outcomes[-1][0] + 1,
                    "embedded": [(position, len(item)) for position, item in found],
                    "skipped": read.skipped,
                    "columns": [dict(row) for row in columns[known : known + readable_files]],
                }
            )

    def _usable(self, outcome: Item | DataError) -> Item | DataError:
        return outcome if isinstance(outcome, DataError) else self.usable(outcome)
