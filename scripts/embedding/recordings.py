"""Embed a folder of recordings: which files, how they are read, and the lines that are printed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from randquant.audio.embedding.embedder import Embedder
from randquant.audio.encoders.weights import named_encoder
from randquant.audio.evaluation.evaluate import audio_features
from randquant.audio.levels import levels_line
from randquant.audio.samples import Intake, assumed_rate, trained_intake
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data_prep.own_files.folder import plan_folder
from randquant.inference import in_force
from randquant.probes.classifier_file import load_classifier
from randquant.scripts.embedding.destination import Destination
from randquant.scripts.embedding.settings import Embedding, require_folder, say_resumed
from randquant.training.processes.device import named_device


def embed_recordings(settings: Embedding) -> list[tuple[str, str]]:
    """Embed the recordings below a folder, or one of them, into a table.

    Returns:
        (path, reason) of the files that could not be read.

    Raises:
        DataError: there are no recordings, none could be read, or the classifier is of another encoder.
        UsageError: the table is of another encoder or other settings.
    """
    checkpoint, out = settings.checkpoint, settings.out
    root, found = _recordings(settings.input, arrays=settings.sample_rate is not None)
    destination = Destination(out, settings.append, settings.strict)
    names = destination.new(found)
    device = named_device(settings.device)
    loaded = named_encoder(checkpoint, seed=settings.seed)
    loaded.precision = in_force(settings.precision, device)
    destination.require(loaded)
    if destination.nothing_new(len(found), len(names)):
        return []
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
        device=device,
        workers=settings.workers,
        strict=settings.strict,
        normalisation=normalisation,
        saved=saved,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    summary = embedder.write(root, names, destination.target, checkpoint=checkpoint)
    destination.finish()
    say_resumed(summary.resumed, len(names))
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


def _recordings(path: Path, *, arrays: bool = False) -> tuple[Path, list[str]]:
    """A root folder and the recordings below it as relative paths; a single file is its own list.

    Args:
        path: of the folder or file.
        arrays: as in `randquant.data_prep.own_files.folder.plan_folder`.
    """
    if path.is_file():
        return path.parent, [path.name]
    require_folder(path)
    return path, [item.path for item in plan_folder(path, arrays=arrays).items]


def _intake(settings: Embedding, metadata: Mapping[str, Any]) -> Intake:
    """How recordings are read: as the flags say, else as those were that the encoder was trained on."""
    trained = trained_intake(metadata, settings.sample_rate)
    if settings.channel is not None or settings.peak_normalise or trained is None:
        return Intake(settings.channel or "mean", settings.peak_normalise, settings.sample_rate)
    peak = " and scaled to their peaks (--peak_normalise)" if trained.peak_normalise else ""
    say(f"Recordings are read as in training: channel {trained.channel}{peak}; --channel says another.")
    return trained
