"""Probes by name: what a command can ask of features, each with its settings."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, get_args

import torch

from randquant.features import Features
from randquant.probes import fewshot, knn, linear, logistic, ridge
from randquant.probes.outcome import Outcome

ProbeName = Literal["linear", "mlp", "knn", "ridge", "logistic", "fewshot"]
PROBE_NAMES: tuple[str, ...] = get_args(ProbeName)

MLP_HIDDEN = 512
# What "fewshot" stands for: each is a probe of its own.
FEW_LABELS = {
    "fewshot-1": fewshot.FewShotSettings(shots=1),
    "fewshot-5": fewshot.FewShotSettings(shots=5),
    "fewshot-10": fewshot.FewShotSettings(shots=10),
    "fewshot-1%": fewshot.FewShotSettings(share=0.01),
    "fewshot-10%": fewshot.FewShotSettings(share=0.1),
}


def evaluate(
    names: Sequence[ProbeName],
    features: Features | Sequence[Features],
    settings: linear.LinearSettings,
    *,
    seed: int,
    device: str | torch.device,
) -> dict[str, Outcome]:
    """Ask `names` of features, in that order.

    Args:
        names: probes; "fewshot" stands for several.
        features: of all items, or of each fold.
        settings: of the linear layer; "mlp" is trained the same way with a hidden layer of 512 units.
        seed: of the first repeat of every probe.
        device: where to compute.

    Returns:
        Outcomes by name.
    """
    outcomes: dict[str, Outcome] = {}
    for name in dict.fromkeys(names):
        for label, ask in _questions(name, settings).items():
            outcomes[label] = ask(features, seed=seed, device=device)
    return outcomes


def _questions(name: ProbeName, settings: linear.LinearSettings) -> dict[str, Callable[..., Outcome]]:
    if name == "fewshot":
        return {label: _bound(fewshot.evaluate, few) for label, few in FEW_LABELS.items()}
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
