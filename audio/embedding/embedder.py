"""Embed recordings into a table: decoded in the background, cut into windows, embedded in batches, resumable."""

from collections import Counter, deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

import randquant
from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.embedding.frame_batches import FrameBatches, FrameRows, frame_table
from randquant.audio.embedding.window_batches import Row, WindowBatches, batch_seconds, exact_encoder
from randquant.audio.embedding.windows import LONGEST, windows
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.weights import LoadedEncoder
from randquant.audio.formats.engine import header_of
from randquant.audio.levels import COUNTED, Levels, count_levels
from randquant.audio.samples import PLAIN, Intake, Samples, count_arrays, read_samples
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalize import Normalisation, mean_and_std
from randquant.cli.progress import progress
from randquant.embedding.embedding_table import write_table
from randquant.embedding.spool import Spool, file_states, spool
from randquant.errors import DataError
from randquant.files.file_names import require_utf8
from randquant.files.readable import Readable
from randquant.inference import inference
from randquant.probes.classifier_file import SavedClassifier

STATISTICS_RECORDINGS = 2_000
_AHEAD_SECONDS = 900.0  # sound decoded ahead of the encoder: 29 MB
_PART_BATCHES = 32  # batches' worth of sound between saves of its progress
_LEAST = 1.0  # seconds that a recording counts towards a part, and ahead of the encoder, however short it is

Decoded = tuple[Samples, Levels]


@dataclass
class Summary:
    """What was written.

    Attributes:
        rows: of the table.
        dimension: D.
        recordings: embedded.
        skipped: (path, reason) of those that could not be read.
        statistics_source: where the normalisation came from.
        resumed: recordings that an earlier, interrupted run had finished.
        levels: recordings that are silent, clipped, cancelling (`randquant.audio.levels`).
        arrays: recordings that are NumPy files, which do not say their sample rate.
    """

    rows: int
    dimension: int
    recordings: int
    skipped: list[tuple[str, str]]
    statistics_source: str
    resumed: int
    levels: Mapping[str, int]
    arrays: int


@dataclass
class Embedder:
    """Writes tables of embeddings.

    Attributes:
        loaded: encoder, front end and normalisation.
        layer: features to use.
        window: seconds a row, None for one row a recording.
        hop: seconds from one window to the next, `window` where None.
        frames: one row for each frame of the encoder instead, of whole recordings.
        intake: how recordings become samples.
        device: where to compute.
        workers: threads that decode.
        strict: an unreadable recording is an error rather than skipped.
        normalisation: of log-mels, instead of the checkpoint's or the input's.
        saved: a classifier that answers every row.
    """

    loaded: LoadedEncoder
    layer: Layer = "output"
    window: float | None = None
    hop: float | None = None
    frames: bool = False
    intake: Intake = PLAIN
    device: str | torch.device = "cpu"
    workers: int = 2
    strict: bool = False
    normalisation: Normalisation | None = None
    saved: SavedClassifier | None = None
    _read: Readable = field(init=False, repr=False)

    def write(self, root: Path, names: Sequence[str], out: Path, *, checkpoint: str) -> Summary:
        """Embed the recordings `names` below `root` into the Parquet file `out`.

        Columns: path, start and end of the row in seconds, seconds of the recording, with a classifier also label and
        probability or score, and embedding (fixed-size list of D float32); rows in the order of `names`, then of time.
        With `frames` path, frame, time (its middle, in seconds) and embedding.
        Provenance is JSON under the key "randquant" of the schema's metadata. The file appears whole or not at all; an
        interrupted run resumes, to the same bytes.

        Raises:
            DataError: no recording could be read, or with `strict` any one could not; features are not finite; another
                run writes the same table.
        """
        self._read = Readable(strict=self.strict)
        dimension = self.loaded.encoder.embedding_size(self.layer)
        with spool(out, dimension, self._identity(root, names)) as waiting:
            if not waiting.records:
                waiting.finish_part({"normalisation": vars(self._normalisation(root, names))})
            normalisation = Normalisation(**waiting.records[0]["normalisation"])
            resumed = self._embed(root, names, normalisation, waiting)
            self._read.require_some(names, "recordings")
            found = [row for record in waiting.records[1:] for row in record["rows"]]
            levels = sum((Counter(record["levels"]) for record in waiting.records[1:]), Counter())
            provenance = self._provenance(normalisation, checkpoint, levels)
            if self.frames:
                columns, order, about = frame_table([FrameRows(*row) for row in found], names, self.loaded)
                provenance |= about
            else:
                columns, order = _table([Row(*row) for row in found], names)
            columns |= self.saved.columns(waiting.vectors(), order) if self.saved else {}
            write_table(out, columns, waiting.vectors(), provenance, order=order)
            written = waiting.count
        read = {row[0] for row in found}
        skipped = sorted(self._read.skipped.items())
        arrays = count_arrays(names[index] for index in read)
        return Summary(written, dimension, len(read), skipped, normalisation.source, resumed, levels, arrays)

    def _identity(self, root: Path, names: Sequence[str]) -> dict[str, Any]:
        """Everything the table depends on: the current files, the encoder, the settings."""
        known = self.normalisation or self.loaded
        return {
            "root": str(root.resolve()),
            "files": file_states(root, names),
            "settings": self._settings(),
            "statistics": [known.mean, known.std],
            "batch_seconds": batch_seconds(self.device),
            "device": torch.device(self.device).type,
        }

    def _settings(self) -> dict[str, Any]:
        return {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "sha256": self.loaded.sha256,
            "precision": self.loaded.precision,
            "encoder": type(self.loaded.encoder).__name__,
            "layer": self.layer,
            "front_end": self.loaded.front_end.to_dict(),
            "intake": self.intake.settings(),
            "window_seconds": self.window,
            "hop_seconds": self.hop,
            "longest_window_seconds": LONGEST,
            **({"frames": True} if self.frames else {}),
        }

    def _normalisation(self, root: Path, names: Sequence[str]) -> Normalisation:
        """The checkpoint's statistics, or those of at most 2,000 recordings of the input, 10 s each."""
        if self.normalisation is not None:
            return self.normalisation
        if self.loaded.mean is not None and self.loaded.std is not None:
            return Normalisation(self.loaded.mean, self.loaded.std, "checkpoint")
        order = torch.randperm(len(names), generator=torch.Generator().manual_seed(0))
        chosen = [names[index] for index in order[:STATISTICS_RECORDINGS].sort().values.tolist()]
        log_mel = LogMel(self.loaded.front_end).to(self.device)
        durations = [LONGEST] * len(chosen)
        decoded = decode_ahead(root, chosen, durations, self.intake, workers=self.workers, seconds=LONGEST)
        shown = progress(zip(chosen, decoded, strict=True), label="statistics", unit="recordings", total=len(chosen))
        log_mels = (
            log_mel(torch.from_numpy(samples)[None].to(self.device)) for _, (samples, _) in self._read.only(shown)
        )
        try:
            with torch.inference_mode():
                mean, std = mean_and_std(log_mels)
        except ValueError:
            self._read.require_some(chosen, "recordings")
            raise DataError(
                f"The {len(chosen) - len(self._read.skipped):,} recordings below {root} that could be read are silent, "
                "so they cannot be normalised by their own statistics; use a checkpoint that carries some."
            ) from None
        return Normalisation(mean, std, f"the input, from {len(chosen) - len(self._read.skipped):,} recordings")

    def _embed(self, root: Path, names: Sequence[str], normalisation: Normalisation, waiting: Spool) -> int:
        """Spool the vectors of all recordings, part by part; returns how many an earlier run had done."""
        with ThreadPoolExecutor(self.workers) as pool:
            lengths = list(pool.map(lambda name: _stated_length(root / name), names))
        # Recordings of one length become neighbours, so that batches fill without padding.
        order = sorted(range(len(names)), key=lambda index: self._neighbour(lengths[index]))
        durations = [lengths[index] / SAMPLE_RATE for index in order]
        parts = _parts(durations, _PART_BATCHES * batch_seconds(self.device))
        finished = len(waiting.records) - 1
        for record in waiting.records[1:]:
            self._read.skipped.update(record["skipped"])
        done = parts[finished].start if finished < len(parts) else len(names)
        left = [names[index] for index in order[done:]]
        decoded = decode_ahead(root, left, durations[done:], self.intake, workers=self.workers)
        shown = progress(decoded, label="embedding", unit="recordings", total=len(names), initial=done)
        with closing(decoded), inference():
            for part in parts[finished:]:
                read, batches = Readable(strict=self.strict), self._batches(normalisation, waiting)
                levels: Counter[str] = Counter()
                indices = order[part.start : part.stop]
                for place, (samples, found) in read.only((names[index], next(shown)) for index in indices):
                    if isinstance(batches, FrameBatches):
                        batches.add(indices[place], samples)
                    else:
                        cut = windows(len(samples), self.window, self.hop)
                        batches.add(indices[place], samples, cut, average=self.window is None)
                    levels += count_levels([found.columns()])
                batches.flush()
                rows = [[*vars(row).values()] for row in batches.rows]
                waiting.finish_part({"rows": rows, "skipped": read.skipped, "levels": levels})
                self._read.skipped.update(read.skipped)
            next(shown, None)  # so that the bar ends at all of them
        return done

    def _neighbour(self, length: int) -> int:
        """What recordings are sorted by."""
        return length if self.frames else windows(length, self.window, self.hop).length

    def _batches(self, normalisation: Normalisation, waiting: Spool) -> WindowBatches | FrameBatches:
        if self.frames:
            return FrameBatches(self.loaded, normalisation, self.layer, waiting, self.device)
        encode = exact_encoder(self.loaded, normalisation, self.layer, self.device)
        return WindowBatches(encode, self.loaded.front_end, waiting, self.device)

    def _provenance(self, normalisation: Normalisation, checkpoint: str, levels: Mapping[str, int]) -> dict[str, Any]:
        return {
            "checkpoint": checkpoint,
            "report": self.loaded.report,
            **self._settings(),
            "normalisation": vars(normalisation),
            **({"classifier": self.saved.provenance()} if self.saved else {}),
            "levels": {name: levels.get(name, 0) for name in COUNTED},
            "skipped": self._read.listed(),
        }


def decode_ahead(
    root: Path,
    names: Sequence[str],
    durations: Sequence[float],
    intake: Intake = PLAIN,
    *,
    workers: int,
    seconds: float | None = None,
) -> Generator[Decoded | DataError, None, None]:
    """Decode in background threads, in order and at most 15 minutes of sound, or 900 recordings, ahead of the consumer.

    Args:
        root: folder the names start from.
        names: recordings.
        durations: about how many seconds each gives, to bound what is held.
        intake: how they become samples.
        workers: threads.
        seconds: how much of each to read; all where None.

    Yields:
        The waveform (T,) int16 of each recording, as a store would hold it, and its levels; or why it cannot be read.
    """
    pending: deque[Future[Decoded]] = deque()
    submitted, ahead = 0, 0.0
    pool = ThreadPoolExecutor(workers)
    try:
        for position in range(len(names)):
            while submitted < len(names) and (submitted <= position or ahead < _AHEAD_SECONDS):
                pending.append(pool.submit(_decode, root / names[submitted], intake, seconds))
                ahead += max(durations[submitted], _LEAST)
                submitted += 1
            try:
                yield pending.popleft().result()
            except DataError as error:
                yield error
            ahead -= max(durations[position], _LEAST)
    finally:
        # Nobody waits here: a generator that was dropped may be collected in one of its own threads.
        pool.shutdown(wait=False, cancel_futures=True)


def _decode(path: Path, intake: Intake, seconds: float | None) -> Decoded:
    require_utf8(path)
    return read_samples(path, intake, seconds=seconds)


def _parts(durations: Sequence[float], most: float) -> list[range]:
    """Positions cut where there is enough sound for a part; nothing waits for others beyond a part's end."""
    parts, start, total = [], 0, 0.0
    for position, seconds in enumerate(durations):
        total += max(seconds, _LEAST)
        if total >= most or position == len(durations) - 1:
            parts.append(range(start, position + 1))
            start, total = position + 1, 0.0
    return parts


def _table(rows: Sequence[Row], names: Sequence[str]) -> tuple[dict[str, pa.Array], list[int]]:
    """The columns of windows, and which vector belongs to each row: vectors came in another order."""
    order = sorted(range(len(rows)), key=lambda index: (rows[index].recording, rows[index].start))
    rows = [rows[index] for index in order]
    times = {name: [getattr(row, name) for row in rows] for name in ("start", "end", "seconds")}
    return {
        "path": pa.array([names[row.recording] for row in rows], pa.string()),
        **{name: pa.array(values, pa.float64()) for name, values in times.items()},
    }, order


def _stated_length(path: Path) -> int:
    """Approximate length at 16 kHz by the header; 0 if it cannot be read."""
    try:
        require_utf8(path)
        header = header_of(path)
    except DataError:
        return 0
    return header.expected * SAMPLE_RATE // header.rate
