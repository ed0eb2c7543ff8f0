"""Checkpoints: whole and finite, or refused; those of before there was a hash open."""

from pathlib import Path

import numpy as np
import pytest
import torch

from randquant.errors import DataError
from randquant.training.checkpoint import FORMAT, load_checkpoint, save_checkpoint
from randquant.training.watching.finite import first_not_finite
from randquant.weights.weight_file import read_weights

STATE = {"step": 3, "settings": {"d": 16}, "method": {"weight": torch.arange(600.0)}}


def test_round_trip_and_reproducible_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, STATE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert torch.equal(load_checkpoint(tmp_path / "a")["method"]["weight"], torch.arange(600.0))
    assert torch.load(tmp_path / "a", weights_only=True)["step"] == 3, "a PyTorch file like any other"


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, STATE)
    data = path.read_bytes()
    places = [*np.linspace(0, len(data) - 1, 120).astype(int), *range(len(data) - 95, len(data))]
    for number, place in enumerate(places):
        flipped = bytearray(data)
        flipped[place] ^= 1 << number % 8
        path.write_bytes(bytes(flipped))
        for read in (load_checkpoint, read_weights):
            with pytest.raises(DataError, match=r"checkpoint\.pt"):
                read(path)


def test_a_damaged_one_is_not_advised_to_be_deleted(tmp_path: Path) -> None:
    """Beside finished weights a run without its checkpoint is refused, so another folder is the way that is open."""
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, STATE)
    for damaged in (path.read_bytes()[:-200], path.read_bytes().replace(b"data.pkl", b"data.pkk")):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="choose another --out to train again") as refused:
            load_checkpoint(path)
        assert "delete" not in str(refused.value)


@pytest.mark.parametrize("kept", [0, 10, 100, 0.5, 0.99])
def test_a_truncated_one_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, STATE)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept >= 1 else kept * len(data))])
    with pytest.raises(DataError, match=r"checkpoint\.pt"):
        load_checkpoint(path)


def test_one_of_version_1_has_no_hash_and_opens(tmp_path: Path) -> None:
    torch.save({"format": FORMAT, "version": 1, **STATE}, tmp_path / "checkpoint.pt")
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 3
    assert read_weights(tmp_path / "checkpoint.pt").is_checkpoint


def test_what_is_needed_has_to_be_there(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint.pt", STATE)
    with pytest.raises(DataError, match="lacks optimizer, views"):
        load_checkpoint(tmp_path / "checkpoint.pt", needed=["step", "optimizer", "views"])


def test_what_is_not_finite_is_named() -> None:
    state = {"views": [{"bank": torch.ones(3)}, {"bank": torch.tensor([1.0, torch.inf])}], "step": 3}
    assert first_not_finite(state) == "views.1.bank"
    assert first_not_finite({"large": torch.full((4,), 3e38), "whole": torch.ones(2, dtype=torch.int64)}) is None
