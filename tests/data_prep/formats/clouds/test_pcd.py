"""PCD files: every form gives the same points, truncated ones none, and compressed ones are as Open3D writes them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.formats.clouds.pcd import lzf, read_pcd
from randquant.errors import DataError

POINTS = np.random.default_rng(0).normal(size=(40, 3))
# Name, type, size, count, code; as PCL pads a point with intensity and time.
FIELDS = [("x", "F", 8, 1, "d"), ("_", "U", 1, 4, "4B"), ("y", "F", 4, 1, "f"), ("z", "F", 4, 1, "f")]
FIELDS += [("_", "U", 1, 3, "3B"), ("ring", "U", 2, 1, "H"), ("histogram", "F", 4, 2, "2f"), ("label", "I", 2, 1, "h")]
ROWS = [(x, 0, 0, 0, 0, y, z, 1, 2, 3, row, 0.5, 0.25, -row) for row, (x, y, z) in enumerate(POINTS.tolist())]


def header(kind: str, points: int = len(ROWS), end: str = "\n") -> bytes:
    columns = list(zip(*FIELDS, strict=True))
    lines = ["# .PCD v0.7 - Point Cloud Data file format", "VERSION 0.7"]
    lines += [f"{word} {' '.join(map(str, columns[at]))}" for word, at in (("FIELDS", 0), ("SIZE", 2), ("TYPE", 1))]
    lines += [f"COUNT {' '.join(map(str, columns[3]))}", f"WIDTH {points}", "HEIGHT 1", "VIEWPOINT 0 0 0 1 0 0 0"]
    return end.join([*lines, f"POINTS {points}", f"DATA {kind}", ""]).encode()


def packed(data: bytes) -> bytes:
    """Compressed in name only: every byte as it is."""
    pieces = [data[start : start + 32] for start in range(0, len(data), 32)]
    found = b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)
    return struct.pack("<II", len(found), len(data)) + found


def by_field() -> bytes:
    columns, start = [], 0
    for *_, count, code in FIELDS:
        columns += [struct.pack("<" + code, *row[start : start + count]) for row in ROWS]
        start += count
    return b"".join(columns)


FORMS = {
    "ascii": "\n".join(" ".join(f"{value:.17g}" for value in row) for row in ROWS).encode() + b"\n",
    "binary": b"".join(struct.pack("<" + "".join(code for *_, code in FIELDS), *row) for row in ROWS),
    "binary_compressed": packed(by_field()),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form: str, end: str, tmp_path: Path) -> None:
    (tmp_path / "a.pcd").write_bytes(header(form, end=end) + FORMS[form])
    found = read_pcd(tmp_path / "a.pcd")
    assert list(found) == ["x", "y", "z", "ring", "label"]
    assert np.allclose(np.stack([found[axis] for axis in "xyz"], axis=-1), POINTS, rtol=1e-6)
    assert np.array_equal(found["x"], POINTS[:, 0])
    assert found["ring"].tolist() == list(range(40))
    assert found["label"].tolist() == [-row for row in range(40)]


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_file_is_refused(form: str, tmp_path: Path) -> None:
    whole = header(form) + FORMS[form]
    # The last number of a text is the same number without its last digits.
    for length in range(0, len(whole) - (4 if form == "ascii" else 0), 7):
        (tmp_path / "a.pcd").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"truncated|does not begin with the header"):
            read_pcd(tmp_path / "a.pcd")


@pytest.mark.parametrize(("ascii", "compressed"), [(True, False), (False, False), (False, True)])
def test_as_open3d_writes_it(ascii: bool, compressed: bool, tmp_path: Path) -> None:
    open3d = pytest.importorskip("open3d")
    points = np.round(np.random.default_rng(1).normal(size=(5000, 3)), 1)  # that compress
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    cloud.normals = open3d.utility.Vector3dVector(np.tile([0.0, 0.6, 0.8], (5000, 1)))
    open3d.io.write_point_cloud(str(tmp_path / "a.pcd"), cloud, write_ascii=ascii, compressed=compressed)
    assert not compressed or (tmp_path / "a.pcd").stat().st_size < 5000 * 24 / 2
    found = read_pcd(tmp_path / "a.pcd")
    assert np.allclose(np.stack([found[axis] for axis in "xyz"], axis=-1), points, atol=1e-6)
    assert np.allclose(found["normal_z"], 0.8)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin with the header"),
        (b"ply\n", "does not begin with the header"),
        (b"VERSION 0.7\nDATA ascii\n1 2 3\n", "does not say what its points are made of"),
        (header("ascii").replace(b"TYPE F", b"TYPE Q") + FORMS["ascii"], "does not say what"),
        (header("ascii").replace(b"SIZE 8 1", b"SIZE 8") + FORMS["ascii"], "does not say what"),
        (header("ascii").replace(b"POINTS 40", b"POINTS many") + FORMS["ascii"], "does not say what"),
        (
            header("ascii").replace(b"POINTS 40", b"POINTS -40") + FORMS["ascii"],
            "has -40 points and that it is 40 wide",
        ),
        (header("ascii").replace(b"COUNT 1 4", b"COUNT 0 4") + FORMS["ascii"], "points of 8 fields"),
        (header("binary", 0).replace(b"COUNT 1 4", b"COUNT 1 99999999999999"), "points of 8 fields"),
        (header("ascii") + FORMS["ascii"] + b"1\n", "more numbers than its header says"),
        (
            header("ascii") + FORMS["ascii"].replace(b"0.5", b"half"),
            "line 1 below its header reads .* where numbers are expected",
        ),
        (header("zipped") + FORMS["ascii"], "as zipped; expected ascii"),
        (header("binary", 10**15) + FORMS["binary"], "truncated"),
        (header("binary_compressed") + struct.pack("<II", 3, 9) + b"\xff\xff\xff", "cannot be unpacked"),
    ],
)
def test_wrong_files(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.pcd").write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_pcd(tmp_path / "a.pcd")
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_pcd(tmp_path / "a.pcd")


@pytest.mark.parametrize(
    ("data", "size", "expected"),
    [
        (b"\x02abc", 3, b"abc"),
        (b"\x00a\x20\x00", 4, b"aaaa"),  # runs into what it adds
        (b"\x02abc\x40\x02", 7, b"abcabca"),
        (b"\x00a\xe0\x05\x00", 15, b"a" * 15),  # a length of two bytes
        (b"", 0, b""),
        (b"\x02abc", 4, None),
        (b"\x02abc", 2, None),
        (b"\x02ab", 3, None),
        (b"\x00a\x20\x01", 4, None),  # from before the beginning
        (b"\x00a\x20", 4, None),
        (b"\x00a\xe0", 4, None),
    ],
)
def test_lzf(data: bytes, size: int, expected: bytes | None) -> None:
    assert lzf(data, size) == expected
