"""OFF files in regular form and in the irregular forms that real files have."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.synthetic.solids.solid import Solid

Style = Literal["plain", "merged", "polygons", "commented", "coloured", "untidy"]
# In turn, so that most files are as most are.
STYLES: tuple[Style, ...] = (
    "plain",
    "merged",
    "plain",
    "polygons",
    "plain",
    "commented",
    "plain",
    "coloured",
    "untidy",
)


def write_off(path: Path, solid: Solid, *, style: Style = "plain") -> None:
    """Write a text OFF file; five digits a coordinate.

    Args:
        path: to write; its folder must exist.
        solid: the surface.
        style: "plain" triangles; "merged", the counts on the line of the word OFF and stuck to it, as in many files of
            ModelNet40; "polygons" of as many corners as the surface has; "commented", with comments and blank lines;
            "coloured", with a colour after each face; "untidy", with vertices of no face, faces without an area, and
            one face in three the other way round.
    """
    vertices = solid.vertices
    faces: Sequence[NDArray[np.int64]] = solid.faces if style == "polygons" else [solid.triangles()]
    if style == "untidy":
        vertices, faces = _untidy(vertices, faces[0])
    counts = f"{len(vertices)} {sum(map(len, faces))} 0"
    head = f"OFF{counts}\n" if style == "merged" else f"OFF\n{counts}\n"
    if style == "commented":
        head = f"OFF # made up\n\n# vertices, faces, edges\n{counts}\n\n"
    text = io.StringIO()
    text.write(head)
    _write_rows(text, vertices, "%.5g")
    text.write("# faces\n" if style == "commented" else "")
    for polygons in faces:
        _write_rows(text, _face_rows(polygons, colour=style == "coloured"), "%d")
    path.write_text(text.getvalue())


def _write_rows(text: io.StringIO, rows: NDArray, number: str) -> None:
    line = " ".join([number] * rows.shape[1]) + "\n"
    text.write((line * len(rows)) % tuple(rows.ravel().tolist()))


def _face_rows(polygons: NDArray[np.int64], *, colour: bool) -> NDArray[np.int64]:
    count, corners = polygons.shape
    columns = [np.full((count, 1), corners), polygons]
    return np.concatenate([*columns, *([np.full((count, 3), 192)] if colour else [])], axis=1)


def _untidy(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> tuple[NDArray, list[NDArray[np.int64]]]:
    stray = vertices.mean(axis=0) + 5 * np.ptp(vertices, axis=0) * np.array([[1.0, 0, 0], [0, 1, 0]])
    turned = faces.copy()
    turned[::3] = turned[::3, ::-1]
    flat = np.repeat(faces[:4, :1], 3, axis=1)
    return np.concatenate([vertices, stray]), [np.concatenate([turned, flat])]
