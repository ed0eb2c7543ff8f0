"""From a folder of recordings, or of meshes, to a table, as typed."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.encoders.weights import save_encoder as save_sound_encoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.cli.command import run, settings_from
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.clouds import plan_clouds
from randquant.data_prep.own_files.meshes import plan_meshes
from randquant.errors import DataError
from randquant.pointcloud.encoders.named_encoder import named_encoder
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import save_encoder, untrained_encoder
from randquant.pointcloud.evaluation.shape_features import shape_features
from randquant.scripts.embed import embed
from randquant.scripts.embedding.settings import Embedding


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    (folder / "deep").mkdir(parents=True)
    generator = np.random.default_rng(0)
    soundfile.write(folder / "deep" / "b.flac", generator.uniform(-0.5, 0.5, (30_000, 2)), 44_100)
    soundfile.write(folder / "a.wav", generator.uniform(-0.5, 0.5, 4_000), 8_000)
    (folder / "broken.wav").write_bytes(b"RIFF")
    (folder / "notes.txt").write_text("not a recording")
    return folder


def command(source: Path, out: Path, *more: str) -> int:
    flags = ["--checkpoint", "untrained:AudioNTT2020:16", "--input", str(source), "--out", str(out)]
    return run(embed, [*flags, "--device", "cpu", *more])


def test_a_folder(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.parquet"
    assert command(recordings, out) == 0
    table = pq.read_table(out)
    assert table["path"].to_pylist() == ["a.wav", "deep/b.flac"]
    assert table.column_names == ["path", "start", "end", "seconds", "embedding"]
    printed = capsys.readouterr().out
    assert "2 rows of 16 numbers from 2 recordings, 1 skipped" in printed
    assert "skipped broken.wav" in printed
    assert "no log-mel statistics" in printed


def test_windows_and_a_single_file(recordings: Path, tmp_path: Path) -> None:
    assert command(recordings / "a.wav", tmp_path / "x.parquet", "--window", "0.2") == 0
    table = pq.read_table(tmp_path / "x.parquet")
    assert table["path"].to_pylist() == ["a.wav"] * 3
    assert table["end"].to_pylist() == pytest.approx([0.2, 0.4, 0.5])


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--out", "x.txt"], 2, "should end in .parquet, .npy, .csv, which"),
        (["--window", "0"], 2, "--window"),
        (["--workers", "0"], 2, "--workers"),
        (["--input", "nowhere"], 1, "check --input"),
        (["--strict"], 1, "broken.wav"),
        (["--checkpoint", "nowhere"], 1, "nowhere"),
    ],
)
def test_mistakes_are_one_sentence(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, says: str
) -> None:
    assert command(recordings, tmp_path / "x.parquet", *flags) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert not list(tmp_path.glob("*.parquet"))


def test_a_folder_without_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert command(tmp_path / "empty", tmp_path / "x.parquet") == 1
    assert "no recordings" in capsys.readouterr().err


# ---- meshes

TETRAHEDRON = "OFF\n4 4 0\n0 0 0\n1 0 0\n0 2 0\n0 0 3\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"
TRIANGLES = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\n"


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    folder = tmp_path / "shapes"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.off").write_text(TETRAHEDRON)
    (folder / "deep" / "b.obj").write_text(TRIANGLES)
    (folder / "deep" / "broken.off").write_text("OFF\n3 1 0\n")
    (folder / "notes.txt").write_text("not a mesh")
    return folder


def embed_shapes(source: Path, out: Path, *more: str) -> int:
    flags = ["--checkpoint", "untrained:PointNetLite:16", "--input", str(source), "--out", str(out)]
    return run(embed, [*flags, "--device", "cpu", *more])


def test_a_folder_of_meshes(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.parquet"
    assert embed_shapes(shapes, out) == 0
    table = pq.read_table(out)
    assert table.column_names == ["path", "points", "embedding"]
    assert table["path"].to_pylist() == ["a.off", "deep/b.obj"]
    assert table["points"].to_pylist() == [1024, 1024]
    printed = capsys.readouterr().out
    assert "2 rows of 32 numbers from 2 meshes of 1,024 points, 1 skipped" in printed
    assert "skipped deep/broken.off" in printed


def test_a_mesh_is_embedded_as_from_a_store(shapes: Path, tmp_path: Path) -> None:
    save_encoder(
        tmp_path / "run" / "encoder.safetensors",
        untrained_encoder("PointNetLite", 16, 1, channels=6).encoder,
        points=256,
        metadata={},
    )
    run_folder = str(tmp_path / "run")
    arguments = ["--checkpoint", run_folder, "--input", str(shapes), "--out", str(tmp_path / "x.parquet"), "--up", "y"]
    assert run(embed, [*arguments, "--device", "cpu"]) == 0
    store = prepare(plan_meshes(shapes, up="y"), tmp_path / "store", workers=1)
    loaded = named_encoder(run_folder, seed=0)
    features = shape_features(loaded, store, points=256, cache=tmp_path / "cache")
    rows = np.stack(pq.read_table(tmp_path / "x.parquet")["embedding"].to_numpy())
    np.testing.assert_allclose(rows, features.vectors, rtol=1e-4, atol=1e-5)


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """A whole one, one with as few points as are taken, one with fewer."""
    root = tmp_path / "clouds"
    root.mkdir()
    points = np.random.default_rng(0).normal(size=(3000, 3))
    np.save(root / "a.npy", np.concatenate([points, points / np.linalg.norm(points, axis=1, keepdims=True)], axis=1))
    for name, count in (("few", 256), ("fewer", 255)):
        np.savetxt(root / f"{name}.xyz", points[:count])
    return root


def test_a_cloud_is_embedded_as_from_a_store(clouds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.parquet"
    assert embed_shapes(clouds, out, "--clouds", "--points", "256", "--up", "y") == 0
    printed = capsys.readouterr().out
    assert "3 rows of 32 numbers from 3 clouds of 255 to 256 points, 0 skipped" in printed
    assert "1 shape: fewer points than --points, kept whole" in printed
    table = pq.read_table(out)
    assert table["path"].to_pylist() == ["a.npy", "few.xyz", "fewer.xyz"]
    assert table["points"].to_pylist() == [256, 256, 255]
    store = prepare(plan_clouds(clouds, up="y"), tmp_path / "store", workers=1)
    loaded = named_encoder("untrained:PointNetLite:16", seed=42)
    features = shape_features(loaded, store, points=256, cache=tmp_path / "cache")
    np.testing.assert_allclose(table["embedding"].to_numpy()[0], features.vectors[0], rtol=1e-4, atol=1e-5)
    assert embed_shapes(clouds / "few.xyz", tmp_path / "y.parquet", "--clouds", "--points", "256", "--up", "y") == 0
    again = pq.read_table(tmp_path / "y.parquet")["embedding"].to_numpy()
    np.testing.assert_allclose(again[0], table["embedding"].to_numpy()[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["PointNet", "DGCNN", "PointNeXt"])
def test_clouds_of_any_size_are_embedded_whole(
    name: str, clouds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same in whatever company, and as out of a store that keeps every point."""
    monkeypatch.setattr(ENCODERS[name], "most_points", 2999)
    out, flags = tmp_path / "x.parquet", ["--checkpoint", f"untrained:{name}:16", "--clouds", "--points", "any"]
    assert embed_shapes(clouds, out, *flags) == 0
    printed = capsys.readouterr().out
    assert "2 rows of" in printed
    assert "2 clouds of 255 to 256 points, 1 skipped" in printed
    assert f"skipped a.npy: {name} takes clouds of at most 2,999 points" in printed
    table = pq.read_table(out)
    assert embed_shapes(clouds / "fewer.xyz", tmp_path / "y.parquet", *flags) == 0
    alone = np.stack(pq.read_table(tmp_path / "y.parquet")["embedding"].to_numpy())
    together = np.stack(table["embedding"].to_numpy())
    np.testing.assert_allclose(alone[0], together[1], rtol=1e-4, atol=1e-5)
    store = prepare(plan_clouds(clouds, points="any"), tmp_path / "store", workers=1)
    loaded = named_encoder(f"untrained:{name}:16", seed=42)
    features = shape_features(loaded, store, points="any", cache=tmp_path / "c", rows=np.array([1, 2]))
    np.testing.assert_allclose(features.vectors, together, rtol=1e-4, atol=1e-5)
    with pytest.raises(DataError, match=r"a.npy in .*at most 2,999 points"):
        shape_features(loaded, store, points="any", cache=tmp_path / "c")


def test_an_encoder_of_normals_needs_them(clouds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = untrained_encoder("PointNetLite", 16, 1, channels=6).encoder
    save_encoder(tmp_path / "run" / "encoder.safetensors", encoder, points=64, metadata={})
    out = tmp_path / "x.parquet"
    assert embed_shapes(clouds, out, "--clouds", "--checkpoint", str(tmp_path / "run")) == 0
    assert "1 row of 32 numbers from 1 cloud of 64 points, 2 skipped" in capsys.readouterr().out
    assert pq.read_table(out)["path"].to_pylist() == ["a.npy"]


def test_gltf_stands_on_y_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = Path(__file__).parents[1] / "data_prep" / "cases" / "points" / "plain.gltf"
    vectors = {}
    for name, more in (("none", ()), ("y", ("--up", "y")), ("z", ("--up", "z"))):
        out = tmp_path / f"{name}.parquet"
        flags = [
            "--checkpoint",
            "untrained:PointNetLite:16",
            "--input",
            str(case),
            "--out",
            str(out),
            "--device",
            "cpu",
        ]
        assert run(embed, [*flags, *more]) == 0
        assert ("up in the files: y in glTF" in capsys.readouterr().out) == (name == "none")
        vectors[name] = np.array(pq.read_table(out)["embedding"].to_pylist())
    assert np.array_equal(vectors["none"], vectors["y"])
    assert not np.array_equal(vectors["none"], vectors["z"])


def test_a_single_mesh_and_the_number_of_points(shapes: Path, tmp_path: Path) -> None:
    assert embed_shapes(shapes / "a.off", tmp_path / "x.parquet", "--points", "64") == 0
    assert pq.read_table(tmp_path / "x.parquet")["points"].to_pylist() == [64]
    assert embed_shapes(shapes / "a.off", tmp_path / "y.parquet", "--points", "64", "--seed", "43") == 0


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--window", "1"], 2, "--window"),
        (["--layer", "conv"], 2, "--layer"),
        (["--points", "0"], 2, "--points"),
        (["--points", "any"], 2, "meshes are surfaces"),
        (["--strict"], 1, "broken.off"),
        (["--input", "nowhere"], 1, "check --input"),
        (["--checkpoint", "untrained:ResNet:3"], 2, "PointNetLite"),
        (["--checkpoint", "untrained:AudioNTT2020:16", "--up", "y"], 2, "--up"),
        (["--checkpoint", "untrained:AudioNTT2020:16", "--clouds"], 2, "--clouds"),
        (["--checkpoint", "untrained:AudioNTT2020:16"], 1, "no recordings"),
    ],
)
def test_mistakes_with_meshes_are_one_sentence(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, says: str
) -> None:
    assert embed_shapes(shapes, tmp_path / "x.parquet", *flags) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert not list(tmp_path.glob("*.parquet"))


def test_other_files_are_no_meshes(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source, says in ((recordings, "no meshes"), (recordings / "a.wav", "is none of the meshes")):
        assert embed_shapes(source, tmp_path / "x.parquet") == 1
        assert says in capsys.readouterr().err


def test_a_state_dict_says_what_it_embeds(shapes: Path, tmp_path: Path) -> None:
    torch.save(untrained_encoder("PointNetLite", 16, 1).encoder.state_dict(), tmp_path / "weights.pth")
    assert embed_shapes(shapes, tmp_path / "x.parquet", "--checkpoint", str(tmp_path / "weights.pth")) == 0
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 2


def test_peak_normalise_is_typed_as_for_prepare(recordings: Path, tmp_path: Path) -> None:
    assert command(recordings, tmp_path / "x.parquet", "--peak_normalise") == 0
    flags = ["--input", str(recordings), "--out", str(tmp_path / "y.parquet"), "--peak_normalise"]
    assert run(embed, ["--checkpoint", "untrained:PointNetLite:16", *flags]) == 2


def rows_of(out: Path) -> dict[str, np.ndarray]:
    """The vector of each path, read as a user of the format would."""
    if out.suffix == ".parquet":
        table = pq.read_table(out)
        return dict(zip(table["path"].to_pylist(), np.stack(table["embedding"].to_numpy()), strict=True))
    lines = (out if out.suffix == ".csv" else out.with_name(f"{out.stem}.rows.csv")).read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    vectors = np.load(out) if out.suffix == ".npy" else np.array([row[4:] for row in cells], np.float32)
    return {row[0]: vector for row, vector in zip(cells, vectors, strict=True)}


def test_a_table_is_of_one_precision(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain, rounded = tmp_path / "32.parquet", tmp_path / "bf16.npy"
    assert command(recordings, plain) == 0
    assert command(recordings, rounded, "--precision", "bf16") == 0
    vectors = rows_of(rounded)
    for path, vector in rows_of(plain).items():
        assert 0 < np.abs(vectors[path] - vector).max() < 0.05 * np.abs(vector).max()
    assert json.loads((tmp_path / "bf16.about.json").read_text())["precision"] == "bf16"
    assert json.loads(pq.read_schema(plain).metadata[b"randquant"])["precision"] == "32"
    (recordings / "a.wav").rename(recordings / "c.wav")
    capsys.readouterr()
    assert command(recordings, plain, "--append", "--precision", "bf16") == 2
    assert command(recordings, rounded, "--append") == 2
    said = capsys.readouterr().err
    assert "32.parquet holds embeddings in precision 32, and these would be in bf16; give --precision 32" in said
    assert "bf16.npy holds embeddings in precision bf16, and these would be in 32; give --precision bf16" in said


def test_formats_and_appended_rows_are_equal(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    trained = tmp_path / "encoder.safetensors"
    save_sound_encoder(trained, AudioNTT2020(d=16), front_end=FrontEnd(), mean=-5.0, std=3.0, metadata={})
    flags = ["--checkpoint", str(trained), "--device", "cpu", "--append"]
    (recordings / "a.wav").rename(tmp_path / "later.wav")
    outs = [tmp_path / f"x{suffix}" for suffix in (".parquet", ".npy", ".csv")]
    for out in outs:
        assert run(embed, [*flags, "--input", str(recordings), "--out", str(out)]) == 0
    (tmp_path / "later.wav").rename(recordings / "a.wav")
    for out in outs:
        assert run(embed, [*flags, "--input", str(recordings), "--out", str(out)]) == 0
        before = {path.name: path.read_bytes() for path in tmp_path.glob(f"{out.stem}*") if path.is_file()}
        assert run(embed, [*flags, "--input", str(recordings), "--out", str(out)]) == 0
        assert {path.name: path.read_bytes() for path in tmp_path.glob(f"{out.stem}*") if path.is_file()} == before
        found = rows_of(out)
        assert list(found) == ["deep/b.flac", "a.wav"]
        assert all(np.array_equal(vector, rows_of(outs[0])[path]) for path, vector in found.items())
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        shutil.copy(recordings / "a.wav", folder / f"{folder.name}.wav")
    both = tmp_path / "both.parquet"
    words = [*flags, "--out", str(both), "--input"]
    with ThreadPoolExecutor(2) as pool:  # the lock is one of files, so threads stand for processes
        folders = [str(tmp_path / name) for name in ("first", "second")]
        assert [*pool.map(lambda each: embed(settings_from(Embedding, [*words, each])), folders)] == [None, None]
    assert sorted(rows_of(both)) == ["first.wav", "second.wav"]
    assert not [*tmp_path.glob(".both*")]
    (recordings / "a.wav").rename(recordings / "c.wav")
    for out in outs:
        assert run(embed, [*flags, "--input", str(recordings), "--out", str(out), "--window", "1"]) == 2
        assert len(rows_of(out)) == 2
    (recordings / "c.wav").rename(recordings / "a.wav")  # nothing new, for which another encoder is no reason to agree
    other = ["--checkpoint", "untrained:AudioNTT2020:16", "--device", "cpu", "--append"]
    assert run(embed, [*other, "--input", str(recordings), "--out", str(outs[0])]) == 2
    told = capsys.readouterr()
    assert told.out.count("added behind the rows that were there: 1") == 3 + 1  # and one of the two at once
    assert told.err.count("was made with other settings (") == 3
