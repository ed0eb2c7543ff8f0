"""Embed a folder of meshes or point clouds: which files, how many points of each, and the lines that are printed."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.read_ahead import Columns, read_ahead
from randquant.data_prep.formats.clouds.cloud_file import CLOUDS
from randquant.data_prep.formats.meshes.mesh_file import MESHES
from randquant.data_prep.notes import reading_notes
from randquant.data_prep.own_files.cloud_reader import cloud_reader
from randquant.data_prep.own_files.folder import plan_files
from randquant.data_prep.own_files.meshes import by_format
from randquant.data_prep.scan import file_size
from randquant.data_prep.shapes import BY_FORMAT, POINTS, UP, UP_BY_FORMAT, drawn_points, mesh_reader
from randquant.errors import DataError, UsageError
from randquant.inference import in_force
from randquant.pointcloud.embedding import ShapeEmbedder
from randquant.pointcloud.encoders.named_encoder import named_encoder
from randquant.pointcloud.encoders.weights import LoadedPointEncoder
from randquant.pointcloud.evaluation import shape_task
from randquant.pointcloud.evaluation.evaluate import shape_points
from randquant.pointcloud.evaluation.shape_features import require_channels
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.layout import Layout
from randquant.probes.classifier_file import load_classifier
from randquant.scripts.embedding.destination import Destination
from randquant.scripts.embedding.settings import Embedding, require_folder, say_resumed
from randquant.training.processes.device import named_device


def embed_shapes(settings: Embedding) -> list[tuple[str, str]]:
    """Embed the meshes or clouds below a folder, or one of them, into a table.

    Returns:
        (path, reason) of the files that could not be read.

    Raises:
        DataError: there are no shapes, none could be read, or the classifier is of another encoder.
        UsageError: more points than the encoder takes, or the table is of another encoder or other settings.
    """
    checkpoint, out = settings.checkpoint, settings.out
    destination = Destination(out, settings.append, settings.strict)
    device = named_device(settings.device)
    loaded = named_encoder(checkpoint, seed=settings.seed)
    loaded.precision = in_force(settings.precision, device)
    destination.require(loaded)
    saved = load_classifier(settings.classify) if settings.classify else None
    points = _points(settings, loaded) if saved is None else shape_points(saved, loaded, settings.points)
    every = _planned(settings, loaded, points)
    plan = destination.new_items(every)
    if destination.nothing_new(len(every.items), len(plan.items)):
        return []
    layout = Layout.of(plan.reader.settings["channels"])
    require_channels(loaded.encoder.channels, layout, settings.input)
    say(f"{checkpoint}: {loaded.report}")
    embedder = ShapeEmbedder(loaded, points, device, settings.strict, saved)
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
    say_resumed(summary.resumed, len(plan.items))
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
        return _meshes(settings.input, points=drawn_points(points), up=settings.up)
    reader = cloud_reader(
        points=points if points == "any" else max(POINTS, points),
        least=None if points == "any" else points,
        normals="nx" in loaded.encoder.channels,
        up=settings.up or UP,
        columns=settings.columns,
    )
    return _shapes(settings.input, CLOUDS, reader, "clouds")


def _meshes(path: Path, *, points: int, up: Axis | None = None) -> Plan:
    """The plan of a folder of meshes, or of a single one, whose first `points` are taken."""
    reader = partial(mesh_reader, points=max(POINTS, points), first=points)
    return by_format(partial(_shapes, path, MESHES, kind="meshes"), reader, up)


def _shapes(path: Path, suffixes: Sequence[str], reader: Reader, kind: str) -> Plan:
    if path.is_file():
        if path.suffix.lower() not in suffixes:
            raise DataError(
                f"{path} is none of the {kind}; give a file that ends in {', '.join(suffixes)}, or a folder."
            )
        return Plan(path.parent, [Item(path.name, file_size(path))], reader)
    require_folder(path)
    return plan_files(path, suffixes, reader, dataset=kind, kind=kind)
