"""One call for sound: a vector is the row that embed writes, and depends on its own input alone."""

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

import randquant
from randquant.audio.embedding.embedder import Embedder
from randquant.audio.encoders.weights import LoadedEncoder, load_encoder, save_encoder, untrained_encoder
from randquant.audio.inputs import read_inputs
from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.audio.samples import Intake
from randquant.errors import UserError

RATE = 44_100
SOUNDS = {"short.wav": (0.05, 1), "stereo.wav": (0.7, 2), "second.flac": (1.0, 1), "long.wav": (10.6, 1)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    generator = np.random.default_rng(0)
    for name, (seconds, channels) in SOUNDS.items():
        noise = generator.uniform(-0.3, 0.3, (round(seconds * RATE), channels))
        soundfile.write(folder / name, noise.cumsum(0) % 0.5, RATE)
    return folder


@pytest.fixture(scope="module")
def weights(root: Path) -> Path:
    loaded = untrained_encoder("AudioNTT2020", 16, seed=0)
    path = root / "encoder.safetensors"
    save_encoder(path, loaded.encoder, front_end=loaded.front_end, mean=-6.0, std=4.0, metadata={"channel": "right"})
    return path


@pytest.fixture
def encoder(weights: Path) -> AudioReadyEncoder:
    return randquant.load(weights)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def rows(root: Path, weights: Path) -> torch.Tensor:
    loaded: LoadedEncoder = load_encoder(weights)
    Embedder(loaded, intake=Intake("right")).write(root, [*SOUNDS], root / "rows.parquet", checkpoint="test")
    return torch.from_numpy(np.stack(pq.read_table(root / "rows.parquet")["embedding"].to_numpy()))


def waveform(root: Path, name: str, dtype: str = "float32") -> np.ndarray:
    return soundfile.read(root / name, dtype=dtype, always_2d=True)[0]


def test_a_vector_is_the_row_that_embed_writes(encoder: AudioReadyEncoder, root: Path, rows: torch.Tensor) -> None:
    torch.testing.assert_close(encoder([root / name for name in SOUNDS]), rows, rtol=1e-6, atol=1e-6)
    for name, row in zip(SOUNDS, rows, strict=True):
        for x in (waveform(root, name), torch.from_numpy(waveform(root, name, "int16")), waveform(root, name, "int32")):
            torch.testing.assert_close(encoder(x, sample_rate=RATE, axes="TC"), row, rtol=1e-6, atol=1e-6)


def test_a_vector_does_not_depend_on_the_others(encoder: AudioReadyEncoder, root: Path) -> None:
    clips = [waveform(root, name)[:, 0] for name in SOUNDS]
    together = encoder([*clips, str(root / "second.flac")], sample_rate=RATE)
    assert together.shape == (5, 16)
    assert together.dtype == torch.float32
    torch.testing.assert_close(
        encoder([*reversed(clips)], sample_rate=RATE).flip(0), together[:4], rtol=1e-6, atol=1e-6
    )
    for clip, vector in zip(clips, together, strict=False):
        torch.testing.assert_close(encoder(clip, sample_rate=RATE), vector, rtol=1e-6, atol=1e-6)


def test_axes_say_what_an_array_holds(encoder: AudioReadyEncoder, root: Path) -> None:
    stereo = waveform(root, "stereo.wav")
    left, right = (encoder(channel, sample_rate=RATE) for channel in stereo.T)
    assert torch.equal(encoder(stereo.T, sample_rate=RATE, axes="CT"), right)  # as in its training
    assert torch.equal(encoder(stereo.T, sample_rate=RATE, axes="BT"), torch.stack([left, right]))
    assert torch.equal(encoder(stereo.T[None], sample_rate=[RATE], axes="BCT"), right[None])
    assert torch.equal(encoder(stereo[None], sample_rate=RATE, axes="BTC"), right[None])


def test_frames_are_those_of_the_whole_with_their_times(encoder: AudioReadyEncoder, root: Path) -> None:
    names = ["long.wav", "short.wav"]
    frames = encoder.frames([root / name for name in names], layer="conv")
    assert frames.vectors.shape == (2, 132, 512)
    assert frames.valid.tolist() == [132, 1]
    assert not frames.vectors[1, 1:].any()
    torch.testing.assert_close(frames.times, 0.035 + 0.08 * torch.arange(132, dtype=torch.float64))
    for name, vectors in zip(names, frames.vectors, strict=True):
        samples = read_inputs(root / name, None, None)[0][0][0]
        with torch.no_grad():
            whole = encoder.encoder.frames(encoder.prepare(torch.from_numpy(samples)[None]), "conv")[0]
        torch.testing.assert_close(vectors[: len(whole)], whole, rtol=1e-6, atol=1e-6)


def test_layers_have_their_dimensions(encoder: AudioReadyEncoder, root: Path) -> None:
    for layer in encoder.layers:
        assert encoder(root / "second.flac", layer=layer).shape == (encoder.dimension(layer),)
    assert encoder([]).shape == (0, 16)


def test_a_copy_travels_and_computes_in_another_type(encoder: AudioReadyEncoder, root: Path) -> None:
    vector = encoder(root / "second.flac")
    assert torch.equal(pickle.loads(pickle.dumps(encoder))(root / "second.flac"), vector)
    half = copy.deepcopy(encoder).half()
    assert half.prepare.normalise.mean.dtype == torch.float32
    found = half(root / "second.flac")
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, vector, rtol=0.01, atol=0.001)


def test_the_call_is_in_eval_mode_and_the_network_trains(encoder: AudioReadyEncoder, root: Path) -> None:
    vector = encoder(root / "second.flac")
    encoder.encoder.train()
    assert torch.equal(encoder(root / "second.flac"), vector)
    assert encoder.encoder.training
    torch.nn.Linear(16, 1)(encoder(root / "second.flac")).backward()  # a vector is an ordinary tensor
    waveforms = torch.rand(2, 8_000, requires_grad=True)
    encoder.encoder(encoder.prepare(waveforms)).sum().backward()
    assert waveforms.grad is not None
    assert waveforms.grad.any()


def test_statistics_that_are_missing_are_said(root: Path) -> None:
    with pytest.warns(UserWarning, match="those of everyday sounds: give statistics="):
        assert randquant.load("untrained:AudioNTT2020:8").statistics == (-7.0, 5.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = randquant.load("untrained:AudioNTT2020:8", statistics=(-6.0, 4.0))
        assert given(root / "short.wav").shape == (8,)


def test_what_levels_point_to_is_said(encoder: AudioReadyEncoder) -> None:
    loud = np.sin(np.arange(4_000) / 9) * 3
    with pytest.warns(UserWarning, match="of 2 inputs 1 silent, 1 cut off at full scale"):
        encoder([np.zeros(4_000), loud], sample_rate=16_000)


WRONG: dict[str, tuple[Callable[[AudioReadyEncoder], Any], str]] = {
    "no rate": (lambda encoder: encoder(np.zeros(9)), "does not say its sample rate; give sample_rate="),
    "two axes": (lambda encoder: encoder(np.zeros((2, 9)), sample_rate=8_000), 'say axes="BT"'),
    "other axes": (lambda encoder: encoder(np.zeros((2, 9)), sample_rate=8_000, axes="BCT"), "does not belong"),
    "empty": (lambda encoder: encoder(np.zeros(0), sample_rate=8_000), "holds no samples"),
    "short": (lambda encoder: encoder(np.zeros(2), sample_rate=900_000), "too short to hold a sample"),
    "NaN": (lambda encoder: encoder([np.full(99, np.nan)], sample_rate=8_000), "input 0 holds NaN or infinite"),
    "int64": (lambda encoder: encoder(np.arange(99), sample_rate=8_000), "no full scale"),
    "floats of integers": (lambda encoder: encoder(np.full(99, 900.0), sample_rate=8_000), "divide by"),
    "rate": (lambda encoder: encoder(np.zeros(99), sample_rate=22_050.5), "should be a whole number"),
    "rates": (lambda encoder: encoder([np.zeros(99)], sample_rate=[8_000, 9_000]), "2 rates for 1 inputs"),
    "layer": (lambda encoder: encoder(np.zeros(99), sample_rate=8_000, layer="last"), "no layer 'last'"),
    "type": (lambda encoder: encoder({"x": 1}), "give a path, a tensor, an array, or a list"),
    "path": (lambda encoder: encoder("nowhere.wav"), "nowhere.wav does not exist"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_taken_is_said(encoder: AudioReadyEncoder, what: str) -> None:
    call, message = WRONG[what]
    with pytest.raises(UserError, match=message):
        call(encoder)


def test_frames_are_the_rows_that_embed_writes(encoder: AudioReadyEncoder, weights: Path, root: Path) -> None:
    embedder = Embedder(load_encoder(weights), intake=Intake("right"), frames=True)
    embedder.write(root, ["stereo.wav"], root / "frames.parquet", checkpoint="test")
    table, frames = pq.read_table(root / "frames.parquet"), encoder.frames(root / "stereo.wav")
    assert table["time"].to_pylist() == pytest.approx(frames.times.tolist())
    rows = torch.from_numpy(np.stack(table["embedding"].to_numpy()))
    torch.testing.assert_close(frames.vectors[0], rows, rtol=1e-6, atol=1e-6)
