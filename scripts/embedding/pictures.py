"""Embed a folder of pictures: which files, what the encoder sees of them, and the lines that are printed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.engine.read_ahead import read_ahead
from randquant.data_prep.notes import reading_notes
from randquant.data_prep.own_files.folder import plan_files
from randquant.data_prep.pictures import FOREIGN, PICTURES, fitted_reader
from randquant.data_prep.scan import file_size
from randquant.errors import DataError
from randquant.images.embedding import PictureEmbedder
from randquant.images.encoders.weights import LoadedImageEncoder, named_encoder
from randquant.images.evaluation.sight import STATISTICS_PICTURES, Sight, sight_of_classifier
from randquant.images.normalise import ColourStatistics, colour_statistics
from randquant.inference import in_force
from randquant.probes.classifier_file import load_classifier
from randquant.scripts.embedding.destination import Destination
from randquant.scripts.embedding.settings import Embedding, require_folder, say_resumed
from randquant.training.processes.device import named_device


def embed_pictures(settings: Embedding) -> list[tuple[str, str]]:
    """Embed the pictures below a folder, or one of them, into a table.

    Returns:
        (path, reason) of the files that could not be read.

    Raises:
        DataError: there are no pictures, none could be read, or the classifier is of another encoder.
        UsageError: the table is of another encoder or other settings.
    """
    destination = Destination(settings.out, settings.append, settings.strict)
    checkpoint, workers = settings.checkpoint, settings.workers
    device = named_device(settings.device)
    loaded = named_encoder(checkpoint, seed=settings.seed)
    loaded.precision = in_force(settings.precision, device)
    saved = load_classifier(settings.classify) if settings.classify else None
    say(f"{checkpoint}: {loaded.report}")
    destination.require(loaded)
    sight = (
        sight_of_classifier(saved, loaded)
        if saved
        else _sight(loaded, _plan(settings.input, loaded.encoder.size), workers)
    )
    every = _plan(settings.input, sight.size, sight.share)
    plan, out = destination.new_items(every), destination.out
    if destination.nothing_new(len(every.items), len(plan.items)):
        return []
    out.parent.mkdir(parents=True, exist_ok=True)
    read: list[Mapping[str, Any]] = []
    summary = PictureEmbedder(loaded, sight, device, settings.strict, saved).write(
        plan.root,
        [item.path for item in plan.items],
        lambda start: read_ahead(plan, workers=workers, start=start, columns=read),
        read,
        destination.target,
        checkpoint=checkpoint,
    )
    destination.finish()
    say_resumed(summary.resumed, len(plan.items))
    if loaded.statistics is None and saved is None:
        say(f"The checkpoint has no statistics of colours; used those of {sight.source}.")
    say(
        f"{out}: {counted(summary.rows, 'rows')} of {summary.dimension} numbers from "
        f"{counted(summary.rows, 'pictures')} seen at {sight.size} x {sight.size}, {len(summary.skipped):,} skipped"
    )
    say(*reading_notes(read, "pictures"))
    return summary.skipped


def _plan(path: Path, size: int, share: float = 1.0) -> Plan:
    """The pictures below a folder, or a single one."""
    reader = fitted_reader(size, share)
    if path.is_file():
        if path.suffix.lower() not in PICTURES:
            raise DataError(f"{path} is no picture; give a file that ends in .jpg, .png or the like, or a folder.")
        return Plan(path.parent, [Item(path.name, file_size(path))], reader)
    require_folder(path)
    return plan_files(path, PICTURES, reader, dataset="pictures", kind="pictures", foreign=FOREIGN)


def _sight(loaded: LoadedImageEncoder, plan: Plan, workers: int) -> Sight:
    """The checkpoint's, with its colours or those of at most 2,000 pictures of the input."""
    size = loaded.encoder.size
    if loaded.statistics is not None:
        return Sight(size, 1.0, loaded.statistics, "the checkpoint")
    order = np.random.default_rng(0).permutation(len(plan.items))[:STATISTICS_PICTURES]
    chosen = replace(plan, items=[plan.items[place] for place in np.sort(order).tolist()])
    colours, count = _colours(read_ahead(chosen, workers=workers), plan.root)
    return Sight(size, 1.0, colours, f"the input, from {counted(count, 'pictures')}")


def _colours(outcomes: Iterable[Any], root: Path) -> tuple[ColourStatistics, int]:
    count = 0

    def pixels() -> Iterator[torch.Tensor]:
        nonlocal count
        for rows in outcomes:
            if not isinstance(rows, DataError):
                count += 1
                yield torch.from_numpy(rows)

    try:
        return colour_statistics(pixels()), count
    except ValueError:
        raise DataError(f"none of the pictures below {root} could be read; check --input.") from None
