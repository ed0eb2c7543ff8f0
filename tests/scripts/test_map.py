"""Maps as typed: what is read, what is drawn of it, and a page that strangers' names cannot break."""

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from randquant.cli.command import run
from randquant.embedding.embedding_table import write_table
from randquant.maps.colours import colours
from randquant.maps.page import on_grid
from randquant.maps.projection import projected
from randquant.scripts.map import draw_map

pytest.importorskip("matplotlib")
HOSTILE = "</script><script>alert(1)</script> & \u2028 $data $$ 日本 \"'.wav"


def vectors(rows: int = 12) -> np.ndarray:
    generator = np.random.default_rng(0)
    return (generator.normal(size=(rows, 5)) + 9 * (np.arange(rows) % 3)[:, None]).astype(np.float32)


def table(path: Path, rows: int = 12) -> Path:
    names = [f"class {row % 3}/{row}.wav" for row in range(rows)]
    names[0] = f"class 0/{HOSTILE}"
    write_table(path, {"path": pa.array(names), "start": pa.array([0.0] * rows)}, vectors(rows), {})
    return path


def drawn(path: Path, out: Path, *more: str) -> int:
    return run(draw_map, ["--input", str(path), "--out", str(out), "--projection", "pca", *more])


def embedded(page: Path) -> dict[str, list]:
    return json.loads(re.findall(r'type="application/json">(.*)</script>', page.read_text())[0])


def test_a_table_of_embeddings_becomes_a_picture_a_table_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "map"
    assert drawn(table(tmp_path / "table.parquet"), out, "--label", "folder") == 0
    assert capsys.readouterr().out == f"{out}/map.html, map.csv, map.png: 12 points of 5 numbers, 4 labels, by PCA\n"
    with (out / "map.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows[1:]] == [f"class {row % 3}" for row in range(1, 12)]
    assert rows[0]["name"] == f"class 0/{HOSTILE}"
    assert (out / "map.png").read_bytes().startswith(b"\x89PNG")
    data = embedded(out / "map.html")
    assert data["names"][0] == f"class 0/{HOSTILE}"
    assert len(data["places"]) == 12
    assert {entry["label"] for entry in data["legend"]} == {"class 0", "class 1", "class 2", rows[0]["label"]}


def test_the_page_is_one_file_whose_scripts_are_ours(tmp_path: Path) -> None:
    drawn(table(tmp_path / "<b>table.parquet"), tmp_path / "map")
    text = (tmp_path / "map" / "map.html").read_text()
    assert text.count("<script") == text.count("</script>") == 2
    assert "http:" not in text
    assert "https:" not in text
    assert "<b>table" not in text


def test_other_files_hold_vectors_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "rows.npy", vectors())
    lines = ["path,kind,a,b", *(f"{row}.wav,{'xy'[row % 2]},{row},{row * row}" for row in range(6))]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    assert drawn(tmp_path / "rows.npy", tmp_path / "one") == 0
    assert drawn(tmp_path / "rows.csv", tmp_path / "two", "--label", "kind") == 0
    said = capsys.readouterr().out
    assert "12 points of 5 numbers, 0 labels" in said
    assert "6 points of 2 numbers, 2 labels" in said
    assert embedded(tmp_path / "one" / "map.html")["names"][3] == "row 3"


def test_what_is_not_drawn_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = vectors(40)
    rows[3, 2] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    assert drawn(tmp_path / "rows.npy", tmp_path / "map", "--most", "10") == 0
    said = capsys.readouterr().out
    assert "1 row with a NaN or an infinity left out" in said
    assert "a random sample of 10 of 39 rows" in said
    assert len(embedded(tmp_path / "map" / "map.html")["places"]) == 10


@pytest.mark.parametrize(
    ("name", "content", "flags", "sentence"),
    [
        ("none.npy", None, "", "does not exist"),
        ("text.npy", b"no numbers", "", "cannot be read as a table of vectors"),
        ("words.csv", b"path,label\na,b\n", "", "has no column of numbers"),
        ("ragged.csv", b"path,x\na,1\nb\n", "", "rows of another number of cells"),
        ("numbers.csv", b"path,x\na,1\nb,2\n", "--label kind", "has no column kind but path"),
        ("numbers.csv", b"path,x\na,1\nb,2\n", "--projection umap", "needs at least 5 rows"),
        ("numbers.csv", b"path,x\na,1\nb,2\n", "--most 0", "--most"),
    ],
)
def test_bad_input_ends_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, flags: str, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert drawn(tmp_path / name, tmp_path / "map", *flags.split()) in (1, 2)
    errors = capsys.readouterr().err
    assert sentence in errors
    assert len(errors.strip().splitlines()) == 1


def test_principal_components_keep_the_distances_of_a_plane_and_their_signs() -> None:
    plane = np.random.default_rng(0).normal(size=(30, 2)) @ np.random.default_rng(1).normal(size=(2, 7))
    places, how = projected(plane.astype(np.float32), "pca", neighbours=5, metric="cosine", seed=0)
    assert how == "PCA"
    drawn, true = (np.linalg.norm(each[:, None] - each[None], axis=-1) for each in (places, plane))
    np.testing.assert_allclose(drawn, true, atol=1e-4)
    few, _ = projected(plane[:4].astype(np.float32), "auto", neighbours=5, metric="cosine", seed=0)
    assert few.shape == (4, 2)
    assert projected(np.ones((1, 1), np.float32), "auto", neighbours=5, metric="cosine", seed=0)[0].shape == (1, 2)


def test_without_umap_it_is_pca_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    _, how = projected(vectors(), "auto", neighbours=5, metric="cosine", seed=0)
    assert how == "PCA, as umap is not installed (pip install 'randquant[report]')"


def test_places_fill_the_grid_with_y_down() -> None:
    grid = on_grid(np.array([[0.0, 0.0], [4.0, 2.0]]))
    assert grid.tolist() == [[0, 7500], [10_000, 2500]]
    assert on_grid(np.zeros((2, 2))).tolist() == [[5000, 5000]] * 2


def test_labels_have_colours_of_their_own() -> None:
    for count in (3, 40):
        labels = [*map(str, range(count)), None]
        found = colours(labels)
        assert len(set(found)) == count + 1
        assert all(re.fullmatch("#[0-9a-f]{6}", each) for each in found)
