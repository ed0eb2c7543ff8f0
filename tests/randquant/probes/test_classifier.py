"""A fitted classifier answers as its probe did, from a file too; a file that is none is refused in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from randquant.data.features import Features
from randquant.errors import DataError, UsageError
from randquant.probes import registry
from randquant.probes.classifier_file import load_classifier, require_classifier, save_classifier
from randquant.probes.linear import LinearSettings
from randquant.probes.outcome import Outcome
from randquant.probes.svm import SvmSettings

NAMES = ["linear", "mlp", "knn", "ridge", "logistic", "svm", "linear_svc"]
QUICK = LinearSettings(learning_rates=(1e-2,), repeats=2, max_epochs=20)


def blobs(classes: int = 4, *, valid: bool = True, spread: float = 2.0) -> Features:
    generator = np.random.default_rng(0)
    targets = np.arange(120) % classes
    x = 30 + np.eye(classes, 6)[targets] * 4 + spread * generator.normal(size=(120, 6)) * [1, 1, 1, 1, 1, 50]
    splits = ["train"] * 60 + (["valid"] if valid else ["train"]) * 20 + ["test"] * 40
    return Features(
        x.astype(np.float32), [str(i) for i in range(120)], ["abcd"[t] for t in targets], [None] * 120, splits
    )


def fitted(name: str, features: Features, *settings: Any) -> Outcome[Any]:
    probes = registry.named([name], settings or [QUICK])
    return registry.evaluate(probes, features, seed=3, device="cpu", fitted=name)[name]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_the_probe_did(name: str, classes: int, tmp_path: Path) -> None:
    features = blobs(classes, valid=classes == 4)
    outcome = fitted(name, features)
    path = tmp_path / "a.safetensors"
    save_classifier(path, "blobs", name, outcome, encoder="0" * 64, features={"points": 3})
    saved = load_classifier(path)
    ids, values = saved.classifier.answer(features.vectors[outcome.rows])
    np.testing.assert_array_equal(ids, outcome.predictions[0])
    assert saved.said.classes == outcome.classes
    assert (saved.said.task, saved.said.probe, saved.said.dimension) == ("blobs", name, 6)
    if saved.said.score == "probability":
        assert ((values > 0) & (values <= 1 + 1e-6)).all()
    columns = saved.columns(features.vectors, order=[5, 0])
    first = saved.classifier.answer(features.vectors[[5, 0]])[0]
    assert columns["label"].to_pylist() == [outcome.classes[number] for number in first]


def test_svms_as_they_are_and_unscaled() -> None:
    for name in ("svm", "linear_svc"):
        outcome = fitted(name, blobs(), SvmSettings(strengths=(0.01,), standardise=False, repeats=1))
        assert outcome.fitted is not None
        answered = outcome.fitted().answer(blobs().vectors[outcome.rows])[0]
        np.testing.assert_array_equal(answered, outcome.predictions[0])


def test_what_leaves_no_single_classifier(tmp_path: Path) -> None:
    features, path = blobs(), tmp_path / "a.safetensors"
    folds = Features(features.vectors, features.ids, features.labels, features.groups, ["fold1"] * 60 + ["fold2"] * 60)
    assert fitted("ridge", folds).fitted is None
    one = registry.named(["linear"])
    for wrong, says in [
        ((tmp_path / "a.bin", one, [features.items]), "should end in .safetensors"),
        ((path, one, [features.items] * 2), "one task, got 2"),
        ((path, registry.named(["fewshot"]), [features.items]), "fewshot-1 fits a classifier for each draw"),
        ((path, one, [folds.items]), "the task has folds"),
    ]:
        with pytest.raises(UsageError, match=says):
            require_classifier(*wrong)
    with pytest.raises(ValueError, match="no single classifier"):
        save_classifier(path, "t", "ridge", fitted("ridge", folds), encoder="", features={})


def test_other_files_and_other_encoders_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(DataError, match="cannot be read"):
        load_classifier(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(DataError, match="cannot be read"):
        load_classifier(path)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(DataError, match="is not a classifier"):
        load_classifier(path)
    save_file({"x": torch.zeros(2)}, path, {"format": "randquant-classifier", "version": "1", "classifier": "{}"})
    with pytest.raises(DataError, match="is damaged"):
        load_classifier(path)
    outcome = fitted("ridge", blobs())
    outcome.classes.append("another")
    save_classifier(path, "t", "ridge", outcome, encoder="a" * 64, features={})
    with pytest.raises(DataError, match="4 outputs do not fit 5 classes"):
        load_classifier(path)
    save_classifier(path, "t", "ridge", fitted("ridge", blobs()), encoder="a" * 64, features={"layer": "output"})
    saved = load_classifier(path)
    saved.require("a" * 64, {"layer": "output", "unknown": 1})
    with pytest.raises(DataError, match="the encoder aaaaaaaaaaaa, but --checkpoint is bbbbbbbbbbbb"):
        saved.require("b" * 64, {})
    with pytest.raises(DataError, match="with layer output, but these have layer conv"):
        saved.require("a" * 64, {"layer": "conv"})
