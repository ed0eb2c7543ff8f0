"""Views of sounds by policies: whole and short ones, each with its own settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from randquant.audio.augment.mixup import LogMixupExp
from randquant.audio.augment.short_crop import RandomShortCrop
from randquant.audio.pretraining import build_task
from randquant.audio.settings import AudioPretraining
from randquant.data.store import Store
from randquant.training.run import Run
from randquant.training.setup import pretrain
from randquant.views import ViewSet

VIEWS: list[str | dict[str, Any]] = [
    "rrc+rq",
    "byola",
    {"augment": "rq", "rq_bins": 2, "random": {"n": 2, "m": 9}},
    "short",
    {"augment": "none", "local": True, "unit_seconds": 0.2},
]


def settings(store: Store, **changes: Any) -> AudioPretraining:
    fixed: dict[str, Any] = {"data": [store.path], "d": 16, "batch_size": 4, "accelerator": "cpu", "hidden_size": 16}
    return AudioPretraining(**{"out": Path("run"), **fixed, "projection_size": 8, **changes})


def test_a_short_crop_is_a_part_of_its_sample() -> None:
    x = torch.arange(40.0).expand(50, 1, 3, 40)
    found = RandomShortCrop(7)(x, generator=torch.Generator().manual_seed(1))
    starts = found[:, 0, 0, 0]
    assert torch.equal(found, starts[:, None, None, None] + torch.arange(7.0).expand(50, 1, 3, 7))
    assert (float(starts.min()), float(starts.max())) == (0.0, 33.0)


@pytest.mark.parametrize("crops", [1, 2])
def test_views_have_their_own_settings_and_lengths(write_store: Callable[..., Store], crops: int) -> None:
    chosen = settings(write_store("noises", lengths=(20_000,) * 8, splits=("train",) * 8), views=VIEWS, crops=crops)
    task = build_task(chosen, torch.device("cpu"))
    batch = task.source.fetch(np.arange(8), 0)
    views = task.make_views(batch, generator=torch.Generator().manual_seed(0))
    assert isinstance(views, ViewSet)
    assert [tuple(view.shape) for view in views.views] == [(8, 1, 64, 96)] * 3  # type: ignore[union-attr]
    assert [tuple(view.shape) for view in views.local] == [(8, 1, 64, 33), (8, 1, 64, 21)]  # type: ignore[union-attr]
    # What is not augmented is a piece of the crop it is made from, in the units of the global views.
    local, whole = views.local[1], task.make_views.normalise(task.make_views.front(batch[1 % crops]))  # type: ignore[attr-defined]
    pieces = whole.unfold(-1, 21, 1)  # (B, 1, F, starts, 21)
    scale = float(local.std() / whole.std())  # type: ignore[union-attr]
    shape = (local - local.mean()) / local.std()  # type: ignore[union-attr,operator]
    assert 0.2 < scale < 5.0
    for sample, its in zip(shape, pieces, strict=True):
        fits = torch.stack(
            [torch.corrcoef(torch.stack([sample.flatten(), piece.flatten()]))[0, 1] for piece in its.unbind(2)]
        )
        assert float(fits.max()) > 0.999


def test_equal_views_share_a_mixing_bank_and_others_do_not(write_store: Callable[..., Store]) -> None:
    whole, local = settings(
        write_store("noises"), views=["byola", "byola", "rrc+mixup", {"augment": "mixup", "local": True}]
    ).view_policies()
    assert whole[0] is whole[1] is not whole[2]
    banks = [next(each for each in policy if isinstance(each, LogMixupExp)) for policy in (*whole, *local)]
    assert [bank.alpha for bank in banks] == [0.2, 0.2, 0.4, 0.4]


def test_views_of_other_sizes_or_kinds_are_refused(write_store: Callable[..., Store]) -> None:
    store = write_store("noises")
    for views, says in (
        (["rrc", "rrc", {"local": True, "unit_seconds": 2}], "longer than the crop"),
        (["rrc", {"rq_bins": 1}], "rq_bins should be from 2"),
        (["rrc", {"crop_time": [2, 1]}], "low <= high"),
        (["rrc", {"augment": "rrc+geo"}], "rrc.geo"),
    ):
        with pytest.raises(ValueError, match=f"^--views .*{says}"):
            settings(store, views=views)


def test_a_run_of_views_stopped_and_resumed_ends_with_the_same_bits(
    write_store: Callable[..., Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = write_store("noises", lengths=(20_000,) * 8, splits=("train",) * 8)
    views = ["byola", VIEWS[2], {"augment": "rrc+rq", "local": True, "unit_seconds": 0.1}]

    def run(name: str) -> bytes:
        chosen = settings(store, out=tmp_path / name, views=views, checkpoint_every=1, unit_seconds=0.2, steps=2)
        return pretrain(chosen, lambda device: build_task(chosen, device)).read_bytes()

    whole, save = run("whole"), Run.save

    def killed(self: Run, step: int) -> None:
        save(self, step)
        raise InterruptedError

    monkeypatch.setattr(Run, "save", killed)
    with pytest.raises(InterruptedError):
        run("again")
    monkeypatch.undo()
    assert run("again") == whole
    assert yaml.safe_load((tmp_path / "again" / "config.yaml").read_text())["views"][1]["random"]["n"] == 2
