"""Embedding recordings: what a row is does not depend on what else is embedded with it."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

from audio import embedding
from audio.crops import SAMPLE_RATE
from audio.decode import read_audio
from audio.embedding import Embedder, decode_ahead, windows
from audio.logmel import LogMel
from audio.weights import LoadedEncoder, untrained_encoder
from randquant.errors import DataError

RECORDINGS = {  # name: (seconds, rate, channels)
    "a/short.wav": (0.3, 16_000, 1),
    "a/deep/stereo.flac": (1.7, 44_100, 2),
    "b/long.wav": (10.5, 8_000, 1),
    "b/same.wav": (0.3, 16_000, 1),
    "b/tiny.wav": (0.02, 16_000, 1),
    "c/second.wav": (1.0, 16_000, 1),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    generator = np.random.default_rng(0)
    for name, (seconds, rate, channels) in RECORDINGS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = generator.uniform(-0.5, 0.5, (round(seconds * rate), channels))
        soundfile.write(folder / name, noise, rate)
    return folder


@pytest.fixture
def loaded() -> LoadedEncoder:
    encoder = untrained_encoder("AudioNTT2020", 16, seed=0)
    encoder.mean, encoder.std = -6.0, 4.0
    return encoder


def embed(loaded: LoadedEncoder, root: Path, names: list[str], out: Path, **options: object) -> pa.Table:
    Embedder(loaded, **options).write(root, names, out, checkpoint="test")  # type: ignore[arg-type]
    return pq.read_table(out)


def vectors(table: pa.Table) -> np.ndarray:
    return np.stack(table["embedding"].to_numpy())


def encode(loaded: LoadedEncoder, samples: np.ndarray) -> np.ndarray:
    """The embedding of whole hops of a waveform, straightforwardly."""
    length = len(samples) // 160 * 160
    with torch.no_grad():
        log_mel = LogMel(loaded.front_end)(torch.from_numpy(samples[:length])[None])
        return loaded.encoder((log_mel + 6.0) / 4.0)[0].numpy()


@pytest.mark.parametrize("samples", [1, 800, 159_999, 160_000, 160_001, 1_000_000])
def test_equal_windows_cover_all_but_a_few_samples(samples: int) -> None:
    cut = windows(samples)
    bounds = cut.bounds()
    assert bounds[0][0] == 0
    assert all(stop == start for (_, stop), (start, _) in pairwise(bounds))
    assert samples - cut.count < bounds[-1][1] <= samples
    assert cut.length <= 160_000


@pytest.mark.parametrize(
    ("samples", "bounds"),
    [
        (300, [(0, 300)]),
        (16_000, [(0, 16_000)]),
        (16_700, [(0, 16_000)]),
        (40_000, [(0, 16_000), (16_000, 32_000), (32_000, 40_000)]),
    ],
)
def test_fixed_windows_end_with_a_rest_worth_having(samples: int, bounds: list) -> None:
    assert windows(samples, 1.0).bounds() == bounds


def test_a_row_a_recording_in_order(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    names = sorted(RECORDINGS)
    table = embed(loaded, root, names, tmp_path / "all.parquet")
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 16)
    assert table["path"].to_pylist() == names
    for row, name in enumerate(names):
        seconds = RECORDINGS[name][0]
        assert table["seconds"][row].as_py() == pytest.approx(seconds, abs=1e-4)
        assert (table["start"][row].as_py(), table["end"][row].as_py()) == (0, table["seconds"][row].as_py())
        if seconds < 10:
            expected = encode(loaded, read_audio(root / name))
            np.testing.assert_allclose(vectors(table)[row], expected, rtol=1e-4, atol=1e-5)


def test_a_long_recording_is_the_mean_of_its_windows(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    samples = read_audio(root / "b/long.wav")
    half = len(samples) // 2
    expected = (encode(loaded, samples[:half]) + encode(loaded, samples[half : 2 * half])) / 2
    table = embed(loaded, root, ["b/long.wav"], tmp_path / "x.parquet")
    np.testing.assert_allclose(vectors(table)[0], expected, rtol=1e-4, atol=1e-5)


def test_a_row_a_window(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    table = embed(loaded, root, ["b/long.wav", "a/short.wav"], tmp_path / "x.parquet", window=2.0)
    assert table["path"].to_pylist() == ["b/long.wav"] * 6 + ["a/short.wav"]
    assert table["start"].to_pylist() == [0, 2, 4, 6, 8, 10, 0]
    assert table["end"].to_pylist() == [2, 4, 6, 8, 10, 10.5, 0.3]
    samples = read_audio(root / "b/long.wav")
    for row, start in enumerate(range(0, len(samples), 2 * SAMPLE_RATE)):
        expected = encode(loaded, samples[start : start + 2 * SAMPLE_RATE])
        np.testing.assert_allclose(vectors(table)[row], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [None, 0.5])
def test_company_and_batch_size_change_nothing(
    loaded: LoadedEncoder, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: float | None
) -> None:
    names = sorted(RECORDINGS)
    together = embed(loaded, root, names, tmp_path / "all.parquet", window=window)
    monkeypatch.setattr(embedding, "batch_seconds", lambda device: 0.1)
    monkeypatch.setattr(embedding, "_AHEAD_SECONDS", 0.0)
    small = embed(loaded, root, names, tmp_path / "small.parquet", window=window, workers=1)
    np.testing.assert_allclose(vectors(small), vectors(together), rtol=1e-4, atol=1e-5)
    assert small.drop(["embedding"]).equals(together.drop(["embedding"]))


def test_provenance_is_in_the_file(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    table = embed(loaded, root, ["c/second.wav"], tmp_path / "x.parquet", layer="conv")
    facts = json.loads(table.schema.metadata[b"randquant"])
    assert facts["sha256"] == loaded.sha256
    assert facts["layer"] == "conv"
    assert facts["normalisation"] == {"mean": -6.0, "std": 4.0, "source": "checkpoint"}
    assert facts["front_end"]["n_mels"] == 64


def test_statistics_come_from_the_input_where_the_weights_have_none(root: Path, tmp_path: Path) -> None:
    bare = untrained_encoder("AudioNTT2020", 16, seed=0)
    summary = Embedder(bare).write(root, ["a/short.wav", "c/second.wav"], tmp_path / "x.parquet", checkpoint="test")
    assert summary.statistics_source == "the input, from 2 recordings"
    values = torch.cat(
        [
            LogMel()(torch.from_numpy(read_audio(root / name))[None]).flatten()
            for name in ("a/short.wav", "c/second.wav")
        ]
    )
    facts = json.loads(pq.read_schema(tmp_path / "x.parquet").metadata[b"randquant"])
    assert facts["normalisation"]["mean"] == pytest.approx(float(values.double().mean()), rel=1e-5)


@pytest.fixture
def spoilt(root: Path, tmp_path: Path) -> Path:
    for name in ("a.wav", "z.wav"):
        (tmp_path / name).write_bytes((root / "c/second.wav").read_bytes())
    (tmp_path / "m.wav").write_bytes(b"no sound")
    (tmp_path / "n.wav").write_bytes(b"")
    return tmp_path


def test_unreadable_recordings_are_skipped_and_listed(loaded: LoadedEncoder, spoilt: Path) -> None:
    names = ["a.wav", "m.wav", "n.wav", "z.wav"]
    summary = Embedder(loaded).write(spoilt, names, spoilt / "x.parquet", checkpoint="test")
    assert (summary.rows, summary.recordings) == (2, 2)
    assert [path for path, _ in summary.skipped] == ["m.wav", "n.wav"]
    table = pq.read_table(spoilt / "x.parquet")
    assert table["path"].to_pylist() == ["a.wav", "z.wav"]
    assert [entry["path"] for entry in json.loads(table.schema.metadata[b"randquant"])["skipped"]] == ["m.wav", "n.wav"]


@pytest.mark.parametrize("carries", [True, False])
def test_strict_or_nothing_readable_is_an_error_that_leaves_nothing(
    loaded: LoadedEncoder, spoilt: Path, carries: bool
) -> None:
    if not carries:
        loaded.mean = loaded.std = None
    with pytest.raises(DataError, match=r"m\.wav is not audio"):
        Embedder(loaded, strict=True).write(spoilt, ["a.wav", "m.wav"], spoilt / "x.parquet", checkpoint="test")
    with pytest.raises(DataError, match=r"None of the 2 recordings.*m\.wav"):
        Embedder(loaded).write(spoilt, ["m.wav", "n.wav"], spoilt / "x.parquet", checkpoint="test")
    assert sorted(path.name for path in spoilt.iterdir()) == ["a.wav", "m.wav", "n.wav", "z.wav"]


def test_silent_recordings_are_embedded_with_the_checkpoints_statistics_only(
    loaded: LoadedEncoder, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    assert Embedder(loaded).write(tmp_path, ["silent.wav"], tmp_path / "x.parquet", checkpoint="test").rows == 1
    loaded.mean = loaded.std = None
    with pytest.raises(DataError, match="silent"):
        Embedder(loaded).write(tmp_path, ["silent.wav"], tmp_path / "x.parquet", checkpoint="test")


def test_decoding_ahead_keeps_order(spoilt: Path) -> None:
    paths = [spoilt / name for name in ("a.wav", "m.wav", "z.wav")] * 3
    outcomes = list(decode_ahead(paths, [1.0] * 9, workers=3))
    assert [isinstance(outcome, DataError) for outcome in outcomes] == [False, True, False] * 3


def test_an_encoder_that_gives_nan_is_an_error(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    loaded.encoder.load_state_dict({"fc.0.bias": torch.full((16,), torch.nan)}, strict=False)
    with pytest.raises(DataError, match="NaN"):
        Embedder(loaded).write(root, ["c/second.wav"], tmp_path / "x.parquet", checkpoint="test")
