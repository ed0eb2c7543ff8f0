"""The settings of scripts.embed, what of them each modality takes, and the lines that all print."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from randquant.audio.encoders.layer import Layer
from randquant.audio.samples import Channel, check_array_rate
from randquant.cli.terminal import say
from randquant.errors import DataError, UsageError
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points
from randquant.precision import Precision

_MOST_POINTS = 100_000


@dataclass(frozen=True)
class Embedding:
    """Embed every recording, picture, mesh or point cloud below a folder, or every row of a table.

    Attributes:
        checkpoint: run folder, weights file (ours, published, Lightning), hf://OWNER/NAME, untrained:ENCODER:D, or
            python:MODULE:FUNCTION, which runs your own code; its kind decides whether recordings, pictures, shapes or
            rows are embedded.
        input: folder of recordings, pictures or shapes at any depth, or one of them; recordings of any rate, length and
            number of channels, pictures and shapes of any size and scale. Of a table the store that
            `python -m scripts.prepare table` wrote.
        out: table to write: Parquet, NPY (with NAME.rows.csv beside it) or CSV, by its suffix.
        append: keep the table that is there and add the files that it does not have yet, behind its rows.
        window: of recordings: one row per window of so many seconds; by default one row per recording, averaged over
            windows of at most 10 s.
        hop: of windows: seconds from one to the next; less than --window makes them overlap.
        frames: of recordings: one row per frame of the encoder, with its time.
        channel: of recordings: mean, left, right, or the loudest of each; without it and --peak_normalise they are
            read as those the encoder was trained on, where it knows, else the mean.
        peak_normalise: of recordings: scale each so that its largest sample is full scale.
        sample_rate: of .npy waveforms, which do not say theirs: 16,000 by default; with it those beside other
            recordings are embedded too.
        layer: of recordings: features to use, output by default.
        points: of shapes: points per surface or cloud (all of a cloud with fewer); any takes all points of every
            cloud; by default as many as the encoder was trained on, else 1,024.
        up: of shapes: the axis that points up in the files; by default y in glTF files and z in others.
        clouds: the shapes are point clouds (NPY, NPZ, PLY, PCD, LAS, LAZ, E57, PTX, BIN, XYZ, PTS, ASC, TXT, CSV)
            instead of meshes.
        columns: of clouds: names for the columns of files that do not name theirs, as in --columns x y z i for KITTI's
            .bin; _ skips one.
        classify: file of a probe's --save_classifier for columns label and probability or score; recordings and
            pictures are normalised as its task was, and layer and points are its own by default.
        strict: stop at the first unreadable file instead of listing it at the end.
        workers: threads that decode recordings, or processes that read pictures or shapes.
        seed: of an untrained encoder.
        device: auto, cpu or cuda.
        precision: of the network: 32, bf16, or auto (bf16 where the hardware computes it fast).
    """

    checkpoint: str
    input: Path
    out: Path
    append: bool = False
    window: float | None = None
    hop: float | None = None
    frames: bool = False
    channel: Channel | None = None
    peak_normalise: bool = False
    sample_rate: int | None = None
    layer: Layer | None = None
    points: Points | None = None
    up: Axis | None = None
    clouds: bool = False
    columns: list[str] | None = None
    classify: Path | None = None
    strict: bool = False
    workers: int = 2
    seed: int = 42
    device: str = "auto"
    precision: Precision = "32"


OF_SOUND = ("window", "hop", "frames", "channel", "peak_normalise", "sample_rate", "layer")
OF_SHAPES = ("points", "up", "clouds", "columns")


def check(settings: Embedding) -> None:
    """Refuse settings that do not go together, whatever the modality.

    Raises:
        UsageError: they do not.
    """
    from randquant.embedding.table_formats import FORMATS  # late, since it loads pyarrow

    out, window, hop, points = settings.out, settings.window, settings.hop, settings.points
    if out.suffix not in FORMATS:
        raise UsageError(f"--out {out} should end in {', '.join(FORMATS)}, which says the format; rename it.")
    if window is not None and not 0.05 <= window <= 60:
        raise UsageError(f"--window {window:g} should lie between 0.05 and 60 seconds.")
    if hop is not None and window is None:
        raise UsageError("--hop says how far one window is from the next; give --window too.")
    if hop is not None and window is not None and not 0.001 <= hop <= window:
        raise UsageError(f"--hop {hop:g} should lie between 0.001 seconds and --window {window:g}.")
    if settings.frames and (window is not None or settings.classify is not None):
        raise UsageError("--frames gives a row per frame, which has no window and no class; leave one of them out.")
    if isinstance(points, int) and not 1 <= points <= _MOST_POINTS:
        raise UsageError(f"--points {points} should lie between 1 and {_MOST_POINTS:,}, or be any.")
    if settings.columns is not None and not settings.clouds:
        raise UsageError("--columns are those of files of points; give --clouds too, or leave it out.")
    if settings.workers < 1:
        raise UsageError(f"--workers {settings.workers} should be at least 1.")
    if settings.seed < 0:
        raise UsageError(f"--seed {settings.seed} should be at least 0.")
    if settings.sample_rate is not None:
        check_array_rate(settings.sample_rate)


def refuse(settings: Embedding, names: Sequence[str], why: str) -> None:
    """Refuse settings of another modality.

    Raises:
        UsageError: one of `names` is given; `why` is what the checkpoint is.
    """
    given = [f"--{name}" for name in names if getattr(settings, name) not in (None, False)]
    if given:
        raise UsageError(
            f"{settings.checkpoint} {why} that {' and '.join(given)} could be for; leave it out or give another "
            "--checkpoint."
        )


def require_folder(path: Path) -> None:
    """Refuse an input that is not there.

    Raises:
        DataError: it is no folder.
    """
    if not path.is_dir():
        raise DataError(f"{path} does not exist; check --input.")


def say_resumed(done: int, files: int) -> None:
    """Say how many files an earlier run had done, if any."""
    if done:
        say(f"An earlier run had embedded {done:,} of {files:,} files; this one did the rest.")
