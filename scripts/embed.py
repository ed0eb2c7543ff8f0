"""Embed recordings: from a folder of any audio files to one table of vectors.

    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out embeddings.parquet
    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out windows.parquet --window 1

writes one row a recording (or a window) with the columns path, start, end, seconds, embedding, and prints

    embeddings.parquet: 3,000 rows of 2048 numbers from 3,000 recordings, 0 skipped

Read it with `pyarrow.parquet.read_table("embeddings.parquet")`, pandas, polars or DuckDB.
"""

from pathlib import Path

from audio.embedding import Embedder
from audio.encoder import Layer
from audio.named_encoder import named_device, named_encoder
from data_prep.folder import plan_folder
from randquant.command import run
from randquant.errors import DataError, UsageError

_SHOWN = 20  # skipped files printed; the table's metadata has them all


def embed(
    checkpoint: str,
    input: Path,
    out: Path,
    window: float | None = None,
    layer: Layer = "output",
    strict: bool = False,
    workers: int = 2,
    seed: int = 42,
    device: str = "auto",
) -> None:
    """Embed every recording below a folder.

    Args:
        checkpoint: run folder, weights file (ours, published, Lightning), or untrained:ENCODER:D.
        input: folder of recordings at any depth, or one recording; any rate, length and number of channels.
        out: Parquet file to write.
        window: one row every so many seconds; by default one row a recording, averaged over windows of at
            most 10 s.
        layer: features to use.
        strict: stop at the first unreadable file instead of listing it at the end.
        workers: threads that decode.
        seed: of an untrained encoder.
        device: auto, cpu or cuda.
    """
    if out.suffix != ".parquet":
        raise UsageError(f"--out {out} should end in .parquet: ids, times and vectors are one table; rename it.")
    if window is not None and not 0.05 <= window <= 60:
        raise UsageError(f"--window {window:g} should lie between 0.05 and 60 seconds.")
    if workers < 1:
        raise UsageError(f"--workers {workers} should be at least 1.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    root, names = recordings(input)
    out.parent.mkdir(parents=True, exist_ok=True)
    loaded = named_encoder(checkpoint, seed=seed)
    print(f"{checkpoint}: {loaded.report}")
    embedder = Embedder(loaded, layer=layer, window=window, device=named_device(device), workers=workers, strict=strict)
    summary = embedder.write(root, names, out, checkpoint=checkpoint)
    if summary.statistics_source != "checkpoint":
        print(f"The checkpoint has no log-mel statistics; used those of {summary.statistics_source}.")
    print(
        f"{out}: {summary.rows:,} rows of {summary.dimension} numbers from {summary.recordings:,} recordings, "
        f"{len(summary.skipped):,} skipped"
    )
    for path, reason in summary.skipped[:_SHOWN]:
        print(f"skipped {path}: {reason}")
    if len(summary.skipped) > _SHOWN:
        print(f"… and {len(summary.skipped) - _SHOWN:,} more; the table's metadata lists them all")


def recordings(path: Path) -> tuple[Path, list[str]]:
    """A root folder and the recordings below it as relative paths; a single file is its own list."""
    if path.is_file():
        return path.parent, [path.name]
    if not path.is_dir():
        raise DataError(f"{path} does not exist; check --input.")
    return path, [item.path for item in plan_folder(path).items]


if __name__ == "__main__":
    raise SystemExit(run(embed, description=__doc__))
