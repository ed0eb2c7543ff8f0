"""Recordings to a table of vectors: decoded in the background, cut in windows, embedded in batches."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

import randquant
from audio.crops import SAMPLE_RATE
from audio.decode import Waveform, read_audio
from audio.encoder import Layer
from audio.formats.engine import header_of
from audio.logmel import LogMel
from audio.normalize import mean_and_std
from audio.task_features import Normalisation, batch_seconds, encoder_function
from audio.weights import LoadedEncoder
from randquant.embedding_table import Spool, spool, write_table
from randquant.errors import DataError
from randquant.features import inference
from randquant.progress import progress
from randquant.readable import Readable

LONGEST = 10.0  # seconds of a window where none is asked for
SHORTEST = 0.05  # seconds: a shorter rest at the end of a recording is left out
STATISTICS_RECORDINGS = 2_000
_AHEAD_SECONDS = 900.0  # sound decoded ahead of the encoder: 58 MB
_WAITING_BATCHES = 8  # batches' worth of windows that may wait for others of their length


@dataclass(frozen=True)
class Windows:
    """Where a recording is cut: `count` windows of `length` samples and, at a fixed size, a rest."""

    length: int
    count: int
    rest: int = 0

    def bounds(self) -> list[tuple[int, int]]:
        """(start, stop) of each window in samples."""
        full = [(index * self.length, (index + 1) * self.length) for index in range(self.count)]
        return [*full, (full[-1][1] if full else 0, self.count * self.length + self.rest)] if self.rest else full


def windows(samples: int, window: float | None = None) -> Windows:
    """Cut `samples` into equal windows of at most 10 s, or into windows of `window` seconds and a rest.

    Equal windows leave no short rest with an embedding of its own; they miss fewer samples than there are
    windows.

    >>> windows(16_000 * 25)
    Windows(length=133333, count=3, rest=0)
    >>> windows(40_000, window=1.0)
    Windows(length=16000, count=2, rest=8000)
    """
    if window is None:
        count = max(1, -(-samples // round(LONGEST * SAMPLE_RATE)))
        return Windows(samples // count, count)
    length = round(window * SAMPLE_RATE)
    count, rest = divmod(samples, length)
    return Windows(length, count, 0 if count and rest < SHORTEST * SAMPLE_RATE else rest)


@dataclass
class Summary:
    """What was written.

    Attributes:
        rows: of the table.
        dimension: D.
        recordings: embedded.
        skipped: (path, reason) of those that could not be read.
        statistics_source: where the normalisation came from.
    """

    rows: int
    dimension: int
    recordings: int
    skipped: list[tuple[str, str]]
    statistics_source: str


@dataclass
class Embedder:
    """Writes tables of embeddings.

    Attributes:
        loaded: encoder, front end and normalisation.
        layer: features to use.
        window: seconds a row, None for one row a recording.
        device: where to compute.
        workers: threads that decode.
        strict: an unreadable recording is an error rather than skipped.
    """

    loaded: LoadedEncoder
    layer: Layer = "output"
    window: float | None = None
    device: str | torch.device = "cpu"
    workers: int = 2
    strict: bool = False
    _read: Readable = field(init=False, repr=False)

    def write(self, root: Path, names: Sequence[str], out: Path, *, checkpoint: str) -> Summary:
        """Embed the recordings `names` below `root` into the Parquet file `out`.

        Columns: path, start and end of the row in seconds, seconds of the recording, embedding (fixed-size
            list of D
        float32); rows in the order of `names`, then of time. Provenance is JSON under the key "randquant" of
        the schema's metadata. The file appears whole or not at all.

        Raises:
            DataError: no recording could be read, or with `strict` any one could not; features are not
                finite.
        """
        self._read = Readable(strict=self.strict)
        normalisation = self._normalisation(root, names)
        dimension = self.loaded.encoder.embedding_size(self.layer)
        with spool(out, dimension) as waiting:
            rows = self._embed(root, names, normalisation, waiting)
            # Vectors came in another order than that of the table.
            order = sorted(range(len(rows)), key=lambda index: (rows[index].recording, rows[index].start))
            columns = _columns([rows[index] for index in order], names)
            provenance = self._provenance(normalisation, checkpoint)
            write_table(out, columns, waiting.vectors(), provenance, order=order)
        recordings = len({row.recording for row in rows})
        return Summary(len(rows), dimension, recordings, sorted(self._read.skipped.items()), normalisation.source)

    def _normalisation(self, root: Path, names: Sequence[str]) -> Normalisation:
        """The checkpoint's statistics, or those of at most 2,000 recordings of the input, 10 s each."""
        if self.loaded.mean is not None and self.loaded.std is not None:
            return Normalisation(self.loaded.mean, self.loaded.std, "checkpoint")
        order = torch.randperm(len(names), generator=torch.Generator().manual_seed(0))
        chosen = [names[index] for index in order[:STATISTICS_RECORDINGS].sort().values.tolist()]
        log_mel = LogMel(self.loaded.front_end).to(self.device)
        decoded = self._readable(root, chosen, [LONGEST] * len(chosen), "statistics", seconds=LONGEST)
        try:
            with torch.inference_mode():
                mean, std = mean_and_std(
                    log_mel(torch.from_numpy(waveform)[None].to(self.device)) for _, waveform in decoded
                )
        except ValueError:
            self._read.require_some(chosen, "recordings")
            raise DataError(
                f"The recordings below {root} are silent, so they cannot be normalised by their own statistics; "
                "use a checkpoint that carries some."
            ) from None
        return Normalisation(mean, std, f"the input, from {len(chosen)} recordings")

    def _embed(self, root: Path, names: Sequence[str], normalisation: Normalisation, waiting: Spool) -> list["_Row"]:
        """Spool vectors in the order of the rows returned."""
        with ThreadPoolExecutor(self.workers) as pool:
            lengths = list(pool.map(lambda name: _promised_length(root / name), names))
        # Recordings of one length become neighbours, so that batches fill without padding.
        order = sorted(range(len(names)), key=lambda index: windows(lengths[index], self.window).length)
        encode = encoder_function(self.loaded, normalisation, self.layer, self.device)
        batches = _Batches(encode, waiting, self.loaded.front_end.hop, self.device)
        durations = [lengths[index] / SAMPLE_RATE for index in order]
        decoded = self._readable(root, [names[index] for index in order], durations, "embedding")
        with inference():
            for position, waveform in decoded:
                cut = windows(len(waveform), self.window)
                batches.add(order[position], waveform, cut, average=self.window is None)
            batches.flush()
        self._read.require_some(names, "recordings")
        return batches.rows

    def _readable(
        self,
        root: Path,
        names: Sequence[str],
        durations: Sequence[float],
        label: str,
        *,
        seconds: float | None = None,
    ) -> Iterator[tuple[int, Waveform]]:
        """Positions and waveforms of what can be read; what cannot is noted, or raised with `strict`."""
        decoded = decode_ahead([root / name for name in names], durations, workers=self.workers, seconds=seconds)
        shown = progress(zip(names, decoded, strict=True), label=label, unit="recordings", total=len(names))
        yield from self._read.only(shown)

    def _provenance(self, normalisation: Normalisation, checkpoint: str) -> dict[str, Any]:
        return {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "checkpoint": checkpoint,
            "sha256": self.loaded.sha256,
            "report": self.loaded.report,
            "encoder": type(self.loaded.encoder).__name__,
            "layer": self.layer,
            "front_end": self.loaded.front_end.to_dict(),
            "normalisation": vars(normalisation),
            "window_seconds": self.window,
            "longest_window_seconds": LONGEST,
            "skipped": self._read.listed(),
        }


def decode_ahead(
    paths: Sequence[Path], durations: Sequence[float], *, workers: int, seconds: float | None = None
) -> Iterator[Waveform | DataError]:
    """Decode in background threads, in order and at most 15 minutes of sound ahead of the consumer.

    Args:
        paths: recordings.
        durations: about how many seconds each gives, to bound what is held.
        workers: threads.
        seconds: how much of each to read; all where None.

    Yields:
        The waveform (T,) float32 of each path, or why it cannot be read.
    """
    pending: deque[Future[Waveform]] = deque()
    submitted, ahead = 0, 0.0
    with ThreadPoolExecutor(workers) as pool:
        try:
            for position in range(len(paths)):
                while submitted < len(paths) and (submitted <= position or ahead < _AHEAD_SECONDS):
                    pending.append(pool.submit(read_audio, paths[submitted], seconds=seconds))
                    ahead += durations[submitted]
                    submitted += 1
                try:
                    yield pending.popleft().result()
                except DataError as error:
                    yield error
                ahead -= durations[position]
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Row:
    """One row of the table: where it comes from, in seconds."""

    recording: int
    start: float
    end: float
    seconds: float


@dataclass
class _Mean:
    """The mean of a row's windows, weighted by their length, while some are still to come."""

    row: _Row
    missing: int
    total: NDArray[np.float64] | float = 0.0
    weight: float = 0.0


class _Batches:
    """Gathers windows of one length into batches, embeds them and writes vectors as rows complete."""

    def __init__(
        self, encode: Callable[[Tensor], Tensor], waiting: Spool, hop: int, device: str | torch.device
    ) -> None:
        self.encode, self.spool, self.hop = encode, waiting, hop
        self.batch_samples = batch_seconds(device) * SAMPLE_RATE
        self.rows: list[_Row] = []
        self._waiting: dict[int, list[tuple[NDArray[np.float32], _Mean, float]]] = {}
        self._waiting_samples = 0

    def add(self, recording: int, waveform: Waveform, cut: Windows, *, average: bool) -> None:
        """Queue the windows of a recording; with `average` they share one row."""
        seconds = len(waveform) / SAMPLE_RATE
        bounds = cut.bounds()
        whole = _Mean(_Row(recording, 0.0, seconds, seconds), len(bounds))
        for start, stop in bounds:
            row = _Row(recording, start / SAMPLE_RATE, stop / SAMPLE_RATE, seconds)
            self._queue(waveform[start:stop], whole if average else _Mean(row, 1))

    def flush(self) -> None:
        """Embed all that is queued."""
        for length in list(self._waiting):
            self._run(length)

    def _queue(self, samples: Waveform, mean: _Mean) -> None:
        # Less than one hop at a window's end is cut off: windows of as many frames then share batches. A copy,
        # so that one waiting window does not hold its whole recording in memory.
        length = len(samples) // self.hop * self.hop or len(samples)
        self._waiting.setdefault(length, []).append((samples[:length].copy(), mean, len(samples) / SAMPLE_RATE))
        self._waiting_samples += length
        if (len(self._waiting[length]) + 1) * length > self.batch_samples:
            self._run(length)
        elif self._waiting_samples > _WAITING_BATCHES * self.batch_samples:
            self._run(max(self._waiting, key=lambda key: key * len(self._waiting[key])))

    def _run(self, length: int) -> None:
        queued = self._waiting.pop(length)
        self._waiting_samples -= length * len(queued)
        vectors = self.encode(torch.from_numpy(np.stack([samples for samples, _, _ in queued]))).double().cpu()
        for vector, (_, mean, weight) in zip(vectors.numpy(), queued, strict=True):
            mean.total = mean.total + vector * weight
            mean.weight += weight
            mean.missing -= 1
            if mean.missing == 0:
                self._finish(mean)

    def _finish(self, mean: _Mean) -> None:
        vector = np.asarray(mean.total / mean.weight, dtype=np.float32)
        self.spool.append(vector)
        self.rows.append(mean.row)


def _columns(rows: Sequence[_Row], names: Sequence[str]) -> dict[str, pa.Array]:
    return {
        "path": pa.array([names[row.recording] for row in rows], pa.string()),
        "start": pa.array([row.start for row in rows], pa.float64()),
        "end": pa.array([row.end for row in rows], pa.float64()),
        "seconds": pa.array([row.seconds for row in rows], pa.float64()),
    }


def _promised_length(path: Path) -> int:
    """Samples at 16 kHz by the header, or about so many; 0 where it cannot be read."""
    try:
        header = header_of(path)
    except DataError:
        return 0
    return header.expected * SAMPLE_RATE // header.rate
