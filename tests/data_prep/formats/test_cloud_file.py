"""Files of points: every format gives the same cloud, found by name or place, and each broken one a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_prep.formats.cloud_file import CLOUDS, TABLES, read_cloud
from randquant.errors import DataError

POINTS = np.random.default_rng(0).normal(size=(50, 3))
NORMALS = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
BOTH = np.concatenate([POINTS, NORMALS], axis=1)


def text(rows: Any, separator: str = " ", head: str = "") -> str:
    return head + "\n".join(separator.join(str(cell) for cell in row) for row in rows) + "\n"


def write(path: Path) -> Path:
    """The cloud with its normals in the format of the path's suffix."""
    columns = dict(zip(("x", "y", "z", "nx", "ny", "nz"), BOTH.T, strict=True))
    match path.suffix.lower():
        case ".npy":
            np.save(path.open("wb"), BOTH)
        case ".npz":
            np.savez(path.open("wb"), points=POINTS, normals=NORMALS, loc=np.zeros(3), scale=np.float32(1))
        case ".ply":
            head = "".join(f"property double {name}\n" for name in columns)
            path.write_text(text(BOTH, head=f"ply\nformat ascii 1.0\nelement vertex 50\n{head}end_header\n"))
        case ".pcd":
            fields = f"FIELDS x y z normal_x normal_y normal_z\nSIZE {'8 ' * 6}\nTYPE {'F ' * 6}\n"
            path.write_text(text(BOTH, head=f"VERSION 0.7\n{fields}WIDTH 50\nHEIGHT 1\nDATA ascii\n"))
        case ".pts":
            path.write_text(text(BOTH, head="50\n"))
        case ".csv":
            path.write_text(text(BOTH, ",", head="x,y,z,nx,ny,nz\n"))
        case _:
            path.write_text(text(BOTH))
    return path


@pytest.mark.parametrize("suffix", CLOUDS)
def test_every_format_gives_the_same_cloud(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"cloud{suffix.upper()}")
    cloud = read_cloud(path)
    assert cloud.points.dtype == np.float64
    assert np.allclose(cloud.points, POINTS, atol=1e-12)
    assert (cloud.normals, cloud.missing) == (None, 0)
    normals = read_cloud(path, normals=True).normals
    assert normals is not None
    assert np.allclose(normals, NORMALS, atol=1e-12)


CELLS = text(np.c_[POINTS, np.arange(50), POINTS[:, :1]], ",")


@pytest.mark.parametrize(
    "content",
    [
        "//X Y Z R\n" + text(np.c_[POINTS, np.arange(50)]),  # CloudCompare
        "# made for a test\n\n#x y z\n" + text(POINTS),
        '"X","Y","Z","i","j"\n' + CELLS,
        ",x,y,z,class\n" + text([(row, *point, "chair") for row, point in enumerate(POINTS)], ","),  # pandas
        "z;class;y;x\n" + text([(z, "a b", y, x) for x, y, z in POINTS], ";"),
        "z\ty\tx\n" + text(POINTS[:, ::-1], "\t"),
        "50\n" + text(np.c_[POINTS, np.full(50, -1200), np.full((50, 3), 255)]),  # Leica: intensity and colours
        "0,1,2\n" + text(POINTS, ","),  # pandas, without names
        "# Format: X Y Z R G B\n" + text(np.c_[POINTS, np.zeros((50, 3))]),
        "# the columns are x y z i\n" + text(np.c_[POINTS, np.arange(50)]),
        "\ufeff" + CELLS,
        text(POINTS, ", "),
        text(POINTS).replace("\n", "\r\n"),
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".csv"])
def test_tables_as_they_are_written(content: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(content, encoding="utf-8", newline="")
    assert np.allclose(read_cloud(path).points, POINTS, atol=1e-12)


def test_named_arrays(tmp_path: Path) -> None:
    named = np.zeros(50, dtype=[("label", "U5"), ("z", "f4"), ("x", "f8"), ("y", "f8")])
    for place, axis in enumerate("xyz"):
        named[axis] = POINTS[:, place]
    np.save(tmp_path / "a.npy", named)
    assert np.allclose(read_cloud(tmp_path / "a.npy").points, POINTS, atol=1e-6)
    for arrays in ({"whatever": POINTS}, {"label": np.zeros(1), "pc": POINTS}, {"colors": BOTH, "positions": POINTS}):
        np.savez(tmp_path / "b.npz", **arrays)
        assert np.array_equal(read_cloud(tmp_path / "b.npz").points, POINTS)
    np.save(tmp_path / "c.npy", np.arange(12).reshape(4, 3))
    assert read_cloud(tmp_path / "c.npy").points.tolist() == np.arange(12).reshape(4, 3).tolist()


def test_rows_without_a_point_are_left_out(tmp_path: Path) -> None:
    """As scanners write them, one a pixel; a point with one coordinate that is no number is not among them."""
    rows = BOTH.copy()
    rows[[3, 7]] = np.nan
    rows[9, 2] = np.nan
    np.save(tmp_path / "a.npy", rows)
    cloud = read_cloud(tmp_path / "a.npy", normals=True)
    assert (len(cloud.points), cloud.missing) == (48, 2)
    assert np.isnan(cloud.points).sum() == 1
    assert cloud.normals is not None
    assert np.allclose(cloud.normals, np.delete(NORMALS, [3, 7], axis=0), atol=1e-12)


def test_normals_that_are_missing_or_nearly_of_length_one(tmp_path: Path) -> None:
    rows = np.concatenate([POINTS, 1.01 * NORMALS], axis=1)
    rows[0, 3:] = 0
    rows[1, 3:] = np.nan
    np.save(tmp_path / "a.npy", rows)
    normals = read_cloud(tmp_path / "a.npy", normals=True).normals
    assert normals is not None
    assert np.allclose(np.linalg.norm(normals, axis=1), [0, 0, *[1] * 48])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.las", b"LASF", "is no file of points; expected one that ends in .npy"),
        ("a.npy", b"not an array", "is no array of numbers"),
        ("a.npz", b"PK\3\4", "is no array of numbers"),
        ("a.npy", np.zeros((3, 50)), r"holds float64 \(3, 50\) where .* transpose it"),
        ("a.npy", np.zeros((6, 500)), r"holds float64 \(6, 500\) where .* transpose it"),
        ("a.npy", np.zeros((2, 50, 3)), r"\(2, 50, 3\) where \(points, 3 or more\) numbers are expected; mend it"),
        ("a.npy", np.zeros((50, 2)), r"\(50, 2\) where"),
        ("a.npy", np.full((50, 3), "x"), "holds <U1"),
        ("a.npy", np.array([{"x": 1}], dtype=object), "pickled objects are not loaded"),
        ("a.npy", np.zeros(5, dtype=[("x", "f4"), ("y", "f4")]), r"no coordinates x, y, z \(its columns are x, y\)"),
        ("a.txt", b"x y\n1 2\n", "no table of numbers"),
        ("a.txt", b"1 2\n3 4\n", "no coordinates x, y, z"),
        ("a.txt", b"", "holds no points"),
        ("a.txt", b"# nothing\n", "holds no points"),
        ("a.txt", b"x y z\n", "holds no points"),
        ("a.csv", b"x,y,z\n1,2,three\n", "no table of numbers"),
        ("a.txt", b"Point ID\tx\ty\tz\n1\t2\t3\t4\n", "names 5 columns .* where its rows have 4 cells"),
        ("a.txt", b"x y z\n1 0.1 0.2 0.3\n", "names 3 columns .x, y, z. where its rows have 4 cells"),
        ("a.csv", b"x,y,z\n1,0.1,0.2,0.3\n", "names 3 columns"),
        ("a.csv", b"x,y,z\n1,2,3\n1,2\n", "no table of numbers"),
        ("a.xyz", b"\x80\xff\xfe\x00", "is no text in UTF-8"),
        ("a.pts", b"3\n1 2 3\n4 5 6\n", "says that it has 3 points and holds 2"),
        ("a.ply", b"ply", "header of a PLY file"),
        ("a.pcd", b"pcd", "header of a PCD file"),
        ("absent.xyz", None, "is no file"),
    ],
)
def test_wrong_files(name: str, content: Any, words: str, tmp_path: Path) -> None:
    if isinstance(content, np.ndarray):
        np.save(tmp_path / name, content, allow_pickle=True)
    elif content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_cloud(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (POINTS, "no normals"),
        (np.concatenate([POINTS, 0 * NORMALS], axis=1), "all of length 0"),
        (np.concatenate([POINTS, 255 * np.abs(NORMALS)], axis=1), "may be colours; leave out --normals"),
        (np.concatenate([POINTS, np.full((50, 3), np.nan)], axis=1), "all of length 0"),
    ],
)
def test_what_are_no_normals(rows: np.ndarray, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", rows)
    with pytest.raises(DataError, match=words):
        read_cloud(tmp_path / "a.npy", normals=True)


def test_wrong_archives(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", vertices=POINTS, faces=np.zeros((4, 3)))
    with pytest.raises(DataError, match="holds the arrays vertices, faces and none named points"):
        read_cloud(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", points=POINTS, normals=NORMALS[:20])
    with pytest.raises(DataError, match=r"\(20, 3\) where \(50, 3 or more\)"):
        read_cloud(tmp_path / "b.npz", normals=True)


def test_all_suffixes_of_tables_are_suffixes_of_clouds() -> None:
    assert set(TABLES) < set(CLOUDS)
