"""`randquant.load`: every modality by one name, with the libraries of its own extra, from any folder."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import randquant
from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.errors import DataError, UsageError
from randquant.loading.modalities import READY, modality_of, ready_class
from randquant.loading.ready_encoder import ReadyEncoder
from tests.hidden_packages import run_with

# Beside torch and numpy: what opens weights, reads a recording or a picture, and orders points.
ENOUGH = ("torch", "numpy", "safetensors", "soundfile", "soxr", "numba", "pillow")
ALONE = """
import warnings
warnings.simplefilter("ignore")
import numpy, randquant, soundfile
soundfile.write("x.wav", numpy.sin(numpy.arange(9_000) / 9), 22_050)
sound = randquant.load("untrained:AudioNTT2020:8")
print(*sound("x.wav").shape, *sound(numpy.sin(numpy.arange(9_000) / 9), sample_rate=22_050).shape)
print(*sound.frames("x.wav").vectors.shape)
print(*randquant.load("untrained:PointNetLite:16")(numpy.random.default_rng(0).normal(size=(2, 99, 3))).shape)
print(*randquant.load("untrained:small_cnn:0.25")(numpy.zeros((20, 20, 3), numpy.uint8)).shape)
print(*randquant.load("untrained:MLP:1", blocks=[3])(numpy.zeros(3)).shape)
"""


def test_an_extra_alone_is_enough_from_any_folder(tmp_path: Path) -> None:
    assert run_with(ENOUGH, ALONE, folder=tmp_path).splitlines() == ["8 8", "1 5 8", "2 32", "64", "32"]


def test_every_modality_keeps_the_contract() -> None:
    for modality in READY:
        ready = ready_class(modality)
        assert issubclass(ready, ReadyEncoder)
        assert ready.modality == modality
        for name in ready.networks:
            assert modality_of(f"untrained:{name}:8") == modality


@pytest.mark.parametrize(
    ("name", "options", "x", "how"),
    [
        ("AudioNTT2020:8", {"statistics": (-7.0, 5.5)}, np.sin(np.arange(9_000) / 9), {"sample_rate": 16_000}),
        ("PointNetLite:16", {"points": 99}, np.random.default_rng(0).normal(size=(2, 99, 3)), {}),
        (
            "small_cnn:0.25",
            {"statistics": ([0.5] * 3, [0.2] * 3)},
            np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8),
            {},
        ),
        ("MLP:1", {"blocks": [3]}, np.array([1.0, 2.0, -3.0]), {}),
    ],
)
def test_every_modality_computes_in_bf16(name: str, options: dict[str, Any], x: Any, how: dict[str, Any]) -> None:
    exact, rounded = (
        randquant.load(f"untrained:{name}", precision=precision, **options) for precision in ("32", "bf16")
    )
    found, expected = rounded(x, **how), exact(x, **how)
    assert found.dtype == torch.float32
    assert 0 < float((found - expected).abs().max()) < 0.05 * float(expected.abs().max())
    if name.startswith("AudioNTT"):
        found, expected = rounded.frames(x, **how).vectors, exact.frames(x, **how).vectors
        assert 0 < float((found - expected).abs().max()) < 0.05 * float(expected.abs().max())


def test_weights_of_no_modality_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    torch.save({"layer.weight": torch.ones(3, 4)}, tmp_path / "any.pth")
    with pytest.raises(DataError, match=r"holds no encoder of ours \(AudioNTT.*PointNet.*it has layer.weight"):
        modality_of(str(tmp_path / "any.pth"))


def test_what_is_no_name_or_option_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="of audio has no option sample_rate; it has statistics, channel"):
        randquant.load("untrained:AudioNTT2020:8", sample_rate=8_000)
    with pytest.raises(UsageError, match="does not name an untrained encoder"):
        randquant.load("untrained:Transformer:8")
    for name in ("untrained:AudioNTT2020", "occupancy:x", "python:no_such_module:make"):
        with pytest.raises(UsageError, match=f"^{name}[ :]"):  # without --checkpoint, which was not typed
            randquant.load(name)
    with pytest.raises(UsageError, match=r"^device gpu cannot be used here"):
        randquant.load("untrained:AudioNTT2020:8", device="gpu")
    with pytest.raises(UsageError, match="precision='fp16' should be one of auto, 32, bf16"):
        randquant.load("untrained:AudioNTT2020:8", precision="fp16")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="does not exist"):
        randquant.load(tmp_path / "nowhere")


def test_a_run_is_named_by_its_folder_and_its_seed() -> None:
    first, same, other = (
        randquant.load("untrained:AudioNTT2020:8", seed=seed, statistics=(0.0, 1.0)) for seed in (1, 1, 2)
    )
    assert isinstance(first, AudioReadyEncoder)
    assert first.sha256 == same.sha256 != other.sha256
    assert "untrained, seed 1" in repr(first)


@pytest.mark.filterwarnings("ignore:.*(silent|fewer points)")
def test_the_block_of_the_readme_runs() -> None:
    page = (Path(__file__).resolve().parents[3] / "README.md").read_text()
    block = re.search(r"## One call\n.*?```python\n(.*?)```", page, re.DOTALL)
    assert block
    found: dict[str, Any] = {}
    exec(compile(block[1], "README.md, One call", "exec"), found)
    shapes = {name: tuple(found[name].shape) for name in ("vector", "vectors", "batch", "features", "of_points")}
    expected = {"vector": (512,), "vectors": (2, 512), "batch": (2, 512), "features": (512,), "of_points": (2, 128)}
    assert shapes == expected
    assert found["frames"].vectors.shape == (1, 12, 512)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": "a"}, "seed='a' should be a whole number"),
        ({"seed": 1.5}, "whole number"),
        ({"device": torch.device("cuda", 99)}, "cuda:99 cannot be used here"),
        ({"statistics": (1.0,)}, "should be (mean, deviation)"),
        ({"channel": "middle"}, "one of mean, left, right, loudest"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_it_is_used(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        randquant.load("untrained:AudioNTT2020:8", **{"statistics": (-7.0, 5.5), **options})


def test_arrays_that_do_not_say_plainly_what_they_hold_are_refused() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    encoder = randquant.load("untrained:PointNetLite:16", points=20)
    for unclear in (np.ma.masked_array(points, mask=points > 1), points.astype(complex), points.T, points.T[None]):
        with pytest.raises(UsageError, match=r"masked|complex|channels before points"):
            encoder(unclear)


@pytest.mark.parametrize("rate", ["16000", float("inf"), True, (16_000, 8_000)])
def test_a_rate_that_is_none_is_refused(rate: Any) -> None:
    encoder = randquant.load("untrained:AudioNTT2020:8", statistics=(-7.0, 5.5))
    with pytest.raises(UsageError, match=r"sample_rate="):
        encoder(np.zeros(900), sample_rate=rate)


@pytest.mark.parametrize("size", [0, 2.5, "32", 1])
def test_a_size_that_no_picture_has_is_refused(size: Any) -> None:
    with pytest.raises(UsageError, match=r"size="):
        randquant.load("untrained:small_cnn:0.25", size=size, statistics=([0.5] * 3, [0.2] * 3))


def test_a_foreign_encoder_that_looks_at_the_batch_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "looks_beside.py").write_text(
        "class make:\n    modality = 'points'\n    dimension = 3\n"
        "    def __call__(self, x): return x.amax(1) + x.amax((0, 1))\n"
    )
    with pytest.warns(UserWarning, match="with what shares its batch"):
        randquant.load("python:looks_beside:make")
    with pytest.raises(UsageError, match=r"without \.py"):
        randquant.load("python:./looks_beside:make")


def ready() -> list[tuple[ReadyEncoder[Any], dict[str, Any], Any, Any]]:
    """An encoder of each modality, what its calls take, one input, and a batch of none."""
    return [
        (
            randquant.load("untrained:AudioNTT2020:8", statistics=(-7.0, 5.5)),
            {"sample_rate": 16_000, "axes": "BT"},
            torch.ones(900),
            torch.zeros(0, 900),
        ),
        (randquant.load("untrained:PointNetLite:16", points=20), {}, torch.rand(30, 3), torch.zeros(0, 30, 3)),
        (
            randquant.load("untrained:small_cnn:0.25", statistics=([0.5] * 3, [0.2] * 3)),
            {},
            torch.rand(3, 9, 9),
            torch.zeros(0, 3, 9, 9),
        ),
        (randquant.load("untrained:MLP:1", blocks=[3]), {}, torch.rand(3), torch.zeros(0, 3)),
    ]


def test_no_inputs_give_no_vectors_in_every_modality() -> None:
    for encoder, how, _, none in ready():
        empties: list[Any] = [[], (), none, none.numpy()]
        for empty in empties:
            vectors = encoder(empty, **how)
            assert vectors.shape == (0, encoder.dimension()), encoder
            assert vectors.dtype == torch.float32


@pytest.mark.parametrize("device", ["meta", "cuda:99", "mps", "nonsense", None])
def test_a_device_that_cannot_compute_is_refused(device: Any) -> None:
    with pytest.raises(UsageError, match="cannot be used here; give auto, cpu or cuda"):
        randquant.load("untrained:MLP:1", blocks=[3], device=device)


def test_an_encoder_without_numbers_says_so() -> None:
    for encoder, how, one, _ in ready():
        with pytest.raises(UsageError, match='device "meta", which holds no numbers'):
            encoder.to("meta")(one, **how)


def test_what_is_no_file_is_said_in_every_modality(tmp_path: Path) -> None:
    for encoder, how, *_ in ready()[:3]:
        for name in (tmp_path / "none.x", "a\0b", tmp_path):
            with pytest.raises(DataError, match=r"does not exist|No such file|folder|cannot be read"):
                encoder(name, **how)


def test_a_list_of_lists_is_no_list_of_clouds() -> None:
    with pytest.raises(UsageError, match="shape 0 of the list is itself a list"):
        randquant.load("untrained:PointNetLite:16", points=1)([[0.0, 1.0, 2.0]])


def test_numbers_that_no_row_has_are_not_blamed_on_the_weights() -> None:
    with pytest.raises(DataError, match="too large for single precision"):
        randquant.load("untrained:MLP:1", blocks=[3])(np.full(3, 1e300))


@pytest.mark.filterwarnings("ignore:of 1 inputs 1 silent")
def test_integers_stand_at_the_full_scale_of_their_type() -> None:
    encoder = randquant.load("untrained:AudioNTT2020:8", statistics=(-7.0, 5.5))
    wave = np.sin(np.arange(9_000) / 9) * 0.5
    expected = encoder(wave, sample_rate=16_000)
    scales = {np.int16: 2**15, np.int32: 2**31}
    for kind, scale in scales.items():
        found = encoder(np.rint(wave * scale).astype(kind), sample_rate=16_000)
        assert torch.allclose(found, expected, atol=1e-3)
    coarse = encoder(np.rint(wave * 2**7).astype(np.int8), sample_rate=16_000)
    unsigned = encoder((np.rint(wave * 2**7) + 128).astype(np.uint8), sample_rate=16_000)
    assert torch.equal(coarse, unsigned)
    for other in ("int64", "uint16", "bool"):  # no recording has these, and their numbers may be of any scale
        with pytest.raises(DataError, match="no full scale that recordings use"):
            encoder(np.full(900, 2**60).astype(other), sample_rate=16_000)
    with pytest.warns(UserWarning, match="int32 that int16 could hold"):
        encoder(np.rint(wave * 2**15).astype(np.int32), sample_rate=16_000)
