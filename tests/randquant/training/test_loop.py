"""The loop: what a step does depends on its number alone; whatever stops a run, the next command goes on exactly."""

import csv
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from randquant.augmentation import Augmentation
from randquant.errors import DataError, UsageError
from randquant.files.lock import locked
from randquant.quantize import RandomizedQuantization
from randquant.ssl.method import Method
from randquant.ssl.registry import METHODS
from randquant.training.checkpoint import load_checkpoint, save_checkpoint
from randquant.training.optimization.schedule import learning_rate_at
from randquant.training.settings import Training
from randquant.training.setup import pretrain
from randquant.training.task import Task
from randquant.views import View


class Rows:
    """24 rows of 8 numbers; a batch also depends on the epoch."""

    def __len__(self) -> int:
        return 24

    def order(self, generator: np.random.Generator) -> np.ndarray:
        return generator.permutation(len(self))

    def fetch(self, positions: np.ndarray, epoch: int) -> Tensor:
        return torch.from_numpy(np.cos(positions[:, None] * np.arange(1, 9) + epoch)).float()

    def groups(self, positions: np.ndarray) -> np.ndarray:
        return positions // 3


class RememberingViews(nn.Module):
    """Two views, quantized and mixed with the batch before: state that must survive a restart."""

    past: Tensor

    def __init__(self, poison_after: int | None) -> None:
        super().__init__()
        self.augment: Augmentation = RandomizedQuantization(4, dim=-1)
        self.register_buffer("past", torch.zeros(8, 8))
        self.calls, self.poison_after = 0, poison_after

    def forward(self, batch: Tensor, *, generator: torch.Generator) -> list[Tensor]:
        self.calls += 1
        mixed = batch + 0.1 * self.past
        self.past.copy_(batch)
        if self.poison_after is not None and self.calls > self.poison_after:
            mixed = mixed * torch.nan
        return [self.augment(mixed, generator=generator) for _ in range(2)]


class Stop(Exception):
    """Stands for whatever ends a process."""


def task_builder(*, stop_at: int | None = None, poison_after: int | None = None):  # type: ignore[no-untyped-def]
    def build(device: torch.device) -> Task:
        encoder = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 16))

        def save(path: Path, trained: nn.Module, step: int) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save({"step": step, **trained.state_dict()}, path)

        def monitor(trained: nn.Module, device: torch.device) -> dict[str, float]:
            assert not trained.training
            steps.append(len(steps) + 1)
            if stop_at is not None and len(steps) >= stop_at:
                raise Stop
            return {"monitored": 1.0}

        steps: list[int] = []
        return Task(Rows(), RememberingViews(poison_after), encoder, 16, save, monitor, {"rows": "24 x 8"})

    return build


def settings(out: Path, **changes: object) -> Training:
    base = Training(
        out, steps=11, batch_size=8, learning_rate=1e-2, hidden_size=32, projection_size=8, accelerator="cpu",
        log_every=2, checkpoint_every=3, monitor_every=1, warmup_steps=3, schedule="cosine", precision="32",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def weights(path: Path) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize(("method", "accumulate"), [*((name, 1) for name in METHODS), ("byol", 4), ("moco", 2)])
def test_stopped_anywhere_and_started_again_gives_the_same_bits(tmp_path: Path, method: str, accumulate: int) -> None:
    whole = weights(pretrain(settings(tmp_path / "whole", method=method, accumulate=accumulate), task_builder()))
    for stop_at in (1, 4, 8, 11):
        run = settings(tmp_path / f"stopped{stop_at}", method=method, accumulate=accumulate)
        with pytest.raises(Stop):
            pretrain(run, task_builder(stop_at=stop_at))
        continued = weights(pretrain(run, task_builder()))
        assert all(bool((torch.as_tensor(continued[name]) == torch.as_tensor(whole[name])).all()) for name in whole)
        rows = list(csv.DictReader((run.out / "log.csv").open()))
        losses = [int(row["step"]) for row in rows if row["name"] == "loss"]
        assert losses == [2, 4, 6, 8, 10, 11], "no row is lost or written twice"


def test_the_average_of_the_weights_is_exported_and_changes_no_training(tmp_path: Path) -> None:
    plain, averaged = settings(tmp_path / "plain", steps=7), settings(tmp_path / "averaged", steps=7, average_decay=0.5)
    for run in (plain, averaged):
        pretrain(replace(run, snapshot_every=1), task_builder())
    trained, state = (load_checkpoint(run.out / "checkpoint.pt") for run in (plain, averaged))
    for name, value in trained["method"].items():
        assert bool((state["method"][name] == value).all()), "the same training"
    kept = [weights(plain.out / "snapshots" / f"encoder-{step:07d}.safetensors") for step in range(1, 8)]
    torch.manual_seed(plain.seed)
    mean: dict[str, Tensor] = dict(task_builder()(torch.device("cpu")).encoder.state_dict())
    for step, values in enumerate(kept, 1):
        decay = min(0.5, (1 + step) / (10 + step))
        mean = {name: decay * value + (1 - decay) * values[name] for name, value in mean.items()}
    exported = weights(averaged.out / "encoder.safetensors")
    for name, value in mean.items():
        torch.testing.assert_close(exported[name], value)
    with pytest.raises(ValueError, match="average_decay"):
        replace(plain, average_decay=1.0)


PUBLISHED: list[dict[str, Any]] = [
    {"method": "moco", "symmetric_loss": False, "bn_splits": 2, "optimizer": "sgd", "schedule": "step"},
    {"method": "mocov3", "head": "mocov3", "optimizer": "lars", "weight_decay": 0.01},
    {"method": "simclr", "mix": "mixup", "mix_layer": "input+embedding", "inputmix": 2, "accumulate": 2},
    {"method": "infonce", "negatives": "mixed", "average_decay": 0.9},
]


@pytest.mark.parametrize("recipe", PUBLISHED, ids=["sgd", "lars", "imix", "average"])
def test_every_recipe_goes_on_with_the_same_bits(tmp_path: Path, recipe: dict[str, Any]) -> None:
    whole = weights(pretrain(settings(tmp_path / "whole", **recipe), task_builder()))
    run = settings(tmp_path / "stopped", **recipe)
    with pytest.raises(Stop):
        pretrain(run, task_builder(stop_at=8))
    continued = weights(pretrain(run, task_builder()))
    assert all(bool((torch.as_tensor(continued[name]) == torch.as_tensor(whole[name])).all()) for name in whole)


class EachItem(Method):
    """A method whose loss is a mean over items and whose network has no batch norm."""

    def __init__(self, encoder: nn.Module, embedding_size: int) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self, views: Sequence[View], groups: Tensor | None = None, *, local: Sequence[View] = ()
    ) -> tuple[Tensor, Tensor]:
        first, second = (self.encoder(view) for view in views)
        return (first - second.detach().flip(1)).square().mean(), torch.cat([first, second]).detach()


def test_micro_batches_give_the_gradient_of_the_whole_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "each", EachItem)
    synchronised: list[bool] = []
    no_backward_sync = Fabric.no_backward_sync

    def noting(fabric: Fabric, module: Any, enabled: bool) -> Any:
        synchronised.append(not enabled)
        return no_backward_sync(fabric, module, enabled)

    monkeypatch.setattr(Fabric, "no_backward_sync", noting)

    def build(device: torch.device) -> Task:
        return replace(task_builder()(device), encoder=nn.Linear(8, 16))

    found = [
        weights(pretrain(settings(tmp_path / str(count), method="each", accumulate=count), build)) for count in (1, 4)
    ]
    torch.testing.assert_close(found[0]["weight"], found[1]["weight"])
    assert synchronised == [True] * 11 + [False, False, False, True] * 11
    whole, parts = (
        [row["value"] for row in csv.DictReader((tmp_path / name / "log.csv").open()) if row["name"] == "loss"]
        for name in "14"
    )
    assert [float(value) for value in parts] == pytest.approx([float(value) for value in whole], rel=1e-4)


def test_a_checkpoint_from_before_there_was_a_setting_goes_on_at_its_default(tmp_path: Path) -> None:
    whole = weights(pretrain(settings(tmp_path / "whole"), task_builder()))
    run = settings(tmp_path / "run")
    with pytest.raises(Stop):
        pretrain(run, task_builder(stop_at=8))
    state = load_checkpoint(run.out / "checkpoint.pt")
    del state["settings"]["accumulate"], state["format"], state["version"]
    save_checkpoint(run.out / "checkpoint.pt", state)
    with pytest.raises(UsageError, match="accumulate was 1 and is now 2"):
        pretrain(replace(run, accumulate=2), task_builder())
    continued = weights(pretrain(run, task_builder()))
    assert all(bool((torch.as_tensor(continued[name]) == torch.as_tensor(whole[name])).all()) for name in whole)


def test_speed_is_logged_and_nothing_reads_ahead_of_a_loop_that_failed(tmp_path: Path) -> None:
    before = threading.enumerate()
    with pytest.raises(Stop) as stopped:
        pretrain(settings(tmp_path / "run"), task_builder(stop_at=5))
    assert stopped.traceback  # which holds the loop's frame, and with it the batches, until the test ends
    assert not [thread for thread in threading.enumerate() if thread not in before and "PoolExecutor" in thread.name]
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    speeds = [float(row["value"]) for row in rows if row["name"] == "items_per_second"]
    assert len(speeds) == 2
    assert min(speeds) > 0


def test_another_number_of_threads_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, before = settings(tmp_path / "run"), torch.get_num_threads()
    with pytest.raises(Stop):
        pretrain(run, task_builder(stop_at=8))
    capsys.readouterr()
    try:
        torch.set_num_threads(before + 1)
        with pytest.raises(Stop):
            pretrain(run, task_builder(stop_at=1))
    finally:
        torch.set_num_threads(before)
    assert f"had {before} threads, now {before + 1}" in capsys.readouterr().err
    pretrain(run, task_builder())
    assert "note: so far" not in capsys.readouterr().err


def test_a_loader_process_reads_the_same_bytes(tmp_path: Path) -> None:
    first = weights(pretrain(settings(tmp_path / "a"), task_builder()))
    second = weights(pretrain(settings(tmp_path / "b", workers=1), task_builder()))
    assert all(bool((torch.as_tensor(first[name]) == torch.as_tensor(second[name])).all()) for name in first)


def test_logging_and_monitoring_do_not_change_the_result(tmp_path: Path) -> None:
    first = weights(pretrain(settings(tmp_path / "a"), task_builder()))
    second = weights(pretrain(settings(tmp_path / "b", log_every=100, monitor_every=100), task_builder()))
    assert all(bool((torch.as_tensor(first[name]) == torch.as_tensor(second[name])).all()) for name in first)


def test_a_finished_run_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = settings(tmp_path / "run")
    before = pretrain(run, task_builder()).stat().st_mtime_ns
    assert pretrain(run, task_builder()).stat().st_mtime_ns == before
    assert "finished already" in capsys.readouterr().err
    (run.out / "checkpoint.pt").unlink()
    with pytest.raises(UsageError, match="another --out"):
        pretrain(run, task_builder())


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    run = settings(tmp_path / "run")
    pretrain(run, task_builder())
    with pytest.raises(UsageError, match=r"seed was 42 and is now 7.*--out"):
        pretrain(replace(run, seed=7), task_builder())


@pytest.mark.parametrize("end", [None, 7, 11])
def test_a_longer_run_goes_on_from_a_shorter_one_with_the_same_bits(tmp_path: Path, end: int | None) -> None:
    """Finished, stopped on the way to its end, or stopped again beyond it."""
    short = settings(tmp_path / "run", steps=7, schedule="constant", average_decay=0.9)
    long = replace(short, steps=11)
    whole = weights(pretrain(replace(long, out=tmp_path / "whole"), task_builder()))
    if end == 7:
        with pytest.raises(Stop):
            pretrain(short, task_builder(stop_at=5))
    else:
        first = weights(pretrain(short, task_builder()))
    if end == 11:
        with pytest.raises(Stop):
            pretrain(long, task_builder(stop_at=3))
        assert not (short.out / "encoder.safetensors").exists()
    continued = weights(pretrain(long, task_builder()))
    assert all(torch.equal(torch.as_tensor(each), torch.as_tensor(whole[name])) for name, each in continued.items())
    if end != 7:
        kept = weights(short.out / "snapshots" / "encoder-0000007.safetensors")
        assert all(torch.equal(torch.as_tensor(each), torch.as_tensor(first[name])) for name, each in kept.items())
    with pytest.raises(UsageError, match=r"steps was 11 and is now 7"):
        pretrain(short, task_builder())


@pytest.mark.parametrize("change", [{"schedule": "cosine"}, {"schedule": "step"}, {"momentum_schedule": "cosine"}])
def test_a_run_that_depends_on_its_end_is_not_lengthened(tmp_path: Path, change: dict[str, str]) -> None:
    run = settings(tmp_path / "run", **{"schedule": "constant", **change})
    pretrain(run, task_builder())
    with pytest.raises(UsageError, match="steps was 11 and is now 12"):
        pretrain(replace(run, steps=12), task_builder())
    assert (run.out / "encoder.safetensors").exists()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    run = settings(tmp_path / "run", checkpoint_every=3, log_every=50)
    with pytest.raises(DataError, match=r"stopped being finite.*learning_rate"):
        pretrain(run, task_builder(poison_after=7))
    state = load_checkpoint(run.out / "checkpoint.pt")
    assert state["step"] == 6
    assert all(bool(torch.isfinite(value).all()) for value in state["method"].values())


def test_weights_that_are_not_finite_are_neither_saved_nor_exported(tmp_path: Path) -> None:
    run = settings(tmp_path / "run", checkpoint_every=3, log_every=50)

    def build(device: torch.device) -> Task:
        task = task_builder()(device)
        inner = task.make_views
        weight = task.encoder[0].weight

        def forward(batch: Tensor, *, generator: torch.Generator) -> list[Tensor]:
            views = RememberingViews.forward(inner, batch, generator=generator)
            if inner.calls == 11:
                weight.register_hook(lambda gradient: gradient * torch.nan)
            return views

        inner.forward = forward
        return task

    with pytest.raises(DataError, match=r"NaN or an infinity at step 11; the last good state, of step 9, is kept in"):
        pretrain(run, build)
    assert load_checkpoint(run.out / "checkpoint.pt")["step"] == 9
    assert not (run.out / "encoder.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda state: state.pop("optimizer"), "lacks optimizer"),
        (lambda state: state.update(step="three"), "no sensible step"),
        (lambda state: state.update(views=[]), "does not fit"),
        (lambda state: state["method"].popitem(), "does not fit"),
        (lambda state: state["optimizer"].pop("state"), "does not fit"),
        (lambda state: state["optimizer"]["state"][0].pop("exp_avg"), "does not fit"),
        (lambda state: state["optimizer"]["state"][0]["exp_avg"].fill_(torch.inf), "diverged"),
    ],
)
def test_a_checkpoint_that_was_changed_is_refused(tmp_path: Path, change: Any, named: str) -> None:
    run = settings(tmp_path / "run")
    pretrain(run, task_builder())
    (run.out / "encoder.safetensors").unlink()
    state = load_checkpoint(run.out / "checkpoint.pt")
    change(state)
    for name in ("format", "version"):  # which are written again
        del state[name]
    save_checkpoint(run.out / "checkpoint.pt", state)
    with pytest.raises(DataError, match=named):
        pretrain(run, task_builder())


def test_one_run_at_a_time_writes_a_folder(tmp_path: Path) -> None:
    run = settings(tmp_path / "run")
    run.out.mkdir()
    with locked(run.out), pytest.raises(DataError, match="another run is writing"):
        pretrain(run, task_builder())
    pretrain(run, task_builder())


def test_nothing_is_left_of_a_run_that_did_not_begin(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        pretrain(settings(tmp_path / "run", batch_size=32), task_builder())
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".config.1.partial.yaml").write_text("cut o")
    pretrain(settings(tmp_path / "run"), task_builder())
    assert not list((tmp_path / "run").glob(".*"))


def test_a_damaged_log_loses_its_damaged_lines_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = settings(tmp_path / "run")
    with pytest.raises(Stop):
        pretrain(run, task_builder(stop_at=8))
    log = run.out / "log.csv"
    lines = log.read_bytes().splitlines()
    log.write_bytes(b"\n".join([*lines[:4], b"\x00\xff,,", b"two,loss,1,1", b"2,loss,1,soon", *lines[4:], b"6,lo"]))
    pretrain(run, task_builder())
    assert "4 damaged lines" in capsys.readouterr().err
    losses = [int(row["step"]) for row in csv.DictReader(log.open()) if row["name"] == "loss"]
    assert losses == [2, 4, 6, 8, 10, 11]


@pytest.mark.parametrize("missing", ["MASTER_ADDR", "MASTER_PORT", "NODE_RANK"])
def test_machines_that_do_not_know_each_other_are_told_how(
    tmp_path: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "NODE_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(UsageError, match=f"MASTER_ADDR, MASTER_PORT, NODE_RANK, but {missing} is not set"):
        pretrain(settings(tmp_path / "run", nodes=2), task_builder())


def test_more_items_a_batch_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="24 items"):
        pretrain(settings(tmp_path / "run", batch_size=32), task_builder())


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken zip"])
def test_a_broken_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"checkpoint\.pt"):
        pretrain(settings(tmp_path), task_builder())


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"format": "randquant-checkpoint", "state": Evil()}, tmp_path / "checkpoint.pt")
    with pytest.raises(DataError):
        load_checkpoint(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "change",
    [
        *({"batch_size": 0}, {"learning_rate": 0.0}, {"momentum": 1.5}, {"devices": 0}),
        *({"batch_size": 3, "devices": 2}, {"steps": -1}, {"steps": 10**30}, {"queue_size": 10**12}),
        *({"accumulate": 3}, {"accumulate": 8}, {"accumulate": 0}, {"inputmix": 8}),
        *({"hidden_size": 0}, {"hidden_size": 10**9}, {"projection_size": -3}, {"seed": 2**63}, {"seed": -1}),
        *({"gradient_clip": float("nan")}, {"learning_rate": float("inf")}, {"log_every": 0}),
    ],
)
def test_settings_out_of_range_are_named(tmp_path: Path, change: dict) -> None:
    with pytest.raises(ValueError, match="--"):
        settings(tmp_path, **change)


def test_learning_rate_warms_up_and_falls() -> None:
    rates = [learning_rate_at(step, 110, highest=1.0, warmup=10, schedule="cosine") for step in range(1, 111)]
    assert rates[:10] == [step / 10 for step in range(1, 11)]
    assert rates[9] == max(rates)
    assert abs(rates[59] - 0.5) < 1e-6
    assert rates[-1] < 1e-9
