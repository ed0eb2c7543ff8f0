"""Files of weights: what stands beside the tensors is forgotten, what could be executed is refused."""

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from randquant.errors import DataError
from randquant.weights.weight_file import encoder_hash, read_weights, untrained, write_weights

CONFIG = {"modality": "test", "encoder": {"name": "Linear", "arguments": {}}, "training": {}}


def test_round_trip(tmp_path: Path) -> None:
    layer = nn.Linear(3, 2)
    write_weights(tmp_path / "encoder.safetensors", layer, CONFIG)
    for given in (tmp_path, str(tmp_path / "encoder.safetensors")):
        content = read_weights(given)
        assert content.own_config() == CONFIG
        assert content.check_hash(layer) == encoder_hash(layer) == content.sha256
        assert all(torch.equal(content.value[name], tensor) for name, tensor in layer.state_dict().items())
    with pytest.raises(DataError, match="damaged"):
        content.check_hash(nn.Linear(3, 2))


def test_a_header_that_is_no_description_is_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "x", nn.Linear(1, 1), {})
    data = (tmp_path / "x").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] |= {"config": "3", "config_sha256": hashlib.sha256(b"3").hexdigest()}
    text = json.dumps(header).encode()
    (tmp_path / "x").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    with pytest.raises(DataError, match="does not describe an encoder"):
        read_weights(tmp_path / "x").own_config()


@pytest.mark.parametrize("zipped", [True, False])
def test_numbers_and_command_lines_beside_the_weights_are_forgotten(zipped: bool, tmp_path: Path) -> None:
    value = {
        "model_state_dict": {"weight": torch.arange(3.0)},
        "accuracy": np.mean([0.25, 0.75]),
        "epochs": np.int64(3),
        "hyper_parameters": argparse.Namespace(k=20, layers=[1, 2]),
    }
    torch.save(value, tmp_path / "best.pth", _use_new_zipfile_serialization=zipped)
    found = read_weights(tmp_path / "best.pth").value
    assert torch.equal(found["model_state_dict"]["weight"], torch.arange(3.0))
    assert found.keys() == value.keys()
    assert not isinstance(found["accuracy"], float | np.generic)


class Malicious:
    """Touches a file when unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.witness),)


def test_nothing_is_executed_by_what_is_forgotten(tmp_path: Path) -> None:
    value = {"weight": torch.zeros(2), "hyper_parameters": argparse.Namespace(k=Malicious(tmp_path / "witness"))}
    torch.save(value, tmp_path / "x.pt")
    with pytest.raises(DataError, match="nothing was executed"):
        read_weights(tmp_path / "x.pt")
    assert not (tmp_path / "witness").exists()


def test_untrained_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    one, again = (untrained(lambda: nn.Linear(4, 4), 7) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert encoder_hash(one) == encoder_hash(again)
    assert not one.training
