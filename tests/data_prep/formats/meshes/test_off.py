"""OFF files: every form found in the wild reads as the same mesh, everything broken is named."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.formats.meshes import off
from randquant.data_prep.formats.meshes.off import read_off
from randquant.errors import DataError

REAL = Path(__file__).parents[4].parent / "shared" / "data" / "shapes30"

VERTICES = "0 0 0\n1 0 0\n0 1 0\n0 0 1.5e0\n"
FACES = "3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"
PLAIN = f"OFF\n4 4 6\n{VERTICES}{FACES}"

ROWS = VERTICES.splitlines()
COLUMNS = {"": "", "N": " 0 0 1", "C": " 255 0 0 255", "ST": " .5 .5"}
# The format names the letters in one order and their columns in another; files have both.
PREFIXED = {
    "".join(letters) + "OFF": "".join(letters)
    + PLAIN.replace(VERTICES, "".join(f"{row}{''.join(COLUMNS[letter] for letter in letters)}\n" for row in ROWS))
    for size in (1, 2, 3)
    for letters in itertools.permutations(("N", "C", "ST"), size)
}
SAME = {
    **PREFIXED,
    "plain": PLAIN,
    "counts beside the word": PLAIN.replace("OFF\n", "OFF "),
    "counts stuck to the word": PLAIN.replace("OFF\n", "OFF"),
    "no edges": PLAIN.replace("4 4 6", "4 4"),
    "small letters": PLAIN.replace("OFF", "off"),
    "byte order mark": "\ufeff" + PLAIN,
    "no newline at the end": PLAIN.rstrip(),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "CR": PLAIN.replace("\n", "\r"),
    "blank lines": "\n" + PLAIN.replace("\n", "\n\n").replace("\n\n0", "\n \t\n0"),
    "comments": "# BINARY is not what this is\n" + PLAIN.replace("6\n", "6 # counts\n# 3 0 1 2\n") + "# end",
    "indented": PLAIN.replace("\n", "\n   "),
    "wide": PLAIN.replace(" ", " \t "),
    "rubbish after the last face": PLAIN + "and more 1 2 3\n3 9 9 9\n",
    "colours of faces": PLAIN.replace(FACES, "".join(f"{line}  255 0 0\n" for line in FACES.splitlines())),
    "colours as fractions": PLAIN.replace(FACES, "".join(f"{line} .5 0 1.0 1\n" for line in FACES.splitlines())),
    "colours of some faces": PLAIN.replace("3 0 1 3", "3 0 1 3 0.5 0.5 0.5"),
    "COFF": "C" + PLAIN.replace(VERTICES, "".join(f"{line} 10 20 30 255\n" for line in VERTICES.splitlines())),
    "NOFF": "N" + PLAIN.replace(VERTICES, "".join(f"{line} 0 0 1\n" for line in VERTICES.splitlines())),
    "STOFF": "ST" + PLAIN.replace(VERTICES, "".join(f"{line} .1 .2\n" for line in VERTICES.splitlines())),
    "STCNOFF": "STCN"
    + PLAIN.replace(VERTICES, "".join(f"{line} 0 0 1 1 1 1 1 0 0\n" for line in VERTICES.split("\n")[:4])),
    "columns that differ": "C" + PLAIN.replace("1 0 0\n", "1 0 0 7 7 7\n"),
    "three dimensions by name": PLAIN.replace("OFF\n", "nOFF\n3\n"),
    "three dimensions beside the counts": PLAIN.replace("OFF\n", "nOFF\n3 "),
    "a number a line": PLAIN.replace(VERTICES + FACES, (VERTICES + FACES).replace(" ", "\n")),
    "all in one line": PLAIN.replace(VERTICES + FACES, (VERTICES + FACES).replace("\n", " ")),
    "the whole file in one line": PLAIN.replace("\n", " "),
    "two vertices a line": PLAIN.replace(VERTICES, VERTICES.replace("\n1", " 1").replace("\n0 0 1.5", " 0 0 1.5")),
    "faces over two lines": PLAIN.replace(FACES, FACES.replace("3 ", "3\n")),
    "coloured faces over two lines": PLAIN.replace(
        FACES, "".join(f"{line[:3]}\n{line[3:]} 9 9 9\n" for line in FACES.splitlines())
    ),
    "NCOFF in one line": "NC"
    + PLAIN.replace(VERTICES, "".join(f"{row} 0 0 1 255 0 0 " for row in ROWS)).replace(
        FACES, FACES.replace("\n", " ")
    ),
    "a face of two corners": PLAIN.replace("4 4 6", "4 5 6").replace(FACES, "2 0 1\n" + FACES),
}


def geometry(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = read_off(path)
    return found.vertices, found.faces


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "shape.off"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("form", SAME)
def test_every_form_reads_as_the_same_mesh(form: str, tmp_path: Path) -> None:
    vertices, faces = geometry(written(tmp_path, SAME[form]))
    assert (vertices.dtype, faces.dtype) == (np.float64, np.int64)
    assert vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.5]]
    assert faces.tolist() == [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("form", SAME)
def test_the_quick_way_agrees_wherever_it_is_taken(form: str, tmp_path: Path) -> None:
    data = SAME[form].encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    quick = off._read_regular(tmp_path, data)
    if quick is not None:
        slow = off._read_any(tmp_path, data)
        assert np.array_equal(quick.vertices, slow.vertices)
        assert np.array_equal(quick.faces, slow.faces)
    assert (quick is not None) or form not in ("plain", "counts stuck to the word", "colours of faces", "NOFF")


def test_polygons_become_fans_in_order(tmp_path: Path) -> None:
    vertices = "".join(f"{x} {x * x} 0\n" for x in range(6))
    text = f"OFF\n6 4 0\n{vertices}4 0 1 2 3\n3 3 4 5\n2 0 1\n5 1 2 3 4 5 0.1 0.2 0.3\n"
    expected = [[0, 1, 2], [0, 2, 3], [3, 4, 5], [1, 2, 3], [1, 3, 4], [1, 4, 5]]
    assert read_off(written(tmp_path, text)).faces.tolist() == expected


BROKEN = {
    "": "is empty where",
    "\n\n# nothing\n": "is empty where",
    "ply\nformat ascii 1.0\n": "starts with 'ply' where an OFF file",
    "OFFSET\n4 4 6\n": "starts with 'OFFSET'",
    "OFF\n": "line 1 reads '' where the numbers of vertices and faces",
    "OFF\nfour 4 6\n": "line 2 reads 'four 4 6' where the numbers",
    "OFF\n-4 4 6\n": "line 2 reads '-4 4 6'",
    "OFF\n4\n4\n6\n": "line 2 reads '4' where the numbers",
    "4OFF\n4 4 6\n": "other than three dimensions",
    "nOFF\n5 4 4 6\n": "other than three dimensions",
    "4nOFF\n3 4 4 6\n": "other than three dimensions",
    "nOFF\n3\n": "line 2 reads '3' where the numbers",
    "OFF\n4 0 0\n" + VERTICES: "has no faces",
    "OFF\n4 1 0\n" + VERTICES + "2 0 1\n": "no face of three corners",
    PLAIN.replace("4 4", "1000000000000 4"): "ends at line 10 with 8 of 1000000000000 vertices; it is truncated",
    PLAIN.replace("4 4", "4 999999999999999"): "with 4 of 999999999999999 faces",
    PLAIN.replace("4 4", "4 4444444444444444"): "line 2 reads",
    PLAIN.replace("4 4", "4 9" + 5000 * "9"): "line 2 reads",
    PLAIN[:-8]: "ends at line 9 with 3 of 4 faces",
    PLAIN[:-3]: "line 10 reads '3 1 2' where a face",
    PLAIN.replace("0 1 0\n", "0 1\n"): "line 5 reads '0 1' where the coordinates",
    PLAIN.replace("0 1 0\n", "0 1,5 0\n"): "line 5 reads '0 1,5 0'",
    PLAIN.replace("3 0 2 3", "3 0 2 x"): "line 9 reads '3 0 2 x'",
    PLAIN.replace("3 0 2 3", "three 0 2 x"): "line 9 reads",
    PLAIN.replace("3 0 2 3", "-3 0 2 3"): "line 9 reads",
    "# slow\n" + PLAIN.replace("3 0 2 3", "3 0 2 " + 30 * "9"): "line 10 reads",
    PLAIN.replace("0 1 0\n", "\n# here\n0 1 o\n"): "line 7 reads '0 1 o'",
    PLAIN + "3 0 1 2\n": "holds more than the 4 faces that its header says",
    "# slow\n" + PLAIN + "\n3 0 1 2 255 0 0\n": "holds more than the 4 faces",
    " ".join(f"{PLAIN} 255 0 0".split()).replace("3 0", "3 0 0 0 255 0"): "is one line whose numbers of",
    "OFF BINARY\n\1\2": "binary OFF file",
    "OFF\n4 4 6\n\0": "binary OFF file",
}


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_broken_is_named(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DataError, match=BROKEN[text]) as caught:
        read_off(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_cut_is_an_error_or_the_whole_mesh(tmp_path: Path) -> None:
    whole = read_off(written(tmp_path, PLAIN)).faces
    for size in range(len(PLAIN) - 2):
        with pytest.raises(DataError):
            read_off(written(tmp_path, PLAIN[:size]))
    assert np.array_equal(read_off(written(tmp_path, PLAIN[:-1])).faces, whole)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.off cannot be read \(No such file"):
        read_off(tmp_path / "absent.off")


def test_numbers_are_read_to_the_last_digit(tmp_path: Path) -> None:
    vertices = np.random.default_rng(0).normal(size=(50, 3)) * 10.0 ** np.arange(-25, 25)[:, None]
    rows = "".join(" ".join(map(repr, row)) + "\n" for row in vertices.tolist())
    read, _ = geometry(written(tmp_path, f"OFF\n50 1 0\n{rows}3 0 1 2\n"))
    assert np.array_equal(read, vertices)


@pytest.mark.skipif(not REAL.is_dir(), reason="the meshes of shapes30 are not on this machine")
def test_real_meshes_as_trimesh_reads_them() -> None:
    trimesh = pytest.importorskip("trimesh")
    for path in sorted(REAL.glob("*/test/*.off"))[::20]:
        vertices, faces = geometry(path)
        expected = trimesh.load_mesh(path, process=False)
        assert np.array_equal(vertices, expected.vertices)
        assert np.array_equal(faces, expected.faces)
