"""Evaluate a frozen shape encoder: the accuracy of classifiers on its features.

    python -m scripts.evaluate_modelnet --checkpoint RUN --store STORE --probes svm knn --out evaluation.json
    python -m scripts.evaluate_modelnet --checkpoint untrained:PointNetLite:256 --store STORE --out floor.json
    python -m scripts.evaluate_modelnet --checkpoint occupancy:8 --store STORE --probes logistic svm --out grid.json
    python -m scripts.evaluate_modelnet --checkpoint RUN --store STORE --protocol crosspoint --out results/

prints

    task             accuracy     95 % by items  valid  macro  floor                                         how
    shapes30  0.6947 ± 0.0000  0.6318 to 0.7511  0.676  0.665  0.044  by SVM, C 0.03, chosen on 5 folds of train
    protocol audited, mean of 3 repeats ± 95 % t half-width, seeds 42 to 44

where each repeat draws the folds for C again (repeats with the same C are equal), and writes every number with its
provenance, as scripts.probe_audio does: to one JSON file, or to a results folder with predictions, recall by class,
confusion and a page (table.md). Compare folders with python -m scripts.compare A B --probe svm.

Every choice is made on training items: the store's train and valid splits together, which are the published train.
Accuracies without the test shapes that repeat a training shape are reported too.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.data_prep.datasets.modelnet import MODELNET40
from randquant.errors import UsageError
from randquant.pointcloud.evaluation.choices import ProtocolName
from randquant.pointcloud.evaluation.finetune_settings import FinetuneSettings
from randquant.pointcloud.points.first_points import Points, require_number
from randquant.precision import Precision, said
from randquant.probes.registry import ProbeName
from randquant.results.command import CommandRecord

if TYPE_CHECKING:
    from randquant.pointcloud.encoders.weights import LoadedPointEncoder
    from randquant.pointcloud.evaluation.evaluate import Evaluation
    from randquant.pointcloud.evaluation.protocols import Protocol
    from randquant.pointcloud.evaluation.result import ShapeResult
    from randquant.pointcloud.evaluation.shape_task import ShapeTask


@dataclass(frozen=True)
class ShapeProbing:
    """Evaluate an encoder on stores of labelled shapes.

    Attributes:
        checkpoint: run folder, weights file (ours or published), hf://OWNER/NAME, untrained:ENCODER:D,
            python:MODULE:FUNCTION, which runs your own code, or occupancy:CELLS (a grid).
        store: stores with labels and splits, each a task.
        out: JSON file to write (several stores become a list under "results"), or a results folder to add to.
        protocol: preset of classifier, C, points and standardisation.
        probes: probes to run; the protocol's classifier by default. fewshot means 1, 5 and 10 labels per
            class, 1 % and 10 % of the labels; fractions means 1, 2, 5, 10, 20, 50 and 100 % of them; episodes means
            random tasks of 5 and 10 classes with 10 and 20 labels per class.
        points: points per shape instead of the protocol's; any takes all points of every shape.
        strengths: values of C instead of the protocol's; of several, the best on folds of the training items is used.
        standardise: whether features are standardised for svm and linear_svc, instead of the protocol's choice.
        folds: number of folds for choosing C, 5 by default.
        seeds: repeats, with seeds --seed, --seed + 1, ...; the protocol's own number by default.
        seed: of the first repeat, of an untrained encoder and of the corruptions of --robustness.
        robustness: also classify test shapes with points dropped, jittered, rotated, unevenly sampled and voxelised.
        repeats: find test shapes that repeat a training shape, and also score without them.
        fewshot_folds: folder ModelNetFewshot with the fixed few-shot folds, evaluated as a further task.
        finetune: fine-tune the encoder with a classification head; hours on a CPU.
        finetune_epochs: epochs of --finetune.
        label_share: share of the labels that --finetune uses, in (0, 1].
        votes: augmented views of a test shape that --finetune averages for a second accuracy; 0 for none.
        normals: an untrained encoder reads normals too; refused for a trained encoder that does not.
        cache: folder of features; ${RANDQUANT_CACHE:-~/.cache/randquant}/features by default.
        save_classifier: file for the fitted classifier of the first probe, for embed --classify; of one store.
        device: auto, cpu or cuda.
        precision: of the network that computes features: 32, bf16, or auto (bf16 where the hardware computes it fast);
            --finetune trains in 32.
        turned: turn every shape, of train too, about the up axis by an angle of its own, drawn by --seed, as in data
            that are not aligned.
    """

    checkpoint: str
    store: list[Path]
    out: str
    protocol: ProtocolName = "audited"
    probes: list[ProbeName] | None = None
    points: Points | None = None
    strengths: list[float] | None = None
    standardise: bool | None = None
    folds: int | None = None
    seeds: int | None = None
    seed: int = 42
    robustness: bool = False
    repeats: bool = True
    fewshot_folds: Path | None = None
    finetune: bool = False
    finetune_epochs: int | None = None
    label_share: float | None = None
    votes: int | None = None
    normals: bool = False
    cache: Path | None = None
    save_classifier: Path | None = None
    device: str = "auto"
    precision: Precision = "32"
    turned: bool = False


def evaluate(settings: ShapeProbing) -> None:
    """Evaluate an encoder on stores of labelled shapes."""
    # Late, since they load torch, which --help does not need.
    from randquant.data.features import default_cache
    from randquant.pointcloud.evaluation.evaluate import Evaluation, Questions
    from randquant.pointcloud.evaluation.protocols import PROTOCOLS
    from randquant.training.processes.device import named_device

    _check(settings)
    preset = _preset(PROTOCOLS[settings.protocol], settings)
    questions = Questions(
        settings.probes or [preset.classifier],
        settings.robustness,
        settings.repeats,
        _finetuning(settings),
        settings.save_classifier,
    )
    evaluation = Evaluation(
        settings.checkpoint,
        PROTOCOLS[settings.protocol],
        preset,
        questions,
        settings.seed,
        settings.cache or default_cache(),
        named_device(settings.device),
        CommandRecord.of("evaluate_modelnet", vars(settings)),
    )
    _run(evaluation, settings)


def _run(evaluation: "Evaluation", settings: ShapeProbing) -> None:
    from randquant.inference import in_force
    from randquant.pointcloud.evaluation.shape_task import open_shape_task
    from randquant.results.folder import Destination

    opened = [Store.open(path, kind="points") for path in settings.store]
    loaded, fewshot_folds = _loaded(evaluation, settings.normals), settings.fewshot_folds
    loaded.precision = in_force(settings.precision, evaluation.device)
    turned = evaluation.seed if settings.turned else None
    tasks = [open_shape_task(each, loaded, evaluation.protocol, turned=turned) for each in opened]
    _require(evaluation, tasks, fewshot_folds)
    subject = {"encoder": loaded.sha256, "protocol": evaluation.published.name, **said(loaded.precision)}
    destination: Destination[ShapeResult] = Destination(settings.out, subject)
    say(f"{evaluation.checkpoint}: {loaded.report}", *(note for task in tasks for note in task.notes))
    for task in tasks:
        destination.add(evaluation.on_task(loaded, task))
    if fewshot_folds is not None:
        destination.add(evaluation.on_folds(loaded, fewshot_folds, MODELNET40))
    say(*destination.lines())


def _loaded(evaluation: "Evaluation", normals: bool) -> "LoadedPointEncoder":
    from randquant.pointcloud.encoders.named_encoder import named_encoder

    loaded = named_encoder(evaluation.checkpoint, seed=evaluation.seed, channels=6 if normals else 3)
    if normals and "nx" not in loaded.encoder.channels:
        raise UsageError(
            f"--checkpoint {evaluation.checkpoint} reads {', '.join(loaded.encoder.channels)} and no normals; leave "
            "out --normals, or give an encoder that was trained with them."
        )
    if evaluation.questions.finetune is not None and next(loaded.encoder.parameters(), None) is None:
        raise UsageError(f"--finetune: {evaluation.checkpoint} has nothing to train; leave --finetune out.")
    return loaded


def _require(evaluation: "Evaluation", tasks: "list[ShapeTask]", fewshot_folds: Path | None) -> None:
    """Refuse tasks that cannot be evaluated, before anything is computed."""
    from randquant.pointcloud.evaluation.evaluate import missing_settings
    from randquant.probes import registry
    from randquant.probes.classifier_file import require_classifier
    from randquant.results.folder import require_distinct

    given = {"--finetune": evaluation.questions.finetune, "--fewshot_folds": fewshot_folds}
    for flag in (flag for flag, value in given.items() if value is not None):
        require_number(tasks[0].points, flag)
    require_distinct([task.name for task in tasks], "--store")
    for task in tasks:
        registry.require(evaluation.asked, task.items)
    if evaluation.questions.save_classifier is not None:
        require_classifier(evaluation.questions.save_classifier, evaluation.asked, [task.items for task in tasks])
    lacking = [] if fewshot_folds is None else missing_settings(fewshot_folds)
    if lacking:
        say(f"{fewshot_folds} lacks {', '.join(lacking)}; the other settings are evaluated")


def _preset(protocol: "Protocol", settings: ShapeProbing) -> "Protocol":
    """The preset with the command line's changes."""
    svm = protocol.svm
    try:
        changed = dataclasses.replace(
            svm,
            strengths=tuple(sorted(set(settings.strengths))) if settings.strengths else svm.strengths,
            standardise=svm.standardise if settings.standardise is None else settings.standardise,
            folds=settings.folds or svm.folds,
        )
    except ValueError as error:
        raise UsageError(f"--{error}.") from None
    # With one C nothing is drawn: repeats would all be the same.
    repeats = (settings.seeds or max(svm.repeats, protocol.linear.repeats)) if len(changed.tried) > 1 else 1
    return dataclasses.replace(
        protocol,
        points=settings.points or protocol.points,
        svm=dataclasses.replace(changed, repeats=repeats),
        linear=dataclasses.replace(protocol.linear, repeats=settings.seeds or protocol.linear.repeats),
    )


def _finetuning(settings: ShapeProbing) -> FinetuneSettings | None:
    epochs = settings.finetune_epochs
    shares = {"label_share": settings.label_share, "votes": settings.votes}
    given = {"epochs": epochs, **shares, "repeats": settings.seeds}
    known = {name: value for name, value in given.items() if value is not None}
    if not settings.finetune:
        if set(known) - {"repeats"}:
            raise UsageError("--finetune_epochs, --label_share and --votes belong to --finetune; give that too.")
        return None
    if epochs is not None:
        known["warmup_epochs"] = min(FinetuneSettings().warmup_epochs, max(epochs - 1, 0))
    try:
        return FinetuneSettings(**known)  # type: ignore[arg-type]  # each is of the type its flag has
    except ValueError as error:
        raise UsageError(f"--finetune: {error}") from None


def _check(settings: ShapeProbing) -> None:
    from randquant.results.folder import is_folder

    points, folds, seed, seeds = settings.points, settings.folds, settings.seed, settings.seeds
    is_folder(settings.out)  # refuses another kind of file
    if isinstance(points, int) and points < 1:
        raise UsageError(f"--points {points} should be at least 1.")
    if folds is not None and folds < 2:
        raise UsageError(f"--folds {folds} should be at least 2.")
    if settings.turned and (settings.robustness or settings.finetune or settings.fewshot_folds):
        raise UsageError("--turned is for probes of features; leave out --robustness, --finetune and --fewshot_folds.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    if seeds is not None and seeds < 1:
        raise UsageError(f"--seeds {seeds} should be at least 1: it is the number of repeats.")


if __name__ == "__main__":
    raise SystemExit(run(evaluate, description=__doc__))
