"""Probes by name: what a command can ask of features, each with its settings."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch

from randquant.data.features import Features, Items
from randquant.probes import episodes, fewshot, knn, linear, logistic, ridge, svm
from randquant.probes.outcome import Outcome
from randquant.probes.splits import assignments

ProbeName = Literal[
    "linear", "mlp", "knn", "ridge", "logistic", "svm", "linear_svc", "fewshot", "fractions", "episodes"
]

MLP_HIDDEN = 512
# What "fewshot" stands for: each is a probe of its own.
FEW_LABELS = {
    "fewshot-1": fewshot.FewShotSettings(shots=1),
    "fewshot-5": fewshot.FewShotSettings(shots=5),
    "fewshot-10": fewshot.FewShotSettings(shots=10),
    "fewshot-1%": fewshot.FewShotSettings(share=0.01),
    "fewshot-10%": fewshot.FewShotSettings(share=0.1),
}
# What "fractions" stands for; ridge regression is the same classifier on all labels.
FRACTIONS = {f"fraction-{percent}%": fewshot.FewShotSettings(share=percent / 100) for percent in (1, 2, 5, 10, 20, 50)}
ALL_LABELS = "fraction-100%"


def evaluate(
    names: Sequence[ProbeName],
    features: Features | Sequence[Features],
    settings: linear.LinearSettings,
    *,
    machine: svm.SvmSettings | None = None,
    seed: int,
    device: str | torch.device,
) -> dict[str, Outcome]:
    """Ask `names` of features, in that order.

    Args:
        names: probes; "fewshot", "fractions" and "episodes" stand for several.
        features: of all items, or of each fold.
        settings: of the linear layer; "mlp" is trained the same way with a hidden layer of 512 units.
        machine: of "svm" and "linear_svc", whatever kind it says.
        seed: of the first repeat of every probe.
        device: where to compute.

    Returns:
        Outcomes by name.
    """
    outcomes: dict[str, Outcome] = {}
    for name in dict.fromkeys(names):
        for label, ask in _questions(name, settings, machine or svm.SvmSettings()).items():
            outcomes[label] = ask(features, seed=seed, device=device)
    return outcomes


def require(names: Sequence[ProbeName], items: Items, machine: svm.SvmSettings | None = None) -> None:
    """Refuse items that one of the probes could not be asked of, before hours are spent.

    Raises:
        DataError: as the probe would.
    """
    assignments(items)
    for name in names:
        if name in ("svm", "linear_svc"):
            svm.require(items, replace(machine or svm.SvmSettings(), kind=name))
        if name == "episodes":
            for settings in episodes.EPISODES.values():
                episodes.require(items, settings)


def _questions(
    name: ProbeName, settings: linear.LinearSettings, machine: svm.SvmSettings
) -> dict[str, Callable[..., Outcome]]:
    if name in ("svm", "linear_svc"):
        return {name: _bound(svm.evaluate, replace(machine, kind=name))}
    if name == "episodes":
        return {f"episodes-{label}": _bound(episodes.evaluate, one) for label, one in episodes.EPISODES.items()}
    if name == "fewshot":
        return {label: _bound(fewshot.evaluate, few) for label, few in FEW_LABELS.items()}
    if name == "fractions":
        shares = {label: _bound(fewshot.evaluate, few) for label, few in FRACTIONS.items()}
        return {**shares, ALL_LABELS: ridge.evaluate}
    if name == "linear":
        return {name: _bound(linear.evaluate, settings)}
    if name == "mlp":
        return {name: _bound(linear.evaluate, replace(settings, hidden=MLP_HIDDEN))}
    plain: dict[str, Callable[..., Outcome]] = {
        "knn": knn.evaluate,
        "ridge": ridge.evaluate,
        "logistic": logistic.evaluate,
    }
    return {name: plain[name]}


def _bound(evaluate: Callable[..., Outcome], settings: object) -> Callable[..., Outcome]:
    return lambda features, *, seed, device: evaluate(features, settings, seed=seed, device=device)
