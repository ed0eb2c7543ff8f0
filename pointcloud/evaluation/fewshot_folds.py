"""The fixed few-shot folds of ModelNet40, answered by a linear SVM on frozen features.

The published numbers are of encoders fine-tuned on each fold. Here the encoder stays frozen and the classifier is that
of `randquant.probes.episodes`, so the numbers compare encoders on equal data, and are not those of the tables.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from randquant.cli.progress import batch_progress
from randquant.data.features import Features, Items, cached
from randquant.errors import DataError
from randquant.pointcloud.evaluation.fold_files import FOLDS, QUERIES, SETTINGS, Fold, fold_paths, read_fold
from randquant.pointcloud.points.axes import Axis, turn_up
from randquant.pointcloud.points.farthest_points import farthest_point_sampling
from randquant.pointcloud.points.geometry import group
from randquant.pointcloud.points.layout import XYZ, XYZ_NORMALS
from randquant.pointcloud.preparation import Preparation
from randquant.precision import said
from randquant.probes.episodes import Asked, EpisodeDetails, answers, episode_outcome
from randquant.probes.outcome import Outcome

if TYPE_CHECKING:
    from randquant.pointcloud.encoders.weights import LoadedPointEncoder


@dataclass(frozen=True)
class FoldSettings:
    """Which folds, and what is made of them.

    Attributes:
        ways: classes of a fold.
        shots: labelled shapes of each class.
        points: of each shape, the first in farthest-point order.
        strength: C of the SVM.
        up: axis of the files that points up.
    """

    ways: int = 5
    shots: int = 10
    points: int = 1024
    strength: float = 1.0
    up: Axis = "y"

    def __post_init__(self) -> None:
        if (self.ways, self.shots) not in SETTINGS:
            known = ", ".join(f"{ways} and {shots}" for ways, shots in SETTINGS)
            raise ValueError(f"ways and shots need to be one of {known}, got {self.ways} and {self.shots}")
        if self.points < 1 or self.strength <= 0:
            raise ValueError(f"points and strength need to be above 0, got {self.points} and {self.strength}")

    @property
    def name(self) -> str:
        """In words: "5-way 10-shot"."""
        return f"{self.ways}-way {self.shots}-shot"


def evaluate(
    loaded: "LoadedPointEncoder",
    folder: str | Path,
    settings: FoldSettings = FoldSettings(),
    *,
    cache: Path,
    names: Sequence[str] | None = None,
    device: str | torch.device = "cpu",
) -> Outcome[EpisodeDetails]:
    """Mean accuracy over the ten folds of one setting, by a linear SVM on frozen features.

    Args:
        loaded: the encoder and what it expects.
        folder: ModelNetFewshot.
        settings: which folds.
        cache: folder of features, keyed by content.
        names: of ModelNet40's classes in order; without them classes go by their numbers.
        device: where to compute features.

    Returns:
        As `randquant.probes.episodes.evaluate`, a fold being an episode, with a score for each fold.

    Raises:
        DataError: a file is missing, holds more than arrays, or is not such a fold; or the encoder reads normals and
            the files have none, or more points are asked for than there are.
    """
    started = time.perf_counter()
    found, truths, groups = [], [], []
    for path in fold_paths(folder, ways=settings.ways, shots=settings.shots):
        fold = read_fold(path, ways=settings.ways, shots=settings.shots)
        features = _features(loaded, fold, path, settings, cache, device)
        known, queries = (
            torch.from_numpy(np.array(features.vectors)).to(device).split([len(fold.train), len(fold.test)])
        )
        found.append(fold.originals[answers(known, fold.train.labels, queries, settings.strength)])
        truths.append(fold.test.originals)
        # A shape that several folds ask for is one group.
        groups += [hashlib.sha256(cloud.tobytes()).hexdigest()[:16] for cloud in fold.test.points]
    numbers = np.concatenate(truths).tolist()
    classes = _class_names(max(numbers) + 1, names)
    places = [(f"fold{number}", place) for number, truth in enumerate(truths) for place in range(len(truth))]
    details = EpisodeDetails(
        words=f"{settings.name}, mean of the {FOLDS} fixed folds, SVM on frozen features, C {settings.strength:g}",
        episodes=FOLDS,
        valid_accuracy=None,
        seeds=[0],
        settings={"probe": "fewshot_folds", "queries": QUERIES, **asdict(settings)},
    )
    answered = Items(
        [f"{fold}/{place}" for fold, place in places],
        [classes[number] for number in numbers],
        groups,
        [fold for fold, _ in places],
    )
    asked = Asked(answered, np.arange(len(answered)), classes, settings.ways, settings.shots)
    return episode_outcome(
        "fewshot_folds", found, truths, asked, details, started=started, name_of=lambda number: f"fold{number}"
    )


def _features(
    loaded: "LoadedPointEncoder",
    fold: Fold,
    path: Path,
    settings: FoldSettings,
    cache: Path,
    device: str | torch.device,
) -> Features:
    """Features of the labelled shapes, then of those to answer."""
    clouds = np.concatenate([fold.train.points, fold.test.points])
    encode = _encoding(loaded, path, clouds.shape, settings, device)

    def batches(start: int) -> Iterator[Tensor]:
        size = max(1, (2**16 if torch.device(device).type == "cpu" else 2**20) // clouds.shape[1])
        parts = (torch.from_numpy(clouds[first : first + size]) for first in range(start, len(clouds), size))
        label = f"features of {path.parent.name}/{path.name}"
        return batch_progress(parts, label=label, unit="shapes", total=len(clouds), initial=start)

    key = {
        "weights": loaded.sha256,
        **said(loaded.precision),
        "fold": fold.sha256,
        "points": settings.points,
        "channels": list(loaded.encoder.channels),
        "up": [settings.up, loaded.up],
    }
    return cached(cache, key, _fold_items(fold), loaded.encoder.embedding_size(), encode, batches)


def _encoding(
    loaded: "LoadedPointEncoder", path: Path, shape: tuple[int, ...], settings: FoldSettings, device: str | torch.device
) -> Callable[[Tensor], Tensor]:
    """From a fold's clouds (B, N, C) to embeddings (B, D)."""
    layout = XYZ if shape[-1] == 3 else XYZ_NORMALS
    missing = [name for name in loaded.encoder.channels if name not in layout.channels]
    if missing:
        raise DataError(
            f"the encoder reads {', '.join(missing)}, but {path} holds {', '.join(layout.channels)}; choose an "
            "encoder of coordinates alone, or folds with normals."
        )
    if settings.points > shape[1]:
        raise DataError(
            f"{settings.points:,} points of each shape are asked for, but {path} has {shape[1]:,}; lower --points."
        )
    prepare = Preparation(loaded, layout, device, renormalise=True)
    triples = [triple for triple in (layout.xyz, layout.normals) if triple is not None]

    def encode(clouds: Tensor) -> Tensor:
        x = clouds.to(device)
        x = torch.cat([turn_up(x[..., triple], settings.up, "z") for triple in triples], dim=-1)
        return prepare(group(x, farthest_point_sampling(x[..., :3], settings.points)))

    return encode


def _fold_items(fold: Fold) -> Items:
    sides = [("train", fold.train.originals), ("test", fold.test.originals)]
    return Items(
        [f"{name}/{number}" for name, labels in sides for number in range(len(labels))],
        [str(label) for _, labels in sides for label in labels],
        [None] * (len(fold.train) + len(fold.test)),
        [name for name, labels in sides for _ in labels],
    )


def _class_names(count: int, names: Sequence[str] | None) -> list[str]:
    """The names where there is one for every class; else all go by their numbers, since other classes are counted."""
    known = [] if names is None else list(names)
    return known[:count] if count <= len(known) else [str(number) for number in range(count)]
