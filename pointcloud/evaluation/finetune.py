"""Fine-tuning: encoder and a classification head trained together on the labels of a store.

The recipe is Point-MAE's (Pang et al., ECCV 2022): AdamW with rate 5e-4 and weight decay 0.05, cosine over 300 epochs
after 10 of warm-up, batches of 32, random scale and translation, gradients clipped at 10, and a random subset of the
points at every step. What differs on purpose: the epoch is chosen on validation, never on test, and the number of
votes at test is fixed beforehand, with nothing repeated until it looks good.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from randquant.cli.progress import bar
from randquant.data.labelled_store import items_of
from randquant.data.store import Store
from randquant.files.lock import lock_file
from randquant.pointcloud.evaluation.classifier_training import Finetuned, finetuned, logits_of, seed_of
from randquant.pointcloud.evaluation.finetune_settings import FinetuneSettings
from randquant.pointcloud.evaluation.shape_views import ShapeViews
from randquant.probes.fewshot import FewShotSettings, draw
from randquant.probes.items.splits import Assignment, assign
from randquant.probes.outcome import Details, Outcome, outcome_of

if TYPE_CHECKING:
    from randquant.pointcloud.encoders.weights import LoadedPointEncoder


@dataclass(frozen=True, kw_only=True)
class FinetuneDetails(Details):
    """How trainings went.

    Attributes:
        epochs: chosen, by seed.
        labelled: labels to train and to choose on, by seed.
    """

    epochs: list[int]
    labelled: list[list[int]]


def evaluate(
    loaded: "LoadedPointEncoder",
    store: Store,
    settings: FinetuneSettings,
    *,
    seed: int = 42,
    device: str | torch.device = "cpu",
    unfinished: Path | None = None,
) -> dict[str, Outcome[FinetuneDetails]]:
    """Test accuracy after fine-tuning, for several seeds, without and with voting.

    A seed decides head, order, subsets, augmentation, dropout, which labels are used where not all are, and what is
    held out where the store has no validation split; on a CPU the same seed gives the same numbers, also where the
    training was interrupted. The encoder that was given is left as it is.

    Args:
        loaded: where encoders start.
        store: of points, with labels and splits train, valid and test.
        settings: how to train.
        seed: of the first training.
        device: where to train.
        unfinished: folder for the state of trainings, about once a minute: the same call takes up what it finds there,
            and removes it in the end. None keeps nothing.

    Returns:
        "finetune", and "finetune-vote" where there are votes.

    Raises:
        DataError: the store cannot be probed (`randquant.probes.items.splits.assign`), lacks a channel the encoder
            reads, or has no shape with as many points; or the loss stops being finite.
    """
    started = time.perf_counter()
    assignment = assign(items := items_of(store))
    views = ShapeViews(loaded, store, settings, device)
    seeds = [seed + repeat for repeat in range(settings.repeats)]
    files = [None if unfinished is None else unfinished / _name(loaded, store, settings, one, device) for one in seeds]
    labelled = [_labelled(assignment, settings, one) for one in seeds]
    runs, plain, voted = [], [], []
    total = sum(len(fit) for fit, _ in labelled) * settings.epochs
    with bar(label=f"fine-tuning on {store.path.name}", unit="shapes", total=total) as shown:
        for one, file, (fit, choose) in zip(seeds, files, labelled, strict=True):
            # Any other run that trains the same keeps its state in the same file.
            shown.set_postfix_str(f"seed {one}, after any other run that trains the same")
            with nullcontext() if file is None else lock_file(file.with_suffix(".lock")):
                run = finetuned(
                    loaded, views, assignment, settings, seed=one, shown=shown, fit=fit, choose=choose, file=file
                )
            plain.append(logits_of(run.classifier, views.clean(assignment.test)).argmax(dim=1).cpu().numpy())
            if settings.votes:
                voted.append(_voted(run.classifier, views, assignment.test, settings.votes, seed=one))
            runs.append(run)
    found = {"finetune": plain, **({"finetune-vote": voted} if settings.votes else {})}
    details = {name: _details(name, runs, seeds, settings) for name in found}
    outcomes = {
        name: outcome_of(name, items, [assignment], [np.stack(each)], details[name], started=started)
        for name, each in found.items()
    }
    for file in filter(None, files):
        file.unlink(missing_ok=True)
    return outcomes


def _details(name: str, runs: Sequence[Finetuned], seeds: list[int], settings: FinetuneSettings) -> FinetuneDetails:
    return FinetuneDetails(
        valid_accuracy=float(np.mean([run.valid_accuracy for run in runs])),
        epochs=[run.epoch for run in runs],
        labelled=[list(run.labelled) for run in runs],
        seeds=seeds,
        settings={"probe": "finetune", **asdict(settings)},
        words=_how(name, settings),
    )


def _name(
    loaded: "LoadedPointEncoder", store: Store, settings: FinetuneSettings, seed: int, device: str | torch.device
) -> str:
    """Of the file that holds one training, by all that decides it."""
    deciding = {name: value for name, value in asdict(settings).items() if name not in ("repeats", "votes")}
    decides = [loaded.sha256, loaded.up, store.content_hash, deciding, seed, torch.device(device).type]
    return f"finetune-{hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]}.pt"


def _labelled(
    assignment: Assignment, settings: FinetuneSettings, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to choose on; a share of each class of both where not all labels are used."""
    fit, choose = assignment.parts(seed=seed)
    if settings.label_share == 1:
        return fit, choose
    few = FewShotSettings(share=settings.label_share)
    return draw(replace(assignment, train=fit), few, seed=seed), draw(replace(assignment, train=choose), few, seed=seed)


def _voted(
    classifier: nn.Module, views: ShapeViews, rows: NDArray[np.int64], votes: int, *, seed: int
) -> NDArray[np.int64]:
    """(m,) class ids by the mean logits of several varied views."""
    generator = torch.Generator(device=views.device).manual_seed(seed_of(seed, "votes"))
    total = logits_of(classifier, views.varied(rows, generator))
    for _ in range(votes - 1):
        total += logits_of(classifier, views.varied(rows, generator))
    return total.argmax(dim=1).cpu().numpy()


def _how(name: str, settings: FinetuneSettings) -> str:
    share = "" if settings.label_share == 1 else f" on {100 * settings.label_share:g} % of the labels"
    votes = f", mean of {settings.votes} votes" if name == "finetune-vote" else ""
    return f"fine-tuned{share} for {settings.epochs} epochs, the best on validation{votes}"
