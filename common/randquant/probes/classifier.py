"""A fitted classifier on its own: it answers new features."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from randquant.files.json_record import Record
from randquant.probes.items.scaling import Moments

_ROWS = 4096  # of features answered at a time


Score = Literal["probability", "score"]


@dataclass(frozen=True, kw_only=True)
class Form(Record):
    """What tensors of a classifier mean.

    Attributes:
        kind: "layers", "pairs" or "neighbours".
        classes: names; class id c is `classes[c]`.
        score: what is given with a class: a "probability" in [0, 1], or a "score": the share of pairs that a class
            wins, or the largest output of a layer, which has no fixed range.
        neighbours, temperature: of the votes, for "neighbours".
    """

    kind: str
    classes: list[str]
    score: str = "probability"
    neighbours: int = 0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("layers", "pairs", "neighbours") or self.score not in ("probability", "score"):
            raise ValueError(f"kind {self.kind!r} or score {self.score!r} is unknown")
        if len(self.classes) < 2:
            raise ValueError(f"at least two classes are needed, got {len(self.classes)}")
        if self.kind == "neighbours" and (self.neighbours < 1 or self.temperature <= 0):
            raise ValueError("neighbours and temperature should be above 0")


@dataclass(frozen=True)
class Classifier:
    """Maps features (n, D) to classes.

    Attributes:
        form: what the tensors mean.
        tensors: by name, on the CPU. Where features are scaled, `mean` and `deviation` (D,). Of layers, weight.0
            (outputs, D), bias.0 (outputs,), and of a second layer weight.1 and bias.1. Of pairs, weight.0 and bias.0 of
            one SVM for each pair of classes, (0, 1), (0, 2), ..., (1, 2), .... Of neighbours, bank (n, D) of unit
            length and labels (n,), its class ids.
    """

    form: Form
    tensors: dict[str, Tensor]

    @property
    def dimension(self) -> int:
        """D."""
        return self.tensors["bank" if self.form.kind == "neighbours" else "weight.0"].shape[1]

    def check(self, dimension: int) -> None:
        """Hold the tensors against the form.

        Raises:
            ValueError, KeyError, RuntimeError: they do not fit each other, the classes, or features of this size.
        """
        if not all(bool(each.isfinite().all()) for each in self.tensors.values()):
            raise ValueError("a number is not finite")
        outputs = self._scores(torch.zeros(1, dimension)).shape[1]
        labels = self.tensors.get("labels", torch.tensor([0, outputs - 1]))
        if outputs != len(self.form.classes) or int(labels.min()) < 0 or int(labels.max()) >= outputs:
            raise ValueError(f"{outputs} outputs do not fit {len(self.form.classes)} classes")

    def answer(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Class ids (n,) of features (n, D), and the probability or score (n,) of each."""
        parts = (np.array(vectors[start : start + _ROWS]) for start in range(0, len(vectors), _ROWS))
        found = [self._scores(torch.from_numpy(part)).max(dim=1) for part in parts]
        ids, values = (
            torch.cat([getattr(each, name) for each in found]) if found else torch.empty(0)
            for name in ("indices", "values")
        )
        return ids.numpy().astype(np.int64), values.numpy().astype(np.float32)

    def _scores(self, x: Tensor) -> Tensor:
        """(n, C) of features (n, D)."""
        classes = len(self.form.classes)
        if "mean" in self.tensors:
            x = (x.to(self.tensors["mean"].dtype) - self.tensors["mean"]) / self.tensors["deviation"]
        if self.form.kind == "neighbours":
            bank, labels = self.tensors["bank"], self.tensors["labels"]
            cosine, nearest = (functional.normalize(x.float(), dim=1) @ bank.T).topk(
                min(self.form.neighbours, len(bank))
            )
            counted = votes(cosine, labels[nearest], self.form.temperature, classes)
            return counted / counted.sum(dim=1, keepdim=True)
        x = x.to(self.tensors["weight.0"].dtype)
        x = functional.linear(x, self.tensors["weight.0"], self.tensors["bias.0"])
        if self.form.kind == "pairs":
            return pair_votes(x, classes) / (classes - 1)
        if "weight.1" in self.tensors:
            x = functional.linear(x.relu(), self.tensors["weight.1"], self.tensors["bias.1"])
        return x.softmax(dim=1) if self.form.score == "probability" else x


def layers(
    parameters: Sequence[Tensor],
    classes: list[str],
    scaling: Moments | None,
    score: Score = "probability",
    kind: Literal["layers", "pairs"] = "layers",
) -> Classifier:
    """A classifier of weight, bias, weight, bias, ..., over features that `scaling` standardises."""
    named = {f"{('weight', 'bias')[place % 2]}.{place // 2}": each for place, each in enumerate(parameters)}
    if scaling is not None:
        named |= {"mean": scaling.mean, "deviation": scaling.deviation}
    form = Form(kind=kind, classes=classes, score=score)
    return Classifier(form, {name: each.detach().cpu().clone() for name, each in named.items()})


def votes(cosine: Tensor, labels: Tensor, temperature: float, classes: int) -> Tensor:
    """(n, classes) votes exp((cosine - 1) / temperature) of the neighbours (n, k) of each of n items."""
    # Subtracting the largest cosine (1) keeps exp from overflowing and changes no winner.
    weights = ((cosine - 1) / temperature).exp()
    return weights.new_zeros(len(weights), classes).scatter_add_(1, labels, weights)


def pair_votes(decisions: Tensor, classes: int) -> Tensor:
    """(n, classes) pairs that each class wins; decision (n, pairs) above 0 means the first of the pair."""
    first, second = (torch.tensor(side) for side in zip(*combinations(range(classes), 2), strict=True))
    winners = torch.where(decisions > 0, first, second)
    return decisions.new_zeros(len(decisions), classes).scatter_add_(1, winners, torch.ones_like(decisions))
