"""Embed recordings, pictures, meshes, point clouds or the rows of a table: from files to one table of embeddings.

    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out embeddings.parquet
    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out windows.parquet --window 1
    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out frames.parquet --frames
    python -m scripts.embed --checkpoint RUN --input PICTURES --out embeddings.parquet
    python -m scripts.embed --checkpoint RUN --input MESHES --out embeddings.parquet --up y
    python -m scripts.embed --checkpoint RUN --input CLOUDS --out embeddings.parquet --clouds
    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out labels.parquet --classify tones.safetensors
    python -m scripts.embed --checkpoint RUN --input CLOUDS --out embeddings.parquet --clouds --points any
    python -m scripts.embed --checkpoint RUN --input STORE --out embeddings.parquet      # as prepare table wrote it

The checkpoint's modality, sound, pictures, point clouds or tables, decides what is embedded. The first writes one row
per recording (or window) with the columns path, start, end, seconds, embedding, and prints

    embeddings.parquet: 3,000 rows of 2048 numbers from 3,000 recordings, 0 skipped

For pictures (JPEG, PNG, WebP, ...) the columns are path, height, width, embedding; for meshes (OFF, PLY, OBJ, STL,
glTF) and point clouds (NPY, PLY, PCD, LAS, E57, XYZ, ...) path, points, embedding. Read a table with
`pyarrow.parquet.read_table("embeddings.parquet")`, pandas, polars or DuckDB. `--out NAME.npy` writes the vectors as a
NumPy array and NAME.rows.csv beside it, `--out NAME.csv` one CSV file; `--append` adds the files that a table lacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from randquant.audio.embedding import Embedder
from randquant.audio.encoders import weights as audio_weights
from randquant.audio.encoders.audio_encoder import Layer
from randquant.audio.evaluation.evaluate import audio_features
from randquant.audio.levels import levels_line
from randquant.audio.samples import Channel, Intake, assumed_rate, check_array_rate, trained_intake
from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.read_ahead import Columns, read_ahead
from randquant.data_prep.formats.clouds.cloud_file import CLOUDS
from randquant.data_prep.formats.meshes.mesh_file import MESHES
from randquant.data_prep.notes import reading_notes
from randquant.data_prep.own_files.cloud_reader import cloud_reader
from randquant.data_prep.own_files.folder import plan_files, plan_folder
from randquant.data_prep.own_files.meshes import by_format
from randquant.data_prep.scan import file_size
from randquant.data_prep.shapes import BY_FORMAT, POINTS, UP, UP_BY_FORMAT, drawn_points, mesh_reader
from randquant.embedding.table_formats import FORMATS
from randquant.errors import DataError, UsageError
from randquant.loading.modalities import modality_of
from randquant.pointcloud.embedding import ShapeEmbedder
from randquant.pointcloud.encoders import named_encoder as point_named
from randquant.pointcloud.encoders.weights import LoadedPointEncoder
from randquant.pointcloud.evaluation import shape_task
from randquant.pointcloud.evaluation.evaluate import shape_points
from randquant.pointcloud.evaluation.shape_features import require_channels
from randquant.pointcloud.first_points import Points
from randquant.pointcloud.geometry import Axis
from randquant.pointcloud.layout import Layout
from randquant.probes.classifier_file import load_classifier
from randquant.scripts.embedding.destination import Destination
from randquant.scripts.embedding.pictures import embed_pictures
from randquant.scripts.embedding.rows import embed_rows
from randquant.training.processes.device import named_device

_SHOWN = 20  # skipped files printed; the table's metadata has them all
_MOST_POINTS = 100_000


@dataclass(frozen=True)
class Embedding:
    """Embed every recording, picture, mesh or point cloud below a folder, or every row of a table.

    Attributes:
        checkpoint: run folder, weights file (ours, published, Lightning), untrained:ENCODER:D, or
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


_OF_SOUND = ("window", "hop", "frames", "channel", "peak_normalise", "sample_rate", "layer")
_OF_SHAPES = ("points", "up", "clouds", "columns")


def embed(settings: Embedding) -> None:
    """Embed every recording, picture, mesh or point cloud below a folder, or every row of a table."""
    _check(settings)
    modality = modality_of(settings.checkpoint, settings.seed)
    if modality == "points":
        _refuse(settings, _OF_SOUND, "is an encoder of point clouds, so there are no recordings")
        skipped = _embed_shapes(settings)
    elif modality == "images":
        _refuse(settings, (*_OF_SOUND, *_OF_SHAPES), "is an encoder of pictures, so there are no recordings or shapes")
        skipped = _embed_pictures(settings)
    elif modality == "tables":
        _refuse(settings, (*_OF_SOUND, *_OF_SHAPES), "is an encoder of tables, so there are no recordings or shapes")
        if settings.append:
            raise UsageError("--append adds files, and the rows of a table are embedded as a whole; leave it out.")
        skipped = []
        device, given = named_device(settings.device), (settings.checkpoint, settings.input, settings.out)
        embed_rows(*given, classify=settings.classify, seed=settings.seed, device=device)
    else:
        _refuse(settings, _OF_SHAPES, "is an encoder of sound, so there are no shapes")
        skipped = _embed_recordings(settings)
    for path, reason in skipped[:_SHOWN]:
        say(f"skipped {path}: {reason}")
    if len(skipped) > _SHOWN:
        say(f"… and {len(skipped) - _SHOWN:,} more; the table's metadata lists them all")


def recordings(path: Path, *, arrays: bool = False) -> tuple[Path, list[str]]:
    """A root folder and the recordings below it as relative paths; a single file is its own list.

    Args:
        path: of the folder or file.
        arrays: as in `randquant.data_prep.own_files.folder.plan_folder`.
    """
    if path.is_file():
        return path.parent, [path.name]
    _require_folder(path)
    return path, [item.path for item in plan_folder(path, arrays=arrays).items]


def meshes(path: Path, *, points: int, up: Axis | None = None) -> Plan:
    """The plan of a folder of meshes, or of a single one; `points` are drawn from each."""
    return by_format(partial(_shapes, path, MESHES, kind="meshes"), partial(mesh_reader, points=points), up)


def _shapes(path: Path, suffixes: Sequence[str], reader: Reader, kind: str) -> Plan:
    if path.is_file():
        if path.suffix.lower() not in suffixes:
            raise DataError(
                f"{path} is none of the {kind}; give a file that ends in {', '.join(suffixes)}, or a folder."
            )
        return Plan(path.parent, [Item(path.name, file_size(path))], reader)
    _require_folder(path)
    return plan_files(path, suffixes, reader, dataset=kind, kind=kind)


def _check(settings: Embedding) -> None:
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


def _refuse(settings: Embedding, names: Sequence[str], why: str) -> None:
    given = [f"--{name}" for name in names if getattr(settings, name) not in (None, False)]
    if given:
        raise UsageError(
            f"{settings.checkpoint} {why} that {' and '.join(given)} could be for; leave it out or give another "
            "--checkpoint."
        )


def _require_folder(path: Path) -> None:
    if not path.is_dir():
        raise DataError(f"{path} does not exist; check --input.")


def _embed_recordings(settings: Embedding) -> list[tuple[str, str]]:
    checkpoint, out = settings.checkpoint, settings.out
    root, found = recordings(settings.input, arrays=settings.sample_rate is not None)
    destination = Destination(out, settings.append, settings.strict)
    names = destination.new(found)
    if destination.nothing_new(len(found), len(names)):
        return []
    loaded = audio_weights.named_encoder(checkpoint, seed=settings.seed)
    destination.require(loaded.sha256)
    say(f"{checkpoint}: {loaded.report}")
    intake = _intake(settings, loaded.metadata)
    saved = load_classifier(settings.classify) if settings.classify else None
    layer, normalisation = settings.layer or "output", None
    if saved is not None:
        layer, normalisation = audio_features(saved, loaded, settings.layer)
    embedder = Embedder(
        loaded,
        layer=layer,
        window=settings.window,
        hop=settings.hop,
        frames=settings.frames,
        intake=intake,
        device=named_device(settings.device),
        workers=settings.workers,
        strict=settings.strict,
        normalisation=normalisation,
        saved=saved,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    summary = embedder.write(root, names, destination.target, checkpoint=checkpoint)
    destination.finish()
    _print_resumed(summary.resumed, len(names))
    if summary.statistics_source != "checkpoint" and saved is None:
        say(f"The checkpoint has no log-mel statistics; used those of {summary.statistics_source}.")
    say(
        f"{out}: {counted(summary.rows, 'rows')} of {summary.dimension} numbers from "
        f"{counted(summary.recordings, 'recordings')}, "
        f"{len(summary.skipped):,} skipped"
    )
    say(levels_line(summary.levels))
    if summary.arrays and intake.array_rate is None:
        say(assumed_rate(summary.arrays))
    return summary.skipped


def _intake(settings: Embedding, metadata: Mapping[str, Any]) -> Intake:
    """How recordings are read: as the flags say, else as those were that the encoder was trained on."""
    trained = trained_intake(metadata, settings.sample_rate)
    if settings.channel is not None or settings.peak_normalise or trained is None:
        return Intake(settings.channel or "mean", settings.peak_normalise, settings.sample_rate)
    peak = " and scaled to their peaks (--peak_normalise)" if trained.peak_normalise else ""
    say(f"Recordings are read as in training: channel {trained.channel}{peak}; --channel says another.")
    return trained


def _embed_pictures(settings: Embedding) -> list[tuple[str, str]]:
    skipped, resumed, files = embed_pictures(
        settings.checkpoint,
        settings.input,
        Destination(settings.out, settings.append, settings.strict),
        classify=settings.classify,
        strict=settings.strict,
        workers=settings.workers,
        seed=settings.seed,
        device=named_device(settings.device),
    )
    _print_resumed(resumed, files)
    return skipped


def _print_resumed(done: int, files: int) -> None:
    if done:
        say(f"An earlier run had embedded {done:,} of {files:,} files; this one did the rest.")


def _embed_shapes(settings: Embedding) -> list[tuple[str, str]]:
    checkpoint, out = settings.checkpoint, settings.out
    destination = Destination(out, settings.append, settings.strict)
    loaded = point_named.named_encoder(checkpoint, seed=settings.seed)
    saved = load_classifier(settings.classify) if settings.classify else None
    points = _points(settings, loaded) if saved is None else shape_points(saved, loaded, settings.points)
    every = _planned(settings, loaded, points)
    plan = destination.new_items(every)
    if destination.nothing_new(len(every.items), len(plan.items)):
        return []
    destination.require(loaded.sha256)
    layout = Layout.of(plan.reader.settings["channels"])
    require_channels(loaded, layout, settings.input)
    say(f"{checkpoint}: {loaded.report}")
    embedder = ShapeEmbedder(loaded, points, named_device(settings.device), settings.strict, saved)
    out.parent.mkdir(parents=True, exist_ok=True)
    read: list[Columns] = []
    summary = embedder.write(
        plan.root,
        [item.path for item in plan.items],
        lambda start: read_ahead(plan, workers=settings.workers, start=start, columns=read),
        layout,
        destination.target,
        checkpoint=checkpoint,
        source=dict(plan.reader.settings),
        columns=read,
    )
    destination.finish()
    _print_resumed(summary.resumed, len(plan.items))
    least, most = min(summary.lengths), max(summary.lengths)
    span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    shapes = counted(summary.rows, "clouds") if settings.clouds else counted(summary.rows, "meshes", "mesh")
    say(
        f"{out}: {counted(summary.rows, 'rows')} of {summary.dimension} numbers from {shapes} of {span} "
        f"points, {len(summary.skipped):,} skipped"
    )
    by_default = [UP_BY_FORMAT] if plan.reader.settings["file_up"] == BY_FORMAT else []
    say(*by_default, *reading_notes(read))
    return summary.skipped


def _points(settings: Embedding, loaded: LoadedPointEncoder) -> Points:
    """Taken of each shape, within what the encoder takes."""
    trained = None if loaded.points == "any" and not settings.clouds else loaded.points
    points = settings.points or trained or shape_task.POINTS
    reason = None if points == "any" else loaded.encoder.too_large(points)
    if reason is not None:
        raise UsageError(reason)
    return points


def _planned(settings: Embedding, loaded: LoadedPointEncoder, points: Points) -> Plan:
    """The files to embed, as the points that a store has by default, of which the first are spread over the shape."""
    if not settings.clouds:
        return meshes(settings.input, points=max(POINTS, drawn_points(points)), up=settings.up)
    reader = cloud_reader(
        points=points if points == "any" else max(POINTS, points),
        least=None if points == "any" else points,
        normals="nx" in loaded.encoder.channels,
        up=settings.up or UP,
        columns=settings.columns,
    )
    return _shapes(settings.input, CLOUDS, reader, "clouds")


if __name__ == "__main__":
    raise SystemExit(run(embed, description=__doc__))
