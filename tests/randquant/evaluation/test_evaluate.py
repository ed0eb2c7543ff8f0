"""A modality of two-column items: from a store to a results folder."""

import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.data.store import StoreWriter
from randquant.errors import DataError, UsageError
from randquant.evaluation.evaluate import Baseline, Evaluation
from randquant.evaluation.frozen import Frozen
from randquant.evaluation.labelled_task import LabelledTask, open_task
from randquant.evaluation.preset import Preset
from randquant.evaluation.probing import Probing
from randquant.precision import InForce
from randquant.probes.probe import Probe
from randquant.probes.solvers.lanes import LinearSettings
from randquant.results.folder import read_report
from randquant.results.record import Result


@dataclass
class Loaded:
    """An encoder that gives the coordinates themselves."""

    encoder: nn.Module = field(default_factory=nn.Identity)
    metadata: dict[str, Any] = field(default_factory=dict)
    report: str = "nothing to load"
    sha256: str = "a" * 64
    precision: InForce = "32"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Sixty items of two classes, right and left of zero."""
    rng, writer = np.random.default_rng(0), StoreWriter(tmp_path / "store", kind="points", plan="x")
    with writer.begin(), writer.shard(0) as shard:
        for number in range(60):
            side = number % 2
            row = rng.normal(4 * side - 2, 1, (1, 2)).astype(np.float32)
            split = ("train", "valid", "test")[number % 3]
            shard.append([row], {"path": f"{number}", "label": "rl"[side], "split": split})
    with writer.begin():
        writer.finish(1, {"source": {"dataset": "sides"}})
    return tmp_path / "store"


def frozen(loaded: Loaded, task: LabelledTask, device: torch.device, *, scale: float = 1.0) -> Frozen[Tensor]:
    def read(numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.concatenate([task.store.rows(int(number)) for number in numbers]))

    return Frozen(read, lambda batch: scale * batch, 2, {"weights": loaded.sha256, "scale": scale}, batch_size=7)


def evaluation(**changed: Any) -> Evaluation[Loaded, Result]:
    preset = Preset("plain", "made up", ("linear", "ridge"), (LinearSettings((0.1,), max_epochs=3, repeats=2),))
    return Evaluation(
        "probe_points",
        "points",
        lambda name, seed: Loaded(),
        frozen,
        lambda loaded, task: Result,
        **{"preset": preset, **changed},
    )


def probing(store: Path, out: Path, **flags: Any) -> Probing:
    return Probing("run", [store], str(out), cache=store.parent / "cache", device="cpu", **flags)


def test_results_folder_with_a_baseline(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def baselines(task: LabelledTask, asked: dict[str, Probe[Any]]) -> list[Baseline]:
        constant = frozen(Loaded(sha256="none"), task, torch.device("cpu"), scale=0.0)
        return [Baseline(constant, {"nothing-ridge": asked["ridge"]}, "constant zeros")]

    evaluation(baselines=baselines).run(probing(store, tmp_path / "results"))
    report = read_report(tmp_path / "results")
    found = {result.probe: result for result in report.results}
    assert list(found) == ["linear", "ridge", "nothing-ridge"]
    assert found["linear"].accuracy > 0.8 > found["nothing-ridge"].accuracy
    assert found["nothing-ridge"].how.startswith("constant zeros, by ridge")
    assert found["linear"].dimension == 2
    assert found["linear"].split_counts == {"train": 20, "valid": 20, "test": 20, "unused": 0}
    assert report.subject == {"encoder": "a" * 64, "protocol": "plain"}
    assert "nothing to load" in capsys.readouterr().out


def test_a_folder_is_of_one_precision(store: Path, tmp_path: Path) -> None:
    for name, precision, other in (("bf16", "bf16", "32"), ("32", "32", "bf16")):
        evaluation().run(probing(store, tmp_path / name, precision=precision))
        report = read_report(tmp_path / name)
        assert {result.precision for result in report.results} == {precision}
        assert report.subject.get("precision", "32") == precision
        with pytest.raises(DataError, match=f"with precision {precision}, but these have precision {other};"):
            evaluation().run(probing(store, tmp_path / name, precision=other))


def test_features_are_extracted_once(store: Path, tmp_path: Path) -> None:
    def encode(batch: Tensor) -> Tensor:
        batches.append(len(batch))
        return batch

    batches: list[int] = []
    task = open_task(store, kind="points")
    base = frozen(Loaded(), task, torch.device("cpu"))
    counted = Frozen(base.read, encode, 2, base.settings, batch_size=7)
    first, second = (counted.features(task, tmp_path / "cache") for _ in range(2))
    assert batches == [7] * 8 + [4]
    assert (first.vectors == second.vectors).all()


def test_flags_change_the_preset_and_say_so(store: Path, tmp_path: Path) -> None:
    evaluation().run(probing(store, tmp_path / "one.json", seeds=1, learning_rates=[0.1, 0.01], probes=["linear"]))
    result = json.loads((tmp_path / "one.json").read_text())
    assert result["repeats"] == 1
    assert result["protocol"]["departures"] == ["repeats 1", "learning rates 0.1, 0.01"]


def test_saved_classifier(store: Path, tmp_path: Path) -> None:
    flags = {"save_classifier": tmp_path / "one.safetensors", "probes": ["ridge"]}
    evaluation(fitted_on=lambda loaded: {"scale": 1.0}).run(probing(store, tmp_path / "one.json", **flags))
    from randquant.probes.classifier_file import load_classifier

    saved = load_classifier(tmp_path / "one.safetensors")
    assert saved.said.features == {"scale": 1.0}
    assert saved.classifier.answer(np.array([[2, 2], [-2, -2]], dtype=np.float32))[0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"seeds": 3, "probes": ["ridge"]}, "--seeds says nothing to --probes ridge"),
        ({"learning_rates": [-1.0], "probes": ["linear"]}, "--learning_rates need at least one rate"),
    ],
)
def test_flags_that_fit_no_probe(store: Path, tmp_path: Path, flags: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        evaluation().run(probing(store, tmp_path / "one.json", **flags))


def test_a_store_of_another_kind_and_one_without_training(store: Path) -> None:
    with pytest.raises(DataError, match="points"):
        partial(open_task, kind="audio")(store)
    with pytest.raises(ValueError, match="--seeds"):
        probing(store, store, seeds=0)
