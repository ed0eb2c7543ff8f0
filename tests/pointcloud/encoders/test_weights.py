"""Weights of point-cloud encoders: our own files, published ones, and what is refused."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.encoders.weights import load_encoder as load_audio_encoder
from randquant.audio.encoders.weights import save_encoder as save_audio_encoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.errors import DataError, UsageError
from randquant.pointcloud.encoders.named_encoder import named_encoder
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import is_of_points, load_encoder, save_encoder, untrained_encoder
from randquant.pointcloud.points.layout import XYZ, XYZ_NORMALS
from randquant.ssl.byol import BYOL
from randquant.ssl.infonce import InfoNCE
from randquant.ssl.moco import MoCo
from randquant.weights.weight_file import network_hash, read_weights

State = dict[str, Tensor]


def trained(encoder: Any, seed: int = 0) -> Any:
    """Weights and statistics that differ from those of initialisation."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in encoder.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.1 + 0.01)
        else:
            tensor.fill_(7)
    return encoder.eval()


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


@pytest.fixture(scope="module")
def lite() -> PointNetLite:
    return trained(PointNetLite(d=32))


# ---- our own files


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_round_trip(name: str, channels: int, tmp_path: Path) -> None:
    original = trained(ENCODERS[name](d=64, channels=channels))  # type: ignore[call-arg]
    path = tmp_path / "run" / "encoder.safetensors"
    save_encoder(path, original, points=512, metadata={"step": 12, "name": "é"})
    for given in (path, str(path), path.parent):
        loaded = load_encoder(given)
        assert type(loaded.encoder) is type(original)
        assert same(loaded.encoder, original)
        assert loaded.encoder.arguments == original.arguments
        assert not loaded.encoder.training
        assert (loaded.points, loaded.up, loaded.normalise) == (512, "z", "unit_sphere")
        assert loaded.layout == (XYZ if channels == 3 else XYZ_NORMALS)
        assert loaded.metadata == {"step": 12, "name": "é"}
        assert loaded.sha256 == network_hash(original)
    assert is_of_points(read_weights(path))
    points = torch.rand(2, 64, channels)
    with torch.no_grad():
        torch.testing.assert_close(loaded.encoder(points), original(points))


def test_equal_content_gives_equal_bytes(lite: PointNetLite, tmp_path: Path) -> None:
    for number in range(3):
        save_encoder(tmp_path / f"{number}", lite, points=512, metadata={"b": 1, "a": 2})
    assert len({(tmp_path / f"{number}").read_bytes() for number in range(3)}) == 1


def test_saving_refuses_what_could_not_be_loaded(lite: PointNetLite, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    with pytest.raises(TypeError, match="PointNetLite"):
        save_encoder(path, nn.Linear(2, 2), points=512, metadata={})
    for points in (0, True, 2.0):
        with pytest.raises(ValueError, match="points"):
            save_encoder(path, lite, points=points, metadata={})  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        save_encoder(path, lite, points=1, metadata={"x": torch.zeros(1)})
    assert not path.exists()


def change_config(path: Path, **changes: Any) -> None:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    config = json.loads(header["__metadata__"]["config"])
    changed = json.dumps({**config, **changes})
    header["__metadata__"] |= {"config": changed, "config_sha256": hashlib.sha256(changed.encode()).hexdigest()}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"encoder": {"name": "PointNetLite"}}, "header"),
        ({"encoder": {"name": "PointNetLite", "arguments": {"e": 1}}}, "header"),
        ({"encoder": {"name": "PointNetLite", "arguments": {"d": 64}}}, "expected shape"),
        ({"points": 0}, "damaged"),
        ({"up": "w"}, "damaged"),
        ({"channels": ["x", "y", "z", "nx", "ny", "nz"]}, "damaged"),
        ({"training": 3}, "header"),
    ],
)
def test_a_wrong_header_is_refused(changes: Any, named: str, lite: PointNetLite, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, lite, points=512, metadata={})
    change_config(path, **changes)
    assert named in refusal(path)


def test_modalities_are_told_apart(lite: PointNetLite, tmp_path: Path) -> None:
    sound, shape = tmp_path / "sound.safetensors", tmp_path / "shape.safetensors"
    save_audio_encoder(sound, AudioNTT2020(d=8), front_end=FrontEnd(), mean=0.0, std=1.0, metadata={})
    save_encoder(shape, lite, points=512, metadata={})
    assert (is_of_points(read_weights(sound)), is_of_points(read_weights(shape))) == (False, True)
    assert "encoder of audio" in refusal(sound)
    with pytest.raises(DataError, match="encoder of points"):
        load_audio_encoder(shape)


@pytest.mark.parametrize("method", [BYOL, InfoNCE, MoCo])
def test_a_training_checkpoint_of_ours(method: Any, lite: PointNetLite, tmp_path: Path) -> None:
    model = method(lite, lite.embedding_size(), hidden_size=16, projection_size=8)
    if method is not InfoNCE:
        trained(model.teacher, seed=5)
    checkpoint = {
        "format": "randquant-checkpoint",
        "version": 1,
        "step": 40,
        "settings": {
            "encoder": "PointNetLite",
            "d": 32,
            "normals": False,
            "points": 256,
            "method": "byol",
            "augment": "geo+rq",
            "seed": 3,
        },
        "method": model.state_dict(),
        "views": [{}],
    }
    path = write(tmp_path / "checkpoint.pt", checkpoint)
    loaded = load_encoder(path)
    assert same(loaded.encoder, model.encoder)
    assert (loaded.points, loaded.up, loaded.metadata["step"]) == (256, "z", 40)
    assert is_of_points(read_weights(path))
    del checkpoint["settings"]["points"]
    assert "pretrain_pointcloud" in refusal(write(tmp_path / "checkpoint.pt", checkpoint))
    assert not is_of_points(read_weights(path))


# ---- bare state dicts


@pytest.mark.parametrize("prefix", ["", "module.", "encoder.", "learner.online_encoder.net."])
@pytest.mark.parametrize("key", [None, "state_dict"])
def test_a_state_dict_under_any_prefix(prefix: str, key: str | None, lite: PointNetLite, tmp_path: Path) -> None:
    value: Any = {prefix + name: tensor for name, tensor in lite.state_dict().items()}
    path = write(tmp_path / "x.pt", value if key is None else {key: value, "epoch": 3})
    loaded = load_encoder(path)
    assert same(loaded.encoder, lite)
    assert loaded.up == "z"
    assert loaded.points is None
    assert is_of_points(read_weights(path))


def test_the_order_of_names_in_a_file_does_not_matter(lite: PointNetLite, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file(dict(lite.state_dict()), path)  # sorts them by kind and name
    assert same(load_encoder(path).encoder, lite)


@pytest.mark.parametrize("dtype", [torch.float16, torch.int64])
def test_numbers_of_another_kind_are_named(dtype: torch.dtype, lite: PointNetLite, tmp_path: Path) -> None:
    message = refusal(write(tmp_path / "x.pt", {name: each.to(dtype) for name, each in lite.state_dict().items()}))
    assert ("integer is expected" in message) == dtype.is_floating_point
    assert str(dtype) in message


def test_a_target_network_alone_and_unknown_parts_are_refused(lite: PointNetLite, tmp_path: Path) -> None:
    target = {f"target_encoder.{name}": tensor for name, tensor in lite.state_dict().items()}
    assert "target network only" in refusal(write(tmp_path / "x.pt", target))
    strange = {**lite.state_dict(), "attention.query": torch.zeros(3)}
    assert "attention.query" in refusal(write(tmp_path / "x.pt", strange))


# ---- names on the command line


def test_untrained_encoders_depend_on_the_seed_alone() -> None:
    before = torch.get_rng_state()
    one, again, other = (named_encoder("untrained:PointNetLite:32", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert one.sha256 == again.sha256 != other.sha256
    assert (one.points, one.up) == (None, "z")
    assert named_encoder("untrained:PointNetLite:32", seed=3, channels=6).layout == XYZ_NORMALS
    assert named_encoder("occupancy:4", seed=0).encoder.embedding_size() == 64


@pytest.mark.parametrize("name", ["untrained:ResNet:32", "untrained:PointNetLite", "untrained:PointNetLite:1"])
def test_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--checkpoint untrained"):
        named_encoder(name, seed=0)
    with pytest.raises(UsageError, match="PointNetLite"):
        untrained_encoder("ResNet", 32, 0)
