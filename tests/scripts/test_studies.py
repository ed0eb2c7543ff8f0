"""Studies: which runs there are, what is kept, and what is said of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml

from randquant.cli.command import run
from randquant.data.store import Store, StoreWriter
from randquant.errors import UsageError
from randquant.results.arms.arm import Arm, changes, over_seeds
from randquant.results.compare import open_run
from randquant.results.predictions import Answers
from randquant.scripts.ablate import ablate, variants
from randquant.scripts.search_policy import draw, search
from randquant.training.loop import fit
from randquant.training.run import Run

FLAGS = ["--settings", "steps=1", "d=16", "points=32", "batch_size=4", "hidden_size=8", "projection_size=8"]
FLAGS += ["accelerator=cpu", "monitor_every=1"]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return clouds(tmp_path_factory.mktemp("shapes") / "store")


def clouds(folder: Path, seed: int = 3) -> Store:
    """24 flat or long clouds in all three splits."""
    generator = np.random.default_rng(seed)
    writer = StoreWriter(folder, kind="points", plan="test")
    with writer.begin(), writer.shard(0) as shard:
        for item in range(24):
            rows = generator.normal(size=(32, 3)) * [(1, 1, 0.1), (0.1, 0.1, 1)][item % 2]
            split = ("train", "valid", "test")[item // 2 % 3]
            shard.append([rows.astype("<f4")], {"path": f"{item}.off", "label": "ab"[item % 2], "split": split})
    return writer.finish(1, {"channels": ["x", "y", "z"], "up": "z", "points": 32, "source": {}})


def test_variants_change_one_thing_each_and_then_all() -> None:
    found = {each.name: each.sets for each in variants(["a", "b"], ["c", "d"], ["b"], False, ["mix=mixup; steps=3"])}
    assert found == {
        "base": ("augment=a+b",),
        "add c": ("augment=a+b+c",),
        "add d": ("augment=a+b+d",),
        "no b": ("augment=a",),
        "add all": ("augment=a+b+c+d",),
        "mix=mixup; steps=3": ("mix=mixup", "steps=3"),
    }
    assert [each.sets[0] for each in variants(["a", "b"], [], [], True, [])] == [
        "augment=a+b",
        "augment=b",
        "augment=a",
    ]
    assert variants(["a"], [], ["a"], False, [])[1].sets == ("augment=none",)
    with pytest.raises(UsageError, match="what to change"):
        variants(["a"], [], [], False, [])
    with pytest.raises(UsageError, match="has already"):
        variants(["a"], ["a"], [], False, [])
    with pytest.raises(UsageError, match="does not have"):
        variants(["a"], [], ["z"], False, [])
    with pytest.raises(UsageError, match="an empty one"):
        variants(["a"], [], [], False, [";"])


def test_an_ablation_is_a_table_a_chart_and_runs_that_are_kept(
    shapes: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--data", shapes.path, "--task", shapes.path, "--out", tmp_path / "study", "--base", "geo+rq", *FLAGS]
    words += ["--seeds", 1]
    assert run(ablate, [*map(str, words), "--remove", "rq"]) == 0
    assert "no rq" in capsys.readouterr().out
    began: list[Run] = []

    def counted(training: Run) -> None:
        began.append(training)
        fit(training)

    monkeypatch.setattr("randquant.training.setup.fit", counted)
    assert run(ablate, [*map(str, words), "--remove", "rq,jitter", "--change", "mix=mixup; mix_symmetric=true"]) == 0
    assert [each.settings.out.name for each in began] == [
        f"{name}-seed42" for name in ("no_jitter", "no_rq_jitter", "mix=mixup_mix_symmetric=true")
    ]
    assert began[-1].settings.mix_symmetric
    with (tmp_path / "study" / "ablation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["study"] for row in rows] == ["base", "no rq", "no jitter", "no all", "mix=mixup; mix_symmetric=true"]
    for row in rows[1:]:
        difference = float(row["accuracy"]) - float(rows[0]["accuracy"])
        assert float(row["difference"]) == pytest.approx(difference, abs=1e-5)
        assert float(row["low"]) <= difference + 1e-6 <= float(row["high"]) + 2e-6
        assert float(row["p"]) <= float(row["p_holm"]) <= 1.0
    assert (tmp_path / "study" / "ablation.png").stat().st_size > 1000

    monkeypatch.setattr("randquant.training.setup.fit", None)  # of another task, nothing is trained
    words[words.index("--task") + 1] = clouds(tmp_path / "others", seed=4).path
    assert run(ablate, [*map(str, words), "--remove", "rq"]) == 0
    assert "probe knn on others, " in capsys.readouterr().out
    held = open_run(str(tmp_path / "study" / "results" / "base-seed42"), "knn").tasks
    assert set(held) == {"store", "others"}


def test_a_search_goes_on_and_its_best_is_a_view(
    shapes: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*map(str, ["--data", shapes.path, "--out", tmp_path / "search"]), *FLAGS]
    assert run(search, [*words, "--monitor", str(shapes.path), "--trials", "1"]) == 0
    assert run(search, [*words, "--monitor", str(shapes.path), "--trials", "2"]) == 0
    with (tmp_path / "search" / "trials.csv").open() as file:
        assert [row["trial"] for row in csv.DictReader(file)] == ["base", "1", "2"]
    policy = yaml.safe_load((tmp_path / "search" / "policy.yaml").read_text())
    assert policy["random"]["n"] in (1, 2, 3)
    assert "rq" not in policy["random"]["operations"]
    assert "use it as --views" in capsys.readouterr().out
    assert run(search, [*words, "--trials", "1"]) == 2  # neither labels nor a score without
    assert run(search, [*words, "--trials", "1", "--m", "3", "11", "--score", "rank"]) == 2


def test_draws_depend_on_seed_and_number_and_reach_both_ends() -> None:
    found = [draw(number, n=(1, 2), m=(0, 3), bins=(4, 8), seed=5) for number in range(1, 200)]
    assert found[6] == draw(7, n=(1, 2), m=(0, 3), bins=(4, 8), seed=5)
    assert {each.n for each in found} == {1, 2}
    assert {each.m for each in found} == {0, 1, 2, 3}
    assert {each.bins for each in found} == {4, 5, 6, 7, 8}


def test_arms_are_compared_item_by_item_over_seeds() -> None:
    labels = ["a"] * 40
    names = [f"{number}" for number in range(40)]

    def answers(right: int, order: slice) -> Answers:
        predicted = np.array([["a"] * right + ["b"] * (40 - right)], dtype=object)
        return Answers(names[order], labels, [None] * 40, [None] * 40, [0], predicted[:, order])

    base = Arm("base", "rrc", [0.5, 0.5], [answers(20, slice(None)), answers(20, slice(None, None, -1))])
    better = Arm("add rq", "rrc+rq", [0.75, 0.7], [answers(30, slice(None, None, -1)), answers(28, slice(None))])
    (change,) = changes(base, [better])
    assert change.difference == pytest.approx(0.225)
    assert change.paired.difference == pytest.approx(0.225)
    assert change.p_holm == change.paired.p < 0.05
    assert change.by_seeds == pytest.approx(0.3177, abs=1e-3)  # t of one degree of freedom times 0.025
    assert over_seeds(base.answers).right.sum() == 40
