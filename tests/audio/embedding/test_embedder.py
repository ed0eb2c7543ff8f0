"""Embedding recordings: what a row is does not depend on what else is embedded with it."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.embedding import embedder, window_batches
from randquant.audio.embedding.embedder import Embedder, decode_ahead
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.weights import LoadedEncoder, untrained_encoder
from randquant.audio.samples import Intake, read_samples
from randquant.audio.spectrogram.logmel import LogMel
from randquant.embedding.spool import Spool
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


def samples_of(path: Path) -> np.ndarray:
    return read_samples(path)[0]


def encode(loaded: LoadedEncoder, samples: np.ndarray) -> np.ndarray:
    """The embedding of a waveform at exactly its length, straightforwardly."""
    with torch.no_grad():
        log_mel = LogMel(loaded.front_end)(torch.from_numpy(samples)[None])
        return loaded.encoder((log_mel + 6.0) / 4.0)[0].numpy()


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
            expected = encode(loaded, samples_of(root / name))
            np.testing.assert_allclose(vectors(table)[row], expected, rtol=1e-4, atol=1e-5)


def test_a_long_recording_is_the_mean_of_its_windows(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    samples = samples_of(root / "b/long.wav")
    half = len(samples) // 2
    expected = (encode(loaded, samples[:half]) + encode(loaded, samples[half : 2 * half])) / 2
    table = embed(loaded, root, ["b/long.wav"], tmp_path / "x.parquet")
    np.testing.assert_allclose(vectors(table)[0], expected, rtol=1e-4, atol=1e-5)


def test_a_row_a_window(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    table = embed(loaded, root, ["b/long.wav", "a/short.wav"], tmp_path / "x.parquet", window=2.0)
    assert table["path"].to_pylist() == ["b/long.wav"] * 6 + ["a/short.wav"]
    assert table["start"].to_pylist() == [0, 2, 4, 6, 8, 10, 0]
    assert table["end"].to_pylist() == [2, 4, 6, 8, 10, 10.5, 0.3]
    samples = samples_of(root / "b/long.wav")
    for row, start in enumerate(range(0, len(samples), 2 * SAMPLE_RATE)):
        expected = encode(loaded, samples[start : start + 2 * SAMPLE_RATE])
        np.testing.assert_allclose(vectors(table)[row], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [None, 0.5])
def test_company_and_batch_size_change_nothing(
    loaded: LoadedEncoder, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: float | None
) -> None:
    names = sorted(RECORDINGS)
    together = embed(loaded, root, names, tmp_path / "all.parquet", window=window)
    monkeypatch.setattr(window_batches, "batch_seconds", lambda device: 0.1)
    monkeypatch.setattr(embedder, "_AHEAD_SECONDS", 0.0)
    small = embed(loaded, root, names, tmp_path / "small.parquet", window=window, workers=1)
    np.testing.assert_allclose(vectors(small), vectors(together), rtol=1e-4, atol=1e-5)
    assert small.drop(["embedding"]).equals(together.drop(["embedding"]))


@pytest.mark.parametrize("layer", ["output", "conv"])
def test_a_row_a_frame(loaded: LoadedEncoder, root: Path, tmp_path: Path, layer: Layer) -> None:
    names = sorted(RECORDINGS)
    table = embed(loaded, root, names, tmp_path / "x.parquet", frames=True, layer=layer)
    assert table.column_names == ["path", "frame", "time", "embedding"]
    expected = [frame_vectors(loaded, samples_of(root / name), layer) for name in names]
    assert table["path"].to_pylist() == [name for name, rows in zip(names, expected, strict=True) for _ in rows]
    assert table["frame"].to_pylist() == [frame for rows in expected for frame in range(len(rows))]
    np.testing.assert_allclose(table["time"].to_numpy(), 0.035 + 0.08 * table["frame"].to_numpy())
    whole = np.concatenate(expected)
    assert np.abs(vectors(table) - whole).max() <= 1e-6 * np.abs(whole).max()


def frame_vectors(loaded: LoadedEncoder, samples: np.ndarray, layer: Layer) -> np.ndarray:
    """Of a whole recording at once."""
    with torch.no_grad():
        log_mel = LogMel(loaded.front_end)(torch.from_numpy(samples)[None])
        return loaded.encoder.frames((log_mel + 6.0) / 4.0, layer)[0].numpy()


@pytest.mark.parametrize("frames", [False, True])
def test_rows_depend_on_no_other_file_and_no_worker(
    loaded: LoadedEncoder, root: Path, tmp_path: Path, frames: bool
) -> None:
    names = sorted(RECORDINGS)[-4:]
    table = embed(loaded, root, names, tmp_path / "x.parquet", frames=frames)
    reordered = embed(loaded, root, names[::-1], tmp_path / "y.parquet", frames=frames, workers=1)
    for name in names:
        expected = vectors(embed(loaded, root, [name], tmp_path / "alone.parquet", frames=frames))
        for other in (table, reordered):
            found = vectors(other.filter(pc.equal(other["path"], name)))
            assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()


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
            LogMel()(torch.from_numpy(read_samples(root / name)[0])[None]).flatten()
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
    outcomes = list(decode_ahead(spoilt, ["a.wav", "m.wav", "z.wav"] * 3, [1.0] * 9, workers=3))
    assert [isinstance(outcome, DataError) for outcome in outcomes] == [False, True, False] * 3


def test_a_dropped_generator_may_be_collected_in_its_own_thread(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        soundfile.write(tmp_path / name, np.zeros(1_600), 16_000)
    generator: Any = decode_ahead(tmp_path, ["a.wav", "b.wav", "c.wav"], [1.0] * 3, workers=1)
    next(generator)
    pool = generator.gi_frame.f_locals["pool"]
    pool.submit(generator.close).result(timeout=10)


def test_an_encoder_that_gives_nan_is_an_error(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    loaded.encoder.load_state_dict({"fc.0.bias": torch.full((16,), torch.nan)}, strict=False)
    with pytest.raises(DataError, match="NaN"):
        Embedder(loaded).write(root, ["c/second.wav"], tmp_path / "x.parquet", checkpoint="test")


def test_every_length_within_a_hop_is_embedded_as_if_alone(loaded: LoadedEncoder, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for extra in range(0, 160, 3):
        noise = generator.integers(-9000, 9000, 1_600 + extra, dtype=np.int16)
        soundfile.write(tmp_path / f"{extra:03d}.wav", noise, SAMPLE_RATE)
    names = sorted(path.name for path in tmp_path.iterdir())
    rows = vectors(embed(loaded, tmp_path, names, tmp_path / "x.parquet"))
    alone = np.stack([encode(loaded, samples_of(tmp_path / name)) for name in names])
    np.testing.assert_allclose(rows, alone, rtol=0, atol=1e-6 * np.abs(alone).max())
    assert len(np.unique(rows, axis=0)) == len(names)


def test_overlapping_windows(loaded: LoadedEncoder, root: Path, tmp_path: Path) -> None:
    table = embed(loaded, root, ["a/deep/stereo.flac"], tmp_path / "x.parquet", window=1.0, hop=0.25)
    assert table["start"].to_pylist() == [0, 0.25, 0.5, 0.75]
    assert table["end"].to_pylist() == pytest.approx([1, 1.25, 1.5, 1.7], abs=1e-4)
    samples = samples_of(root / "a/deep/stereo.flac")
    np.testing.assert_allclose(vectors(table)[2], encode(loaded, samples[8_000:24_000]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("carries", "frames"), [(True, False), (False, False), (True, True)])
def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(
    loaded: LoadedEncoder, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, carries: bool, frames: bool
) -> None:
    if not carries:
        loaded.mean = loaded.std = None
    monkeypatch.setattr(embedder, "_PART_BATCHES", 1 / 64)  # one second of sound, so one recording or a few
    (tmp_path / "in").symlink_to(root)
    names = [*sorted(RECORDINGS), "gone.wav"]
    whole, out = tmp_path / "whole.parquet", tmp_path / "x.parquet"
    embed(loaded, tmp_path / "in", names, whole, frames=frames)
    finish = Spool.finish_part
    for parts in (1, 2, 3):

        def stop(self: Spool, record: object, last: int = parts) -> None:
            if len(self.records) == self.resumed + last:
                raise KeyboardInterrupt
            finish(self, record)

        monkeypatch.setattr(Spool, "finish_part", stop)
        with pytest.raises(KeyboardInterrupt):
            embed(loaded, tmp_path / "in", names, out, frames=frames)
        assert not out.exists()
    monkeypatch.setattr(Spool, "finish_part", finish)
    summary = Embedder(loaded, frames=frames).write(tmp_path / "in", names, out, checkpoint="test")
    assert 0 < summary.resumed < len(names)
    assert [path for path, _ in summary.skipped] == ["gone.wav"]
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "whole.parquet", "x.parquet"]


def test_a_changed_recording_is_not_taken_from_an_earlier_run(
    loaded: LoadedEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "_PART_BATCHES", 1 / 64)
    generator = np.random.default_rng(0)
    names = ["a.wav", "b.wav"]
    for name in names:
        soundfile.write(tmp_path / name, generator.uniform(-0.5, 0.5, 20_000), SAMPLE_RATE)
    with monkeypatch.context() as patch:
        patch.setattr(embedder, "write_table", lambda *args, **more: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            embed(loaded, tmp_path, names, tmp_path / "x.parquet")
    soundfile.write(tmp_path / "b.wav", generator.uniform(-0.5, 0.5, 20_000), SAMPLE_RATE)
    summary = Embedder(loaded).write(tmp_path, names, tmp_path / "x.parquet", checkpoint="test")
    assert summary.resumed == 0
    np.testing.assert_allclose(
        vectors(pq.read_table(tmp_path / "x.parquet"))[1],
        encode(loaded, samples_of(tmp_path / "b.wav")),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("carries", [True, False])
def test_a_name_that_is_not_utf8_is_skipped_with_its_reason(
    loaded: LoadedEncoder, tmp_path: Path, carries: bool
) -> None:
    if not carries:
        loaded.mean = loaded.std = None
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8_000)
    soundfile.write(tmp_path / "good.wav", noise, SAMPLE_RATE)
    odd = os.fsdecode(b"caf\xe9.wav")
    try:
        (tmp_path / odd).write_bytes((tmp_path / "good.wav").read_bytes())
    except OSError:
        pytest.skip("this system has no file names but UTF-8")
    summary = Embedder(loaded).write(tmp_path, [odd, "good.wav"], tmp_path / "x.parquet", checkpoint="test")
    assert summary.rows == 1
    assert [path for path, _ in summary.skipped] == ["caf\\xe9.wav"]
    assert "not valid UTF-8" in summary.skipped[0][1]
    assert carries or summary.statistics_source == "the input, from 1 recordings"
    with pytest.raises(DataError, match=r"None of the 1 recordings.*not valid UTF-8"):
        Embedder(loaded).write(tmp_path, [odd], tmp_path / "y.parquet", checkpoint="test")


def test_an_intake_is_honoured_told_and_part_of_what_is_taken_up(
    loaded: LoadedEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Path(__file__).parents[2] / "data_prep" / "cases" / "audio"
    names = ["antiphase_stereo_2s.wav", "float_int16_scale_2s.wav"]
    plain = Embedder(loaded).write(case, names, tmp_path / "x.parquet", checkpoint="test")
    assert plain.levels == {"silent": 1, "clipped": 1, "cancelling": 1}
    intake = Intake(channel="loudest", peak_normalise=True)
    fixed = Embedder(loaded, intake=intake).write(case, names, tmp_path / "y.parquet", checkpoint="test")
    assert fixed.levels == {}
    table = pq.read_table(tmp_path / "y.parquet")
    facts = json.loads(table.schema.metadata[b"randquant"])
    assert facts["intake"]["channels"] == "loudest"
    assert facts["intake"]["peak_normalise"] is True
    for row, name in enumerate(names):
        expected = encode(loaded, read_samples(case / name, intake)[0])
        np.testing.assert_allclose(vectors(table)[row], expected, rtol=1e-4, atol=1e-5)
