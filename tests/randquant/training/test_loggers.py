"""Loggers through one hook: numbers, settings and the end; the same run after a resume; none ends a training."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from randquant.files.atomic import read_json
from randquant.training.loggers.logger import LoggedRun
from randquant.training.loggers.registry import _MADE_BY, check_installed
from randquant.training.loggers.several import FILE, Loggers
from randquant.training.run_log import RunLog

Told = list[tuple[Any, ...]]


def stand_ins(told: Told) -> Iterator[types.ModuleType]:
    """Modules with the functions of the real ones that are called, which write down how."""

    class Run:
        id = "made"

        def log(self, numbers: dict[str, float], step: int) -> None:
            told.append(("log", step, numbers))

        def finish(self, exit_code: int = 0) -> None:
            told.append(("finish", exit_code))

    def init(**keywords: Any) -> Run:
        told.append(("init", keywords.get("id") or keywords["name"], keywords["config"], keywords["resume"]))
        return Run()

    for name in ("wandb", "trackio"):
        module = types.ModuleType(name)
        module.init = init  # type: ignore[attr-defined]
        yield module


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told: Told = []
    for module in stand_ins(told):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return told


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_resumed_run_goes_on_with_the_same_one(name: str, tmp_path: Path, told: Told) -> None:
    for start in (0, 4):
        with RunLog(tmp_path, start, enabled=True, loggers=["csv", name], settings={"steps": 8}) as log:
            log.row(start + 1, {"loss": 2.5, "std": 0.5})
    inits = [entry for entry in told if entry[0] == "init"]
    assert inits[1][1] == read_json(tmp_path / FILE)[name]
    assert all(entry[2] == {"steps": 8} and entry[3] == "allow" for entry in inits)
    assert [entry for entry in told if entry[0] == "log"] == [
        ("log", 1, {"loss": 2.5, "std": 0.5}),
        ("log", 5, {"loss": 2.5, "std": 0.5}),
    ]
    assert not (tmp_path / "tensorboard").exists()
    assert (tmp_path / "log.csv").read_text().count("loss") == 2


def test_a_logger_that_fails_is_said_once(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loggers = Loggers(["wandb", "trackio"], LoggedRun(tmp_path, 0, {}))
    monkeypatch.setattr(loggers._loggers["wandb"], "numbers", lambda *_: 1 / 0)
    for step in (1, 2):
        loggers.numbers(step, {"loss": 1.0})
    loggers.close(finished=True)
    assert capsys.readouterr().err.count("the logger wandb failed (division by zero)") == 1
    assert [entry[1] for entry in told if entry[0] == "log"] == [1, 2]


def test_ids_that_cannot_be_kept_are_said(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path, value: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("randquant.training.loggers.several.write_json", refuse)
    Loggers(["wandb"], LoggedRun(tmp_path, 0, {})).numbers(1, {"loss": 2.5})
    assert ("log", 1, {"loss": 2.5}) in told
    assert f"{FILE} cannot be written" in capsys.readouterr().err
    (tmp_path / FILE).write_text("[")
    Loggers(["wandb"], LoggedRun(tmp_path, 0, {}))
    assert f"{FILE} cannot be read" in capsys.readouterr().err


def test_a_missing_package_is_told_before_anything_is_done() -> None:
    check_installed(["csv"])
    with pytest.raises(ValueError, match=r"pip install 'randquant\[nowhere\]'"):
        check_installed(["csv", "nowhere"])


@pytest.mark.parametrize("name", _MADE_BY)
def test_the_real_ones_take_up_their_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    ids = []
    for start in (0, 2):
        loggers = Loggers([name], LoggedRun(tmp_path / "run", start, {"steps": 4, "out": "run"}))
        assert list(loggers._loggers) == [name]
        loggers.numbers(start + 1, {"loss": 3.0 - start})
        ids.append(loggers._loggers[name].id)
        loggers.close(finished=start > 0)
        assert list(loggers._loggers) == [name], "nothing failed"
    assert ids[0] == ids[1]
    if name == "mlflow":
        from mlflow.tracking import MlflowClient

        run = MlflowClient().get_run(ids[0])
        assert (run.data.metrics["loss"], run.data.params["steps"], run.info.status) == (1.0, "4", "FINISHED")
        assert [each.step for each in MlflowClient().get_metric_history(ids[0], "loss")] == [1, 3]
