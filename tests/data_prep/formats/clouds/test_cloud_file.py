"""Files of points: every format gives the same cloud, found by name or place, and each broken one a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.data_prep.formats.clouds import budget
from randquant.data_prep.formats.clouds.cloud_file import CLOUDS, TABLES, read_cloud
from randquant.data_prep.formats.clouds.columns import NORMAL, XYZ, check_columns
from randquant.data_prep.shapes import finished
from randquant.errors import DataError, UsageError
from tests.data_prep.formats.clouds.test_e57 import write_e57
from tests.data_prep.formats.clouds.test_las import write_las

POINTS = np.random.default_rng(0).normal(size=(50, 3))
NORMALS = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
BOTH = np.concatenate([POINTS, NORMALS], axis=1)


def text(rows: Any, separator: str = " ", head: str = "") -> str:
    return head + "\n".join(separator.join(str(cell) for cell in row) for row in rows) + "\n"


FRAME = "0 0 0\n1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"
WITHOUT_NORMALS = (".e57", ".ptx", ".bin", ".obj")
CASES = Path(__file__).parents[2] / "cases" / "points"


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
        case ".las" | ".laz":
            write_las(path)
        case ".e57":
            write_e57(path, [POINTS])
        case ".ptx":
            path.write_text(text(POINTS, head="10\n5\n" + FRAME))
        case ".obj":
            path.write_text(text(BOTH[:, :3]).replace("\n", "\nv ").join(["v ", ""]).removesuffix("v "))
        case ".bin":
            POINTS.astype("<f4").tofile(path)
        case ".csv":
            path.write_text(text(BOTH, ",", head="x,y,z,nx,ny,nz\n"))
        case _:
            path.write_text(text(BOTH))
    return path


@pytest.mark.parametrize("suffix", CLOUDS)
def test_every_format_gives_the_same_cloud(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"cloud{suffix.upper()}")
    cloud = read_cloud(path, columns=XYZ if suffix == ".bin" else None)
    assert cloud.points.dtype == np.float64
    assert np.allclose(cloud.points, POINTS, atol=1e-6 if suffix in (".las", ".laz", *WITHOUT_NORMALS) else 1e-12)
    assert (cloud.normals, cloud.missing, cloud.notes) == (None, 0, {})
    if suffix in WITHOUT_NORMALS:
        return
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
        "intensity,time,Points_m_XYZ:0,Points_m_XYZ:1,Points_m_XYZ:2\n"
        + text(np.c_[np.ones(50), np.arange(50), POINTS], ","),  # VeloView
        "label,x,y,z\n" + text([('"a, b"', *point) for point in POINTS], ","),
        "50\n" + text(np.c_[POINTS, np.full(50, -1200), np.full((50, 3), 255)]),  # Leica: intensity and colours
        "0,1,2\n" + text(POINTS, ","),  # pandas, without names
        "# Format: X Y Z R G B\n" + text(np.c_[POINTS, np.zeros((50, 3))]),
        "# the columns are x y z i\n" + text(np.c_[POINTS, np.arange(50)]),
        "\ufeff" + CELLS,
        "Points:0,Points:1,Points:2,Normals:0\n" + text(np.c_[POINTS, NORMALS[:, 0]], ","),  # ParaView
        "Points_m_XYZ:0,Points_m_XYZ:1,Points_m_XYZ:2\n" + text(POINTS, ","),  # VeloView
        "Easting;Northing;Height\n" + text(POINTS, ";"),
        "sep=;\nx [m];y [m];z [m]\n" + text(POINTS, ";"),
        "Point ID\tx\ty\tz\n" + text([("a b", *point) for point in POINTS], "\t"),
        text(POINTS, ";").replace(".", ","),
        text(POINTS).replace(".", ","),
        text(POINTS, "\t").replace(".", ","),
        text(POINTS).replace("e-", "D-") + "# the end\n",
        "% of a survey\n" + text(POINTS) + "// the end\n",
        text([(*point, "#ff0000") for point in POINTS]),
        text(np.c_[POINTS[:20], np.zeros(20)], head="20\n") + text(np.c_[POINTS[20:], np.ones(30)], head="30\n"),
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
    together = np.zeros(50, dtype=[("rgb", "u1", 3), ("xyz", "f8", 3), ("normal", "f8", 3)])
    together["xyz"], together["normal"] = POINTS, NORMALS
    np.save(tmp_path / "d.npy", together)
    read = read_cloud(tmp_path / "d.npy", normals=True)
    assert np.array_equal(read.points, POINTS)
    assert read.normals is not None
    assert np.allclose(read.normals, NORMALS)
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
    rows[11, :3] = -np.inf
    rows[[20, 30], :3] = 0
    np.save(tmp_path / "a.npy", rows)
    cloud = read_cloud(tmp_path / "a.npy", normals=True)
    assert (len(cloud.points), cloud.missing) == (44, 6)
    assert cloud.notes == {"missing_rows": 3, "broken_rows": 1, "zero_rows": 2}
    assert cloud.normals is not None
    assert np.allclose(cloud.normals, np.delete(NORMALS, [3, 7, 9, 11, 20, 30], axis=0), atol=1e-12)


def test_one_point_at_the_origin_is_a_point_unless_far_outside(tmp_path: Path) -> None:
    rows = POINTS.copy()
    rows[7] = 0
    np.save(tmp_path / "a.npy", rows)
    assert read_cloud(tmp_path / "a.npy").missing == 0
    rows += np.where((rows == 0).all(axis=1, keepdims=True), 0, (4e5, 5e6, 100))
    np.save(tmp_path / "a.npy", rows)
    assert read_cloud(tmp_path / "a.npy").notes == {"zero_rows": 1, "far_clouds": 1}


def test_a_millimetre_survives_the_coordinates_of_a_survey(tmp_path: Path) -> None:
    """Millimetres on an object of ten metres, at UTM's five million."""
    local = np.round(np.random.default_rng(0).uniform(0, 10, (200, 3)), 3)
    offset = np.array([412_345.0, 5_412_345.0, 512.0])
    np.savetxt(tmp_path / "a.xyz", local + offset, fmt="%.3f")
    kept = finished(read_cloud(tmp_path / "a.xyz").points, up="z", file_row=True)
    again = finished(local, up="z", file_row=True)
    radius = np.linalg.norm(local - local.mean(axis=0), axis=1).max()
    assert np.abs(kept[:, :3] - again[:, :3]).max() * radius < 1e-4
    (local + offset).astype("<f4").tofile(tmp_path / "b.bin")
    assert read_cloud(tmp_path / "b.bin", columns=XYZ).notes == {"far_clouds": 1, "coarse_clouds": 1}


@pytest.mark.parametrize(
    ("name", "count", "notes"),
    [
        ("lower_keys.pcd", 50, {}),
        ("inf.pcd", 49, {"missing_rows": 1}),
        ("organised_zero.pcd", 40, {"zero_rows": 10}),
        ("partial_nan.pcd", 49, {"broken_rows": 1}),
        ("comment_mid.xyz", 50, {}),
        ("s3dis.txt", 51, {"unread_cells": 1}),
        ("pts_multi.pts", 50, {"joined_scans": 1}),
        ("ptx.ptx", 50, {}),
    ],
)
def test_cases(name: str, count: int, notes: dict[str, int]) -> None:
    """Files that were misread or refused once."""
    cloud = read_cloud(CASES / name)
    assert (len(cloud.points), cloud.notes) == (count, notes)
    assert np.allclose(cloud.points[0], [0.1257, -0.1321, 0.6404])


@pytest.mark.parametrize("suffix", [".csv", ".npy", ".xyz"])
def test_rows_that_begin_with_their_number(suffix: str, tmp_path: Path) -> None:
    for first in (np.arange(50), np.arange(1, 51), np.random.default_rng(0).permutation(50), 3 * np.arange(50)):
        rows = np.c_[first, POINTS]
        path = tmp_path / f"a{suffix}"
        np.save(path, rows) if suffix == ".npy" else np.savetxt(path, rows, delimiter="," if suffix == ".csv" else " ")
        with pytest.raises(DataError, match=r"counts its rows.*give --columns _ x y z"):
            read_cloud(path)
        assert np.allclose(read_cloud(path, columns=("_", *XYZ)).points, POINTS)
        assert np.allclose(read_cloud(path, columns=(*XYZ, "i")).points, rows[:, :3])
    with pytest.raises(DataError, match="counts its rows"):
        read_cloud(CASES / "index_noheader.csv")


def test_rows_that_begin_with_a_label_or_a_place_in_a_grid(tmp_path: Path) -> None:
    grid = np.c_[np.arange(50) // 10, np.arange(50) % 10]
    for rows, hint in ((np.c_[grid[:, :1], POINTS], "_ x y z"), (np.c_[grid, POINTS, np.ones(50)], "_ _ x y z _")):
        np.save(tmp_path / "a.npy", rows)
        np.savetxt(tmp_path / "b.xyz", rows, fmt="%g")
        for name in ("a.npy", "b.xyz"):
            with pytest.raises(DataError, match=f"a label or a place in a grid; give --columns {hint},"):
                read_cloud(tmp_path / name)
            found = read_cloud(tmp_path / name, columns=tuple(hint.split())).points
            assert np.allclose(found, POINTS, atol=1e-4)
    np.save(tmp_path / "c.npy", np.c_[np.round(POINTS, 0), NORMALS])  # whole coordinates throughout
    assert len(read_cloud(tmp_path / "c.npy", normals=True).points)


SORTED = POINTS[np.argsort(POINTS[:, 0])]
CONSTANT = np.full(50, 3)


@pytest.mark.parametrize("more", [(), (np.full(50, "car"),), (np.full(50, "nan"), np.full(50, "a b"))])
@pytest.mark.parametrize(
    ("first", "words", "names"),
    [
        ([1.6e9 + np.arange(50) // 5 * 0.1], "rises from row to row as times do", "_ x y z"),
        ([318123.5 + np.arange(50) * 1e-3], "rises from row to row as times do", "_ x y z"),
        ([CONSTANT], "may be a label or a place in a grid", "_ x y z"),
        ([np.arange(50) % 3], "may be a label or a place in a grid", "_ x y z"),
        ([np.arange(50) // 8, np.arange(50) % 8], "may be a label or a place in a grid", "_ _ x y z"),  # FARO's
    ],
)
def test_rows_that_begin_with_what_is_no_coordinate(
    first: list[np.ndarray], words: str, names: str, more: tuple[np.ndarray, ...], tmp_path: Path
) -> None:
    columns = [*(column.tolist() for column in first), *POINTS.T.tolist(), *(column.tolist() for column in more)]
    path = tmp_path / "a.csv"
    path.write_text(text(zip(*columns, strict=True), ";"))
    names = " ".join([names, *["_"] * len(more)])
    with pytest.raises(DataError, match=f"{words}.*give --columns {names}, or"):
        read_cloud(path)
    assert np.allclose(read_cloud(path, columns=tuple(names.replace("_", "i", 1).split())).points, POINTS)


@pytest.mark.parametrize(
    "rows",
    [
        np.c_[SORTED, POINTS[:, 0]],
        np.c_[SORTED + np.array([5e5, 4.6e6, 0]), CONSTANT],
        np.c_[np.arange(50) // 8, np.arange(50) % 8, POINTS[:, 2]],  # a grid of heights
        np.c_[500 + np.arange(50) // 8, 40 + np.arange(50) % 8, POINTS[:, 2], CONSTANT, CONSTANT, CONSTANT],
        np.c_[np.arange(50) // 8, np.arange(50) % 8, np.arange(50) % 4, POINTS],  # voxels
    ],
)
def test_rows_that_begin_with_coordinates_all_the_same(rows: np.ndarray, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.txt", rows)
    assert np.allclose(read_cloud(tmp_path / "a.txt").points, rows[:, :3])


def test_columns_are_for_files_that_do_not_name_theirs(tmp_path: Path) -> None:
    named = write(tmp_path / "a.csv")
    assert np.allclose(read_cloud(named, columns=("z", "y", "x", "_", "_", "_")).points, POINTS)
    (tmp_path / "b.txt").write_text("lat lon alt\n" + text(POINTS))
    assert np.allclose(read_cloud(tmp_path / "b.txt", columns=("y", "x", "z")).points, POINTS[:, [1, 0, 2]])
    with pytest.raises(DataError, match=r"names its columns lat, lon, alt and not x, y and z"):
        read_cloud(tmp_path / "b.txt")
    with pytest.raises(DataError, match="has 3 columns where --columns names 4"):
        read_cloud(tmp_path / "b.txt", columns=(*XYZ, "i"))
    normals = read_cloud(write(tmp_path / "c.xyz"), columns=(*XYZ, *NORMAL), normals=True).normals
    assert normals is not None
    assert np.allclose(normals, NORMALS)


@pytest.mark.parametrize("names", [("x", "y"), ("x", "y", "z", "x"), ("a", "b", "c")])
def test_columns_that_name_no_points(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"--columns .* should name x, y and z, each once"):
        check_columns(names)
    assert check_columns(("X", "Normal_X", "y", "_", "_", "z")) == ("x", "nx", "y", "_", "_", "z")


@pytest.mark.parametrize("save", [np.savez_compressed, np.save])
def test_what_would_fill_the_memory_is_refused_before_it_is_unpacked(save: Any, tmp_path: Path) -> None:
    path = tmp_path / ("a.npz" if save is np.savez_compressed else "a.npy")
    save(path, np.zeros((1000, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "MOST_BYTES", 20_000)
        patch.setattr(np, "load", lambda *_, **__: pytest.fail("it was loaded"))
        with pytest.raises(DataError, match="split it or thin it out"):
            read_cloud(path)


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
        ("a.stl", b"solid", "is not a file of points; expected one that ends in .npy"),
        ("a.las", b"LASF", "cannot be read as LAS"),
        ("a.laz", b"", "cannot be read as LAS"),
        ("a.e57", b"ASTM-E57", "cannot be read as E57"),
        ("a.ptx", b"", "holds no scan"),
        ("a.bin", bytes(32), "give --columns, as in x y z i for KITTI, or leave it out"),
        ("a.txt", b"1,05,2,50,3,07\n2,05,3,50,4,07\n", "whose commas may be decimal ones"),
        ("a.txt", b"1.5;2,5;3\n", "decimal points and decimal commas"),
        ("a.csv", b"x,y,z,X\n1,2,3,4\n", r"2 columns for x \(x, X\)"),
        ("a.pts", b"2\n1 2 3\n4 5 6\n2\n7 8 9\n", "says that it has 4 points and holds 3"),
        ("a.xyz", b"3\nwater\nO 0 0 0\n", "line 2 reads 'water' where a number is expected"),
        ("a.pts", b"10\n5\n0 0 0\n", "two counts as .ptx files do"),
        ("a.npy", b"not an array", "is not an array of numbers"),
        ("a.npz", b"PK\3\4", "is not an array of numbers"),
        ("a.npy", np.zeros((3, 50)), r"holds float64 \(3, 50\) where .* transpose it"),
        ("a.npy", np.zeros((6, 500)), r"holds float64 \(6, 500\) where .* transpose it"),
        ("a.npy", np.zeros((4, 64)), r"holds float64 \(4, 64\) where .* transpose it"),
        ("a.npy", np.random.default_rng(0).normal(size=(50, 512)), "has 512 columns without names, so it is an image"),
        ("a.csv", b'"1,5","2,25","3,125"\n"1,5","2,25","3,5"\n', "line 1 reads '1,5' where a number is expected"),
        ("a.npy", np.zeros((2, 50, 3)), r"\(2, 50, 3\) where \(points, 3 or more\) numbers are expected; fix it"),
        ("a.npy", np.zeros((50, 2)), r"\(50, 2\) where"),
        ("a.npy", np.full((50, 3), "x"), "holds <U1"),
        ("a.npy", np.array([{"x": 1}], dtype=object), "pickled objects are not loaded"),
        ("a.npy", np.zeros(5, dtype=[("x", "f4"), ("y", "f4")]), r"no coordinates x, y, z \(its columns are x, y\)"),
        ("a.txt", b"x y\n1 2\n", "line 1 reads 'x' where a number"),
        ("a.txt", b"1 2\n3 4\n", "no coordinates x, y, z"),
        ("a.txt", b"", "holds no points"),
        ("a.txt", b"# nothing\n", "holds no points"),
        ("a.txt", b"x y z\n", "holds no points"),
        ("a.csv", b"x,y,z\n1,2,three\n", "line 2 reads 'three' where a number is expected"),
        ("a.txt", b"Point ID x y z\n1 2 3 4\n", "names 5 columns .* where its rows have 4 cells"),
        ("a.txt", b"x y z\n1 0.1 0.2 0.3\n", "names 3 columns .x, y, z. where its rows have 4 cells"),
        ("a.csv", b"x,y,z\n1,0.1,0.2,0.3\n", "names 3 columns"),
        ("a.csv", b"x,y,z\n1,2,3\n1,2\n", "line 3 has 2 cells where the rows above have 3"),
        ("a.xyz", b"\x80\xff\xfe\x00", "is not text"),
        ("a.pts", b"3\n1 2 3\n4 5 6\n", "says that it has 3 points and holds 2"),
        ("a.ply", b"ply", "header of a PLY file"),
        ("a.pcd", b"pcd", "header of a PCD file"),
        ("absent.xyz", None, "is not a file"),
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


def test_a_second_array_is_not_passed_over(tmp_path: Path) -> None:
    with open(tmp_path / "a.npy", "wb") as file:
        np.save(file, POINTS)
        np.save(file, POINTS)
    with pytest.raises(DataError, match="holds 1,328 bytes after its array"):
        read_cloud(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", points=POINTS, xyz=POINTS)
    with pytest.raises(DataError, match="holds the arrays points and xyz, and either may be the points"):
        read_cloud(tmp_path / "a.npz")


def test_all_suffixes_of_tables_are_suffixes_of_clouds() -> None:
    assert set(TABLES) < set(CLOUDS)
