"""L-BFGS against scikit-learn's."""

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from randquant.data.features import Features
from randquant.probes import logistic
from randquant.probes.items.splits import assignments
from randquant.probes.logistic import LogisticSettings, Problem, fit


def problem(count: int, dimension: int, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(count) % classes
    centres = torch.randn(classes, dimension, dtype=torch.float64, generator=generator)
    noise = torch.randn(count, dimension, dtype=torch.float64, generator=generator)
    return centres[targets] + 1.5 * noise, targets


def test_loss_and_gradient_equal_autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    x, targets = problem(30, 5)
    scale, offset = torch.rand(5).double() + 0.5, torch.randn(5).double()
    weight, bias = (torch.randn(shape).double().requires_grad_() for shape in ((4, 5), (4,)))
    seen = (x * scale + offset)[3:]
    expected = functional.cross_entropy(seen @ weight.T + bias, targets[3:]) + 0.35 * weight.square().sum()
    expected.backward()
    monkeypatch.setattr(logistic, "_LOGITS", 20)
    with torch.no_grad():
        loss, gradients = Problem(x, targets, slice(3, 30), scale, offset).loss([weight, bias], 0.7)
    assert loss == pytest.approx(float(expected.detach()))
    torch.testing.assert_close(gradients, [weight.grad, bias.grad])


@pytest.mark.parametrize("strength", [1e-3, 0.1])
def test_the_optimum_is_scikit_learns(strength: float) -> None:
    x, targets = problem(80, 6)
    settings = LogisticSettings(tolerance=1e-8, max_iterations=500)
    start = [torch.zeros(4, 6).double(), torch.zeros(4).double()]
    (weight, bias), iterations = fit(Problem(x, targets, slice(0, 80)), strength, start, settings)
    twin = LogisticRegression(C=strength, tol=1e-9, max_iter=2000).fit(x.numpy(), targets.numpy())
    np.testing.assert_allclose(weight.numpy(), twin.coef_, atol=1e-5)
    np.testing.assert_allclose((bias - bias.mean()).numpy(), twin.intercept_ - twin.intercept_.mean(), atol=1e-5)
    assert 1 < iterations < 500


def make_features(splits: list[str]) -> Features:
    count = len(splits)
    x, targets = problem(count, 10)
    labels = [f"class {target}" for target in targets.tolist()]
    vectors = (x * torch.linspace(0.1, 10, 10) + 5).float().numpy()
    return Features(vectors, [str(i) for i in range(count)], labels, [None] * count, splits)


def test_evaluate_chooses_on_validation_and_converges() -> None:
    features = make_features(["train"] * 80 + ["valid"] * 40 + ["test"] * 40)
    outcome = logistic.evaluate(features)
    numbers = outcome.numbers.to_json()
    assert numbers["valid_accuracy"] == max(entry["valid_accuracy"] for entry in numbers["sweep"])
    mean, deviation = features.vectors[:80].mean(axis=0), features.vectors[:80].std(axis=0)
    x, labels = (features.vectors - mean) / deviation, np.array(features.labels)
    twin = LogisticRegression(C=numbers["strength"], tol=1e-6, max_iter=2000).fit(x[:80], labels[:80])
    agree = np.mean([outcome.classes[i] for i in outcome.predictions[0]] == twin.predict(x[120:]))
    assert agree >= 0.97, "an item on the border may fall on either side"
    assert numbers["iterations"][0] < 200
    json.dumps(numbers)


def test_folds_equal_a_loop_over_them() -> None:
    folds = [f"fold{1 + i // 40}" for i in range(120)]
    features = make_features(folds)
    settings = LogisticSettings((1e-2,))
    together = logistic.evaluate(features, settings)
    alone = []
    for name in dict.fromkeys(folds):
        splits = ["test" if fold == name else "train" for fold in folds]
        part = Features(features.vectors, features.ids, features.labels, features.groups, splits)
        alone.append(logistic.evaluate(part, settings))
    apart = np.concatenate([each.predictions for each in alone], axis=1)
    assert (together.predictions == apart).mean() > 0.98
    assert len(together.details.iterations) == len(assignments(features.items)) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"strengths": ()},
        {"strengths": (0.0,)},
        {"strengths": (1.0, 0.1)},
        {"max_iterations": 0},
        {"tolerance": 0.0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} need"):
        LogisticSettings(**wrong)
