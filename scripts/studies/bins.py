"""Numbers of bins: trainings that differ in them alone, what labels say of these, and what can be said without."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json
from randquant.files.json_record import Json
from randquant.scripts.studies.modality import Modality, probe_quietly
from randquant.scripts.studies.training import trained
from randquant.training.settings import Training

if TYPE_CHECKING:
    import torch
    from torch import nn

    from randquant.training.task import Task

BINS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256)
COMMON = 16  # bins of the views that all encoders are asked about
MOMENTS = ("untrained", "a tenth", "the end")
_ITEMS = 256  # whose views are embedded
_OTHER_ITEMS = 1000  # added to the seed, so that they are not those of the first step
Scores = dict[str, dict[str, float]]  # by moment, then by name


def measured(found: Modality, settings: Training) -> Scores:
    """Train one run, as far as it has not been, and score its encoder without labels before, early and after.

    Scores of "own" views are of the run's own bins, those of "common" views of 16 bins, whatever the run's.

    Raises:
        DataError: the run is finished, and its scores are not there.
    """
    file = settings.out.parent.parent / "scores" / f"{settings.out.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)

    def build(run: Any, device: "torch.device") -> "Task":
        return _watched(found.build(run, device), run, file)

    trained(found._replace(build=build), settings)
    scores = read_json(file) if file.exists() else {}
    if set(scores) != set(MOMENTS):
        raise DataError(f"{settings.out} was trained without scores; delete it, or choose another --out.")
    return scores


def accuracies(found: Modality, settings: Training, tasks: list[Path], probe: str) -> Mapping[str, float]:
    """Probe a finished run, as far as it has not been: accuracy by task, of validation items or held-out folds.

    Raises:
        DataError: the probe says nothing of validation items.
    """
    from randquant.results.compare import open_run

    results = settings.out.parent.parent / "results" / settings.out.name
    results.parent.mkdir(parents=True, exist_ok=True)
    if not (results / "results.json").exists() or len(open_run(str(results), probe).tasks) < len(tasks):
        for each in tasks:
            probe_quietly(found, str(settings.out), each, probe, results)
    held = open_run(str(results), probe).tasks
    numbers = {name: each.accuracy if each.folds else each.valid_accuracy for name, each in held.items()}
    silent = [name for name, number in numbers.items() if number is None]
    if silent:
        raise DataError(f"{probe} chose nothing on validation items of {silent[0]}; give another --probe, or folds.")
    return {name: float(number) for name, number in numbers.items() if number is not None}


def _watched(task: "Task", run: Training, file: Path) -> "Task":
    """The task, whose encoder is scored now, after a tenth of the steps, and before it is saved in the end."""
    from randquant.training.batches import Batches

    batches = Batches(task.source, run.batch_size, seed=run.seed, rank=0, world=1, workers=0, pin=False)
    steps = run.steps or run.epochs * batches.steps_an_epoch
    run.snapshot_every = max(steps // 10, 1)
    scores: dict[str, Json] = read_json(file) if file.exists() else {}  # of a training that goes on
    scores[MOMENTS[0]] = _scores(task, task.encoder, run)
    save = task.save_encoder

    def scored(path: Path, encoder: "nn.Module", step: int) -> None:
        if step == run.snapshot_every:
            scores[MOMENTS[1]] = _scores(task, encoder, run)
            write_json(file, scores)
        if path.parent == run.out:
            scores[MOMENTS[2]] = _scores(task, encoder, run)
            write_json(file, scores)
            save(path, encoder, step)

    task.save_encoder = scored
    return task


def _scores(task: "Task", encoder: "nn.Module", run: Training) -> dict[str, float]:
    """By the views and the name of the score; the randomness of the training stays what it was."""
    import torch

    from randquant.inference import evaluating
    from randquant.ssl.unlabelled_scores import SCORES
    from randquant.training.batches import Batches, each_tensor
    from randquant.views import ViewSet, embedded

    assert task.views_of is not None
    size, seed = min(_ITEMS, len(task.source)), run.seed + _OTHER_ITEMS
    device = next(encoder.parameters()).device
    raw = Batches(task.source, size, seed=seed, rank=0, world=1, workers=0, pin=False)[0][0]
    raw = each_tensor(raw, lambda part: part.to(device))
    found: dict[str, float] = {}
    common = replace(run, rq_bins=[COMMON])  # type: ignore[call-arg]
    with torch.no_grad(), torch.random.fork_rng(), evaluating(encoder):
        for name, settings in (("own", run), ("common", common)):
            generator = torch.Generator(device=device).manual_seed(run.seed)
            views = ViewSet.of(task.views_of(settings)(raw, generator=generator)).views[:2]
            one, other = (embedded(encoder, view).float() for view in views)
            found |= {f"{name} {score}": value(one, other) for score, value in SCORES.items()}
    return found
