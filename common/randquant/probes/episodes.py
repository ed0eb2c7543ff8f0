"""Few-shot episodes: small classification tasks drawn from the features, each with its own linear SVM.

An episode takes `ways` random classes, `shots` labelled items of each, and answers `queries` others of each. The
classifier is the one of the published code: features standardised by the episode's labelled items, then
`sklearn.svm.SVC(kernel="linear")` with C = 1 and nothing chosen.

Source: Sharma and Kaul, "Self-supervised few-shot learning on point clouds", NeurIPS 2020, as coded by CrossPoint,
Afham et al., CVPR 2022: 10 episodes, labelled items and queries both from the official training split, and no fixed
list of them, so that published numbers differ by their draws too.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.cli.progress import progress
from randquant.data.features import Features, Items
from randquant.errors import DataError
from randquant.probes.items.arrangement import Device
from randquant.probes.items.scaling import moments
from randquant.probes.outcome import Details, FoldScore, Numbers, Outcome, items_interval, repeats_half_width, said_by
from randquant.probes.probe import Probe
from randquant.probes.solvers.linear_svm import fitted_svc

Source = Literal["train", "test", "all"]
# Splits of a store that are one in the source: validation is taken out of the official training split.
_SPLITS = {"train": ("train", "valid"), "test": ("test",), "all": ("train", "valid", "test")}


@dataclass(frozen=True)
class EpisodeSettings:
    """How episodes are drawn.

    Attributes:
        ways: classes of an episode.
        shots: labelled items of each class.
        queries: items of each class to answer.
        episodes: how many; the published code draws 10, whose mean is uncertain by several points.
        source: where items are taken from: "train" is the official training split (a store's train and valid), as
            published; "test"; or "all" together.
        strength: C of the SVM.
    """

    ways: int = 5
    shots: int = 10
    queries: int = 20
    episodes: int = 100
    source: Source = "train"
    strength: float = 1.0

    def __post_init__(self) -> None:
        for name, least in (("ways", 2), ("shots", 1), ("queries", 1), ("episodes", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} needs to be at least {least}, got {getattr(self, name)}")
        if self.source not in _SPLITS:
            raise ValueError(f"source needs to be one of {', '.join(_SPLITS)}, got {self.source!r}")
        if self.strength <= 0:
            raise ValueError(f"strength needs to be above 0, got {self.strength}")

    @property
    def name(self) -> str:
        """In words: "5-way 10-shot"."""
        return f"{self.ways}-way {self.shots}-shot"


@dataclass(frozen=True, kw_only=True)
class EpisodeDetails(Details):
    """What was drawn.

    Attributes:
        std: standard deviation over episodes, as papers print it.
        episodes: how many.
        left_out: classes with too few items, which no episode takes.
        note: the same in a sentence, None where there are none.
    """

    std: float = 0.0
    episodes: int
    left_out: list[str] = field(default_factory=list)
    note: str | None = None


@dataclass(frozen=True)
class Episode:
    """Rows of the features: support (ways * shots,) and query (ways * queries,), class after class."""

    support: NDArray[np.int64]
    query: NDArray[np.int64]


def evaluate(
    features: Features, settings: EpisodeSettings = EpisodeSettings(), *, seed: int = 42, device: Device = "cpu"
) -> Outcome[EpisodeDetails]:
    """Mean accuracy over random episodes.

    Args:
        features: (n, D) with labels and splits.
        settings: how to draw.
        seed: episode e is drawn by seed + e, so two encoders answer the same queries.
        device: where inner products are computed, in float64; the solver runs on the CPU.

    Returns:
        An episode is a repeat: `accuracy` is the mean and `ci95` the half-width over episodes. The answers have items
        of their own: an id names the episode too, and the group is the shape, which several episodes may ask for.

    Raises:
        DataError: too few classes have enough labelled items.
    """
    started = time.perf_counter()
    pool = _Pool(features.items, settings)
    drawn = [pool.draw(seed=seed + number) for number in range(settings.episodes)]
    found = []
    for episode in progress(drawn, label=f"{settings.name} episodes", unit="episodes"):
        support, query = (
            torch.from_numpy(features.vectors[rows]).to(device) for rows in (episode.support, episode.query)
        )
        found.append(answers(support, pool.targets[episode.support], query, settings.strength))
    truths = [pool.targets[episode.query] for episode in drawn]
    details = EpisodeDetails(
        words=f"{settings.name}, mean of {settings.episodes} episodes from {settings.source}, SVM, C "
        f"{settings.strength:g}, standardised features",
        episodes=settings.episodes,
        left_out=pool.left_out,
        note=pool.note,
        valid_accuracy=None,
        seeds=[seed],
        settings={"probe": "episodes", **asdict(settings)},
    )
    items = _query_items(features.items, drawn)
    rows = np.concatenate([episode.query for episode in drawn])
    asked = Asked(items, rows, pool.classes, settings.ways, settings.shots)
    return episode_outcome("episodes", found, truths, asked, details, started=started)


def require(items: Items, settings: EpisodeSettings = EpisodeSettings()) -> None:
    """Refuse items that no episode can be drawn from.

    Raises:
        DataError: too few classes have enough labelled items.
    """
    _Pool(items, settings)


@dataclass(frozen=True)
class Asked:
    """What episodes ask for.

    Attributes:
        items: one an answer, in the order of the episodes; those of a shape share a group.
        rows: (m,) rows of the features they are.
        classes: names; class id c is `classes[c]`.
        ways: classes of an episode, equally frequent among its queries.
        shots: labelled items of each.
    """

    items: Items
    rows: NDArray[np.int64]
    classes: list[str]
    ways: int
    shots: int


def episode_outcome(
    probe: str,
    found: Sequence[NDArray[np.int64]],
    truths: Sequence[NDArray[np.int64]],
    asked: Asked,
    details: EpisodeDetails,
    *,
    started: float,
    name_of: Callable[[int], str] | None = None,
) -> Outcome[EpisodeDetails]:
    """Score episodes, all with equal weight.

    Args:
        probe: its name.
        found, truths: of each episode (m_e,) class ids.
        asked: what the answers are to.
        details: of the probe, but for `std`.
        started: `time.perf_counter()` when the probe began.
        name_of: name of each episode, where they are folds that stay the same.
    """
    accuracies = [float((answers == truth).mean()) for answers, truth in zip(found, truths, strict=True)]
    every, truth = np.concatenate(found), np.concatenate(truths)
    accuracy, labelled = float(np.mean(accuracies)), asked.ways * asked.shots
    folds = [
        FoldScore(fold=name_of(number), train=labelled, test=len(truths[number]), accuracy=share, accuracies=[share])
        for number, share in enumerate(accuracies)
        if name_of is not None
    ]
    details = replace(details, std=float(np.std(accuracies)))
    numbers = Numbers(
        **said_by(details),
        probe=probe,
        accuracy=accuracy,
        ci95=repeats_half_width(accuracies),
        ci95_method="half-width of the Student t interval of the mean over episodes",
        ci95_items=list(items_interval(accuracy, len(set(asked.items.groups)))),
        ci95_items_method="Wilson score interval over the shapes asked for, each counted once",
        accuracies=accuracies,
        macro_recall=float(np.mean([(every[truth == label] == label).mean() for label in np.unique(truth)])),
        majority_floor=1 / asked.ways,
        repeats=len(accuracies),
        classes=asked.ways,
        counts={"train": labelled, "valid": None, "test": len(truth)},
        validation="nothing is chosen",
        folds=folds or None,
        seconds=round(time.perf_counter() - started, 3),
    )
    return Outcome(numbers, details, asked.items, asked.rows, truth, every[None], asked.classes)


def answers(support: Tensor, targets: NDArray[np.int64], queries: Tensor, strength: float = 1.0) -> NDArray[np.int64]:
    """Predictions of a linear SVM fitted on the support items, by which all items are standardised.

    Args:
        support: (n, D) features, of at least two classes.
        targets: (n,) class ids.
        queries: (m, D) features.
        strength: C.

    Returns:
        (m,) class ids; those of `make_pipeline(StandardScaler(), SVC(C=strength, kernel="linear"))`.
    """
    scaler = moments([support])
    known, asked = scaler.standardise(support), scaler.standardise(queries)
    svm = fitted_svc((known @ known.T).cpu().numpy(), targets, [strength])[0]
    return svm.predict((asked @ known.T).cpu().numpy())


class _Pool:
    """The classes an episode may take, and the items of each."""

    def __init__(self, items: Items, settings: EpisodeSettings) -> None:
        self.settings = settings
        rows = np.array([row for row, split in enumerate(items.splits) if split in _SPLITS[settings.source]], np.int64)
        rows = rows[[items.labels[row] is not None for row in rows]]
        self.classes = sorted({str(items.labels[row]) for row in rows})
        number = {name: index for index, name in enumerate(self.classes)}
        self.targets = np.array([number.get(str(label), -1) for label in items.labels], dtype=np.int64)
        self.units = _unit_of_each(items.groups)
        self.members = [rows[self.targets[rows] == label] for label in range(len(self.classes))]
        sizes = np.array([len(np.unique(self.units[rows])) for rows in self.members], dtype=np.int64)
        self.enough = np.flatnonzero(sizes >= settings.shots + settings.queries)
        self.left_out = [name for label, name in enumerate(self.classes) if label not in set(self.enough)]
        if len(self.enough) < settings.ways:
            raise DataError(
                f"{settings.name} episodes with {settings.queries} queries need {settings.ways} classes of at least "
                f"{self._needed}, but {len(self.enough)} of {len(self.classes)} have as many; leave them out, or give "
                "a store with more training items a class."
            )

    @property
    def note(self) -> str | None:
        """Which classes no episode takes, in a sentence."""
        if not self.left_out:
            return None
        return (
            f"{len(self.left_out)} of {len(self.classes)} classes have fewer than {self._needed} and are left out: "
            + (f"{', '.join(self.left_out)}.")
        )

    def draw(self, *, seed: int) -> Episode:
        """An episode; of items that share a group (the same object scanned again) it takes one at most."""
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.enough), generator=generator).numpy()
        support, query = [], []
        for label in self.enough[order[: self.settings.ways]]:
            rows = self.members[label]
            rows = rows[torch.randperm(len(rows), generator=generator).numpy()]
            rows = rows[np.sort(np.unique(self.units[rows], return_index=True)[1])]
            support.append(rows[: self.settings.shots])
            query.append(rows[self.settings.shots : self.settings.shots + self.settings.queries])
        return Episode(np.concatenate(support), np.concatenate(query))

    @property
    def _needed(self) -> str:
        where = {"train": "the training split", "test": "the test split", "all": "all splits"}[self.settings.source]
        return f"{self.settings.shots + self.settings.queries} labelled items in {where}"


def _unit_of_each(groups: Sequence[str | None]) -> NDArray[np.int64]:
    """(n,) one number for all items of a group, and one for each item without."""
    number: dict[str, int] = {}
    units = [-1 - row if group is None else number.setdefault(group, len(number)) for row, group in enumerate(groups)]
    return np.array(units, dtype=np.int64)


def _query_items(items: Items, drawn: Sequence[Episode]) -> Items:
    rows = [(number, row) for number, episode in enumerate(drawn) for row in episode.query.tolist()]
    return Items(
        [f"{items.ids[row]} (episode {number})" for number, row in rows],
        [items.labels[row] for _, row in rows],
        [items.groups[row] or items.ids[row] for _, row in rows],
        [items.splits[row] for _, row in rows],
    )


# The four that are published.
EPISODES = {
    f"episodes-{ways}w{shots}s": Probe(
        evaluate, EpisodeSettings(ways, shots), EpisodeDetails, own=("ways", "shots"), require=require, saves=False
    )
    for ways in (5, 10)
    for shots in (10, 20)
}
