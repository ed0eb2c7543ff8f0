"""Wavefront files by compiled code against the form that tells lines apart one by one."""

import re
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randquant.data_prep.formats.meshes import obj as module
from randquant.data_prep.formats.meshes.obj import read_obj
from randquant.errors import DataError

pytest.importorskip("numba")
BLANK = st.sampled_from([" ", "  ", "\t", " \t "])
END = st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \n", " # a\n", " # ind\n", " #ind\n", " \\\n", "\\\n", "\v\n"])
NUMBER = st.one_of(
    st.floats(-1e3, 1e3).map(lambda x: f"{x:.6f}"),
    st.sampled_from(["1", "-0", "1e-3", ".5", "5.", "0.12345678901234567", "nan", "1.#IND", "x", "1,5", "+2"]),
)
CORNER = st.sampled_from(
    ["1", "2/1", "3//3", "1/2/3", "-1", "-2/-2", "4", "+1", "1.0", "0", "x", "/1", "1/#", "1#", "2/x"]
)
WORD = st.sampled_from(
    [
        *"vvvffFVgplPw#",
        "vt",
        "vn",
        "VN",
        "s off",
        "o a\\",
        "usemtl C:\\a",
        "mtllib a",
        "surf",
        "fo",
        "# C:\\a",
        "#if",
        "",
        "curv2",
        "c_interp",
        "shadow_obj",
        "\v",
        "vé",
        "v\v1",
    ]
)


@st.composite
def line(draw: st.DrawFn) -> str:
    """One that a file may hold, most of them regular."""
    word, blank = draw(WORD), draw(BLANK)
    words = draw(st.lists(CORNER if word in ("f", "F") else NUMBER, min_size=0, max_size=5))
    return draw(st.sampled_from(["", " ", "\t"])) + blank.join([word, *words]) + draw(END)


REGULAR = "v 0 0 0\nv 1 0.5 0\nv 0 1 0 1 0 0\nf 1 2/1 -1\n"


def outcome(path: Path) -> object:
    try:
        mesh = read_obj(path)
    except DataError as error:
        return str(error)
    return mesh.vertices.tobytes(), mesh.faces.tolist(), mesh.notes


@settings(deadline=None, max_examples=150)
@given(lines=st.lists(line(), max_size=4))
def test_every_file_gives_what_it_gives_without(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("obj") / "a.obj"
    path.write_bytes((REGULAR + "".join(lines)).encode())
    with patch.object(module, "LONG", 0):
        fast = outcome(path)
    assert fast == outcome(path)


USUAL = ["", "vt 0 1\nvn 0 0 1\nvp 1 1\n", "g a b\ns off\nusemtl C:\\a\nmtllib a.mtl\no\n", "# \\\n", "p 1\nl 1 2\n"]
ALTERED = [REGULAR.upper(), *(REGULAR.replace(*pair) for pair in [("\n", "\r\n"), (" ", "\t "), ("f", "f 1//1")])]


@pytest.mark.parametrize("more", [*USUAL, *ALTERED])
def test_usual_lines_are_read_by_compiled_code(more: str) -> None:
    with patch.object(module, "LONG", 0):
        found = module._read_regular((REGULAR + more).encode())
    assert found is not None
    faces = re.findall(r"(?im)^f.*", REGULAR + more)
    assert found.counts.tolist() == [len(face.split()) - 1 for face in faces]
    assert len(found.vertices) == len(re.findall(r"(?im)^v\s", REGULAR + more))
