"""Reading and writing weights: what is accepted, what is refused, and that nothing is executed."""

import copy
import hashlib
import json
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from randquant.audio.encoders.audio_ntt import AudioNTT, AudioNTT2020, AudioNTT2022
from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.encoders.weights import encoder_hash, load_encoder, save_encoder, untrained_encoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.errors import DataError, UsageError
from randquant.ssl.byol import BYOL
from randquant.ssl.heads import projector
from randquant.ssl.infonce import InfoNCE
from randquant.training.optimization.average import AveragedEncoder

PREFIXES = (
    "",
    "module.",
    "model.",
    "body.",
    "net.",
    "encoder.",
    "method.encoder.",
    "_orig_mod.",
    "learner.net.",
    "learner.online_encoder.net.",
)


@pytest.fixture(scope="module")
def encoder() -> AudioNTT2020:
    return trained(AudioNTT2020(d=32))


def trained(encoder: Any, seed: int = 0) -> Any:
    """Weights and statistics that differ from those of initialisation."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in encoder.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.1 + 0.01)
        else:
            tensor.fill_(7)
    return encoder.eval()


def state(encoder: nn.Module, prefix: str = "", shift: float = 0.0) -> "OrderedDict[str, Tensor]":
    moved = {
        name: tensor + shift if tensor.is_floating_point() else tensor for name, tensor in encoder.state_dict().items()
    }
    return OrderedDict((prefix + name, tensor) for name, tensor in moved.items())


def same(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def write(path: Path, value: Any) -> Path:
    torch.save(value, path)
    return path


def refusal(path: Path) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(DataError) as caught:
        load_encoder(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


# ---- our own files


@pytest.mark.parametrize("make", [lambda: AudioNTT2020(d=32), lambda: AudioNTT2022(n_mels=32, d=600, hidden=16)])
def test_round_trip(make: Any, tmp_path: Path) -> None:
    original = trained(make()).to(memory_format=torch.channels_last)
    front_end = FrontEnd(mel="htk", n_mels=original.n_mels)
    path = tmp_path / "run" / "encoder.safetensors"
    save_encoder(path, original, front_end=front_end, mean=-9.25, std=4.5, metadata={"steps": 12, "name": "é"})
    for given in (path, str(path), path.parent):
        loaded = load_encoder(given)
        assert type(loaded.encoder) is type(original)
        assert same(loaded.encoder, original)
        assert not loaded.encoder.training
        assert all(parameter.requires_grad for parameter in loaded.encoder.parameters())
        assert (loaded.front_end, loaded.mean, loaded.std) == (front_end, -9.25, 4.5)
        assert loaded.metadata == {"steps": 12, "name": "é"}
        assert loaded.sha256 == encoder_hash(original)
    x = torch.randn(2, 1, original.n_mels, 40)
    torch.testing.assert_close(loaded.encoder(x), original(x), rtol=1e-5, atol=1e-5)


def test_equal_content_gives_equal_bytes(encoder: AudioNTT2020, tmp_path: Path) -> None:
    for number in range(5):
        save_encoder(
            tmp_path / f"{number}", encoder, front_end=FrontEnd(), mean=0.0, std=1.0, metadata={"b": 1, "a": 2}
        )
    assert len({(tmp_path / f"{number}").read_bytes() for number in range(5)}) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [str(number) for number in range(5)]


def test_hash_is_of_the_content(encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = write(tmp_path / "published.pth", state(encoder))
    assert load_encoder(path).sha256 == encoder_hash(encoder)
    assert encoder_hash(trained(AudioNTT2020(d=32), seed=1)) != encoder_hash(encoder)


def test_saving_refuses_what_could_not_be_loaded(encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    with pytest.raises(TypeError, match="AudioNTT"):
        save_encoder(path, nn.Linear(2, 2), front_end=FrontEnd(), mean=0.0, std=1.0, metadata={})
    for mean, std in ((float("nan"), 1.0), (0.0, 0.0)):
        with pytest.raises(ValueError, match="std"):
            save_encoder(path, encoder, front_end=FrontEnd(), mean=mean, std=std, metadata={})
    with pytest.raises(TypeError):
        save_encoder(path, encoder, front_end=FrontEnd(), mean=0.0, std=1.0, metadata={"x": torch.zeros(1)})
    assert not path.exists()


def with_header(data: bytes, change: Any) -> bytes:
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    change(header["__metadata__"])
    config = header["__metadata__"].get("config", "")
    header["__metadata__"]["config_sha256"] = hashlib.sha256(config.encode()).hexdigest()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def change_config(metadata: dict[str, str], **changes: Any) -> None:
    metadata["config"] = json.dumps({**json.loads(metadata["config"]), **changes})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda header: header.update(version="3"), "version 3"),
        (lambda header: header.update(config="{"), "header"),
        (lambda header: header.pop("config"), "header"),
        (lambda header: change_config(header, encoder={"name": "ResNet", "arguments": {}}), "header"),
        (lambda header: change_config(header, encoder={"name": "AudioNTT2020", "arguments": {"e": 1}}), "header"),
        (
            lambda header: change_config(header, encoder={"name": "AudioNTT2020", "arguments": {"d": 64}}),
            "expected shape",
        ),
        (lambda header: change_config(header, front_end={"hop": -1}), "hop"),
        (lambda header: change_config(header, std=0.0), "damaged"),
        (lambda header: header.update(sha256="0" * 64), "damaged"),
    ],
)
def test_a_wrong_header_is_refused(change: Any, named: str, encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, encoder, front_end=FrontEnd(), mean=0.0, std=1.0, metadata={})
    path.write_bytes(with_header(path.read_bytes(), change))
    assert named in refusal(path)


def test_every_flipped_bit_is_noticed(encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, encoder, front_end=FrontEnd(), mean=0.0, std=1.0, metadata={})
    data = path.read_bytes()
    header = 8 + struct.unpack("<Q", data[:8])[0]
    places = [*range(0, header, 7), *np.linspace(header, len(data) - 1, 60).astype(int), len(data) - 100]
    for number, place in enumerate(places):
        flipped = bytearray(data)
        flipped[place] ^= 1 << number % 8
        path.write_bytes(bytes(flipped))
        with pytest.raises(DataError):
            load_encoder(path)


def test_a_file_of_version_1_opens(encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, encoder, front_end=FrontEnd(), mean=0.0, std=1.0, metadata={})

    def as_before(metadata: dict[str, str]) -> None:
        metadata.update(version="1")

    data = with_header(path.read_bytes(), as_before)
    path.write_bytes(data.replace(b"config_sha256", b"another_entry"))
    assert load_encoder(path).sha256 == encoder_hash(encoder)


def test_an_encoder_that_has_diverged_is_not_written(encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    path.write_bytes(b"the last good one")
    diverged = copy.deepcopy(encoder)
    with torch.no_grad():
        diverged.features[1].running_mean[3] = torch.nan  # type: ignore[operator]
    with pytest.raises(DataError, match=r"diverged \(features.1.running_mean"):
        save_encoder(path, diverged, front_end=FrontEnd(), mean=0.0, std=1.0, metadata={})
    assert path.read_bytes() == b"the last good one"


# ---- published and wrapped files


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_prefixes_and_wrappings(prefix: str, key: str | None, encoder: AudioNTT2020, tmp_path: Path) -> None:
    value: Any = state(encoder, prefix)
    loaded = load_encoder(write(tmp_path / "weights.pth", value if key is None else {"epoch": 3, key: value}))
    assert same(loaded.encoder, encoder)
    assert (loaded.mean, loaded.std, loaded.front_end) == (None, None, FrontEnd())
    assert "all 25 tensors matched" in loaded.report
    assert f"{prefix!r}" in loaded.report or not prefix
    assert "AudioNTT2020(n_mels=64, d=32)" in loaded.report


def test_class_and_sizes_are_read_from_shapes(tmp_path: Path) -> None:
    for original in (AudioNTT2020(n_mels=80, d=48), AudioNTT2022(n_mels=32, d=600, hidden=24)):
        loaded = load_encoder(write(tmp_path / "weights.pth", state(original)))
        assert type(loaded.encoder) is type(original)
        assert loaded.encoder.arguments == original.arguments


def test_legacy_torch_files_safetensors_and_half_precision(encoder: AudioNTT2020, tmp_path: Path) -> None:
    torch.save(state(encoder), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert same(load_encoder(tmp_path / "old.pth").encoder, encoder)
    save_file(dict(state(encoder, "model.")), tmp_path / "other.safetensors")
    assert same(load_encoder(tmp_path / "other.safetensors").encoder, encoder)
    half = load_encoder(
        write(
            tmp_path / "half.pth",
            {name: tensor.half() for name, tensor in state(encoder).items() if tensor.ndim}
            | {name: tensor for name, tensor in state(encoder).items() if not tensor.ndim},
        )
    )
    assert all(parameter.dtype == torch.float32 for parameter in half.encoder.parameters())


def test_the_names_of_the_layer_wise_variant(encoder: AudioNTT2020, tmp_path: Path) -> None:
    names = {"features.0": "conv1.0", "features.1": "conv1.1", "features.4": "conv2.0", "features.5": "conv2.1"}
    names |= {"features.8": "conv3.0", "features.9": "conv3.1", "fc.0": "fc1.0", "fc.3": "fc2.1"}
    renamed = {
        f"{names[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": each for name, each in state(encoder).items()
    }
    loaded = load_encoder(write(tmp_path / "x.pth", renamed))
    assert same(loaded.encoder, encoder)
    assert "AudioNTT2020X" in loaded.report


def lightning_byol(encoder: nn.Module, online_shift: float) -> dict[str, Any]:
    """A BYOL learner in Lightning's wrapping: the network twice, its target, heads, front end, statistics."""
    heads = {
        "learner.online_encoder.projector.net.0.weight": torch.zeros(3, 3),
        "learner.online_predictor.net.0.bias": torch.zeros(3),
    }
    front = {
        "to_spec.mel_basis": torch.zeros(64, 513),
        "to_spec.stft.wsin": torch.zeros(2, 2),
        "pre_norm.mean": torch.zeros(()),
    }
    weights = {
        **state(encoder, "learner.target_encoder.net.", shift=1.0),
        **state(encoder, "learner.net.", shift=online_shift),
        **state(encoder, "learner.online_encoder.net."),
        **heads,
        **front,
    }
    return {
        "state_dict": weights,
        "epoch": 4,
        "pytorch-lightning_version": "2.5.0",
        "optimizer_states": [{"state": {}}],
    }


@pytest.mark.parametrize("online_shift", [0.0, 2.0])
def test_the_online_network_is_chosen(online_shift: float, encoder: AudioNTT2020, tmp_path: Path) -> None:
    loaded = load_encoder(write(tmp_path / "last.ckpt", lightning_byol(encoder, online_shift)))
    assert same(loaded.encoder, encoder)
    assert "'learner.online_encoder.net.'" in loaded.report
    for part in ("learner.target_encoder (25)", "learner.online_predictor (1)", "to_spec (1)", "pre_norm (1)"):
        assert part in loaded.report


def test_a_target_network_alone_is_refused(encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = write(tmp_path / "weights.pth", state(encoder, "learner.target_encoder.net."))
    assert "target network only" in refusal(path)


def test_two_different_encoders_are_refused(encoder: AudioNTT2020, tmp_path: Path) -> None:
    both = {**state(encoder, "left."), **state(encoder, "right.", shift=1.0)}
    message = refusal(write(tmp_path / "weights.pth", both))
    assert "left" in message
    assert "right" in message


@pytest.mark.parametrize("method", [BYOL, InfoNCE])
def test_a_training_checkpoint_of_ours(method: Any, encoder: AudioNTT2020, tmp_path: Path) -> None:
    model = method(encoder, 32, hidden_size=16, projection_size=8)
    if method is BYOL:
        trained(model.teacher, seed=5)
    optimizer = torch.optim.AdamW(model.parameters())
    sum(parameter.sum() for parameter in model.parameters() if parameter.requires_grad).backward()
    optimizer.step()
    checkpoint = {
        "format": "randquant-checkpoint",
        "version": 1,
        "step": 40,
        "settings": {"mel": "htk", "backend": "native", "method": "byol", "augment": "rrc+rq", "seed": 3},
        "method": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "views": [{"normalise.mean": torch.tensor(-9.0), "normalise.std": torch.tensor(4.0)}],
    }
    loaded = load_encoder(write(tmp_path / "checkpoint.pt", checkpoint))
    assert same(loaded.encoder, model.encoder)
    assert (loaded.front_end.mel, loaded.mean, loaded.std) == ("htk", -9.0, 4.0)
    assert loaded.metadata["step"] == 40
    average = AveragedEncoder(trained(AudioNTT2020(d=32), seed=9), 0.9)
    loaded = load_encoder(write(tmp_path / "averaged.pt", checkpoint | {"average": average.state_dict()}))
    assert same(loaded.encoder, average.network), "what the run exports"
    del checkpoint["views"]
    assert "an encoder of sound" in refusal(write(tmp_path / "checkpoint.pt", checkpoint))


# ---- what is refused


def test_tensors_that_do_not_fit_are_named(encoder: AudioNTT2020, tmp_path: Path) -> None:
    def changed(**changes: Tensor | None) -> Path:
        weights = {**state(encoder), **{name.replace("__", "."): tensor for name, tensor in changes.items()}}
        return write(tmp_path / "w.pth", {name: tensor for name, tensor in weights.items() if tensor is not None})

    assert "features.5.running_mean" in refusal(changed(features__5__running_mean=None))
    assert "features.4.bias" in refusal(changed(features__4__bias=torch.zeros(32)))
    assert "fc.5.weight" in refusal(changed(fc__5__weight=torch.zeros(2, 2)))
    assert "features.12.weight" in refusal(changed(features__12__weight=torch.zeros(64, 64, 3, 3)))
    assert "fc.0.weight" in refusal(changed(fc__0__weight=None))
    assert "unknown purpose" in refusal(changed(attention__query=torch.zeros(3)))
    assert "NaN" in refusal(changed(fc__3__bias=torch.full((32,), torch.nan)))
    assert "int8" in refusal(changed(fc__3__bias=torch.zeros(32, dtype=torch.int8)))


@pytest.mark.parametrize(
    "weights",
    [
        {"conv1.weight": torch.zeros(64, 3, 7, 7), "fc.weight": torch.zeros(10, 512)},  # a ResNet
        {"features.0.weight": torch.zeros(64, 3, 11, 11), "classifier.1.weight": torch.zeros(4, 4)},  # an AlexNet
        {},
        {"features.0.weight": torch.zeros(64, 1, 3, 3)},
        projector(4, 4, 4).state_dict(),
        [torch.zeros(3)],
        torch.zeros(3),
        "text",
    ],
)
def test_weights_of_other_networks_are_refused(weights: Any, tmp_path: Path) -> None:
    message = refusal(write(tmp_path / "weights.pth", weights))
    assert "AudioNTT2020" in message


class Malicious:
    """Unpickling this would run a command."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.witness}",)


@pytest.mark.parametrize("kind", ["torch", "torch-legacy", "pickle-2", "pickle-5", "inside a state dict"])
def test_a_pickle_that_would_execute_code_is_refused(kind: str, encoder: AudioNTT2020, tmp_path: Path) -> None:
    witness, path = tmp_path / "executed", tmp_path / "weights.pth"
    evil = Malicious(witness)
    if kind.startswith("pickle"):
        path.write_bytes(pickle.dumps(evil, protocol=int(kind[-1])))
    else:
        value = {**state(encoder), "x": evil} if kind == "inside a state dict" else evil
        torch.save(value, path, _use_new_zipfile_serialization=kind != "torch-legacy")
    message = refusal(path)
    assert "nothing was executed" in message
    assert not witness.exists()
    pickle.loads(pickle.dumps(evil))  # the witness does appear where a pickle is executed
    assert witness.exists()


@pytest.mark.parametrize("kept", [0, 4, 12, 100, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["torch", "torch-legacy", "ours"])
def test_truncated_files_are_refused(kind: str, kept: float, encoder: AudioNTT2020, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    if kind == "ours":
        save_encoder(path, encoder, front_end=FrontEnd(), mean=0.0, std=1.0, metadata={})
    else:
        torch.save(state(encoder), path, _use_new_zipfile_serialization=kind == "torch")
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    refusal(path)


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    for content in (
        b"<!DOCTYPE html>",
        b"RIFF....WAVE",
        b"\x80",
        b"\x80\x04N.",
        b"12345678{not json",
        b"PK\x03\x04junk",
    ):
        path.write_bytes(content)
        refusal(path)
    path.write_bytes((5).to_bytes(8, "little") + b"{}   ")
    assert "AudioNTT2020" in refusal(path)


def test_missing_paths_and_unfinished_runs(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere")
    assert "folder without" in refusal(tmp_path)
    (tmp_path / "checkpoint.pt").touch()
    assert "not finished" in refusal(tmp_path)


# ---- the untrained baseline


@pytest.mark.parametrize(("name", "d"), [("AudioNTT2020", 32), ("AudioNTT2022", 1040)])
def test_untrained_encoders_depend_on_the_seed_alone(name: str, d: int) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, again, other = (untrained_encoder(name, d, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(one.encoder, AudioNTT)
    assert type(one.encoder) is ENCODERS[name]
    assert one.encoder.embedding_size() == d
    assert not one.encoder.training
    assert one.sha256 == again.sha256 != other.sha256
    assert (one.mean, one.std) == (None, None)


def test_an_unknown_untrained_encoder_is_refused() -> None:
    with pytest.raises(UsageError, match="AudioNTT2020"):
        untrained_encoder("ResNet", 32, 0)
    with pytest.raises(ValueError, match="d should exceed"):
        untrained_encoder("AudioNTT2022", 512, 0)
