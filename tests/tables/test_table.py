"""A table is pretrained on, resumed exactly, and probed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.data_prep.datasets.tables.covtype import plan_covtype
from randquant.data_prep.synthetic.tables import TABLE, small_covtype, small_table
from randquant.data_prep.tables.prepare import prepare_table
from randquant.data_prep.tables.settings import OwnTable
from randquant.errors import DataError, UsageError
from randquant.probes.trees import TREES, TREES_OF_NUMBERS, TreeSettings
from randquant.results.folder import read_report
from randquant.stages import stages_of
from randquant.tables.encoders.mlp import MLP
from randquant.tables.encoders.weights import load_encoder, named_encoder, save_encoder
from randquant.tables.evaluation import evaluate
from randquant.tables.evaluation.evaluate import evaluation
from randquant.tables.evaluation.settings import TableProbing
from randquant.tables.pretraining import build_task
from randquant.tables.settings import TablePretraining
from randquant.tables.stored_table import StoredTable
from randquant.training.setup import pretrain
from randquant.training.task import Task


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a small made-up CovType."""
    folder = tmp_path_factory.mktemp("forest")
    prepare_table(plan_covtype(small_covtype(folder / "raw", rows=700)), folder / "store")
    return folder / "store"


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of mixed columns with a number to predict."""
    folder = tmp_path_factory.mktemp("customers")
    table = OwnTable(folder / "store", csv=small_table(folder, rows=400) / TABLE, target="visits").plan()
    prepare_table(table, folder / "store")
    return folder / "store"


def settings(store: Path, out: Path, **changed: Any) -> TablePretraining:
    small = {"steps": 4, "batch_size": 64, "width": 1, "hidden_size": 16, "projection_size": 8, "accelerator": "cpu"}
    return TablePretraining(out, data=[store], **{**small, **changed})


def trained(made: TablePretraining) -> dict[str, torch.Tensor]:
    return load_encoder(pretrain(made, lambda device: build_task(made, device))).encoder.state_dict()


def test_the_published_layout() -> None:
    published = MLP()
    shapes = [tuple(layer.weight.shape) for layer in published.modules() if isinstance(layer, torch.nn.Linear)]
    assert shapes == [
        *((64, 10), (64, 4), (64, 40)),
        *((2048, 192), (2048, 2048), (4096, 2048), (4096, 4096), (8192, 4096)),
    ]
    assert published.embedding_size() == 2048
    small = MLP([54], width=2).eval()
    assert small(torch.randn(3, 54)).shape == (3, 64)
    assert list(stages_of(small)) == ["embed", "block1", "block2", "block3", "block4"]
    with pytest.raises(ValueError, match=r"\(B, 54\)"):
        small(torch.randn(3, 53))


def test_a_run_that_was_stopped_ends_with_the_same_bits(forest: Path, tmp_path: Path) -> None:
    mixed = {"mix": "mixup", "inputmix": 1, "input_drop": 0.2, "rq_over": "training", "checkpoint_every": 2}
    whole = trained(settings(forest, tmp_path / "whole", **mixed))
    made, calls = settings(forest, tmp_path / "cut", **mixed), []

    def breaking(device: torch.device) -> Task:
        task = build_task(made, device)
        fetch = task.source.fetch

        def broken(positions: np.ndarray, epoch: int) -> Any:
            calls.append(1)
            if len(calls) == 4:
                raise RuntimeError
            return fetch(positions, epoch)

        task.source.fetch = broken  # type: ignore[method-assign]
        return task

    with pytest.raises(RuntimeError):
        pretrain(made, breaking)
    assert (tmp_path / "cut" / "checkpoint.pt").is_file()
    assert load_encoder(tmp_path / "cut" / "checkpoint.pt").metadata["step"] == 2
    again = trained(made)
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_a_table_is_read_by_its_splits(forest: Path) -> None:
    from randquant.data.store import Store

    store = Store.open(forest)
    table = StoredTable([store, store], ["train"])
    assert len(table) == 2 * len(store.select("train"))
    assert torch.equal(table.fetch(np.array([3]), 0)[0], torch.from_numpy(store.rows(int(store.select("train")[3]))[0]))
    assert table.blocks == [10, 4, 40]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"mix": "cutmix"}, "use mixup"),
        ({"augment": "rrc"}, "should be rq or none"),
        ({"rq_bins": [9, 3]}, "--rq_bins takes"),
        ({"views": ["rq"]}, "two to eight"),
        ({"views": ["rq", "rq", {"augment": "rq", "local": True}]}, "no parts to be a local view"),
        ({"input_drop": 1.0}, "--input_drop"),
        ({"rq_stage": "input"}, "give --augment rq or a stage"),
    ],
)
def test_one_sentence_for_settings_that_cannot_be(tmp_path: Path, flags: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings(tmp_path, tmp_path, **flags)


def test_views_are_policies(forest: Path, tmp_path: Path) -> None:
    made = settings(forest, tmp_path, views=["rq", "generic", {"augment": "none", "input_drop": 0.5}])
    task = build_task(made, torch.device("cpu"))
    views = task.make_views(task.source.fetch(np.arange(50), 0), generator=torch.Generator().manual_seed(0))
    assert [tuple(view.shape) for view in views] == [(50, 54)] * 3  # type: ignore[union-attr]


def test_weights_go_with_the_names_of_their_columns(tmp_path: Path) -> None:
    encoder = MLP([2, 1], width=1)
    save_encoder(tmp_path / "e.safetensors", encoder, columns=["a", "b", "c"], metadata={"step": 1})
    loaded = load_encoder(tmp_path / "e.safetensors")
    loaded.require_columns(["a", "b", "c"], "here")
    with pytest.raises(DataError, match="has no c"):
        loaded.require_columns(["a", "b", "d"], "here")
    with pytest.raises(UsageError, match="untrained:MLP:64"):
        named_encoder("untrained:CNN:3", 0, blocks=[2, 1])


def probed(store: Path, out: Path, **flags: Any) -> dict[str, Any]:
    given = TableProbing("untrained:MLP:2", [store], str(out), cache=store.parent / "cache", device="cpu", **flags)
    evaluation(given).run(given)
    return {result.probe: result for result in read_report(out).results}


def test_probes_beside_raw_columns_and_trees(forest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "TREES", replace(TREES, settings=TreeSettings((4,), rounds=8)))
    found = probed(forest, tmp_path / "r", probes=["ridge", "least_squares"], baselines=["raw", "trees"])
    assert list(found) == ["ridge", "least_squares", "raw-ridge", "raw-least_squares", "trees"]
    assert found["raw-ridge"].dimension == 54
    assert found["trees"].accuracy > found["ridge"].majority_floor + 0.1
    assert found["trees"].how.startswith("raw columns, by")


def test_regression_is_scored_by_r2(customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(TREES_OF_NUMBERS, settings=TreeSettings((4,), rounds=8))
    monkeypatch.setattr(evaluate, "TREES_OF_NUMBERS", small)
    found = probed(customers, tmp_path / "r", baselines=["raw", "trees"])
    assert list(found) == ["ridge", "raw-ridge", "trees"]
    assert all(result.measure == "R2" for result in found.values())
    assert 0.2 < found["raw-ridge"].accuracy < 1
    assert found["raw-ridge"].majority_floor == pytest.approx(0, abs=0.1)
    low, high = found["raw-ridge"].ci95_items
    assert low < found["raw-ridge"].accuracy < high
    assert "R²" in (tmp_path / "r" / "table.md").read_text()
    assert json.loads((tmp_path / "r" / "results.json").read_text())["results"][0]["measure"] == "R2"
    with pytest.raises(UsageError, match="knn"):
        probed(customers, tmp_path / "x", probes=["knn"])


def test_a_store_that_is_standardised_by_other_numbers_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stores = []
    for factor in (1, 1000):
        lines = [f"{factor * (n * 7 % 40)}.5,{n * 3 % 11}.5,{'abc'[n % 3]}" for n in range(60)]
        (tmp_path / f"{factor}.csv").write_text("\n".join(["x,y,label", *lines]))
        table = OwnTable(tmp_path / f"of{factor}", csv=tmp_path / f"{factor}.csv", label="label")
        stores.append(prepare_table(table.plan(), table.out).path)
    run = settings(stores[0], tmp_path / "run", batch_size=16, steps=1)
    trained(replace(run, data=stores))
    said = "standardises 1 of its columns by other numbers than the training's table: x ("
    assert said in capsys.readouterr().err
    for store in stores:
        probing = TableProbing(str(run.out), [store], str(tmp_path / f"{store.name}.json"), probes=["ridge"])
        evaluation(probing).run(probing)
        assert (said in capsys.readouterr().err) is (store is stores[1])
