"""What is odd about a shape is seen, and equal shapes are known by their content."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.engine.plan import Item, Reader
from randquant.data_prep.examine.oddities import FLAT_FACES, MERGED, POLYGONS, SHEET, STRAY, inspect_shape
from randquant.data_prep.shapes import mesh_reader, point_settings
from randquant.errors import DataError

CORNERS = "0 0 0\n1 0 0\n0 1 0\n0 0 1\n"
FACES = "3 0 2 1\n3 0 1 3\n3 1 2 3\n3 2 0 3\n"
PLAIN = f"OFF\n4 4 6\n{CORNERS}{FACES}"


def looked_at(folder: Path, text: str, name: str = "shape.off") -> tuple[str, tuple[str, ...]]:
    (folder / name).write_text(text)
    findings = inspect_shape(folder, Item(name, len(text)), mesh_reader(points=16))
    return findings.content, findings.oddities


@pytest.mark.parametrize(
    ("text", "oddities"),
    [
        (PLAIN, ()),
        (PLAIN.replace("OFF\n", "OFF\n# 3 9\n\n"), ()),
        (PLAIN.replace("OFF\n", "OFF"), (MERGED,)),
        (PLAIN.replace("OFF\n", "OFF # none\n"), ()),
        (PLAIN.replace("OFF\n", "OFF "), (MERGED,)),
        (PLAIN.replace("\n", "\r\n"), ()),
        (f"OFF\n5 5 0\n{CORNERS}5 5 5\n{FACES}3 4 4 4\n", (FLAT_FACES,)),
        (f"OFF\n5 4 0\n{CORNERS}5 5 5\n{FACES}", (STRAY,)),
        ("OFF\n4 1 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n", (POLYGONS, SHEET)),
        (f"OFF\n5 5 0\n{CORNERS}.1 .1 0\n{FACES}4 1 4 2 0\n", (POLYGONS, "ear polygons")),
        ("OFF\n4 2 0\n0 0 0\n1 0 1\n1 1 2\n0 1 1\n3 0 1 2\n3 0 2 3\n", (SHEET,)),
        (f"OFF4 5 0\n{CORNERS}{FACES}2 0 1\n", (MERGED, POLYGONS, "short faces")),
    ],
)
def test_oddities(text: str, oddities: tuple[str, ...], tmp_path: Path) -> None:
    assert looked_at(tmp_path, text)[1] == oddities


def test_content_is_that_of_the_mesh_not_of_the_file(tmp_path: Path) -> None:
    content, _ = looked_at(tmp_path, PLAIN)
    assert looked_at(tmp_path, PLAIN.replace("OFF\n", "OFF"))[0] == content
    assert looked_at(tmp_path, PLAIN.replace("\n1 0 0", "\n1.0 0 0"))[0] == content
    assert looked_at(tmp_path, PLAIN.replace("\n1 0 0", "\n1.1 0 0"))[0] != content
    assert looked_at(tmp_path, PLAIN.replace("3 0 2 1", "3 0 1 2"))[0] != content


@pytest.mark.parametrize(
    "text", ["", "OFF\n0 0 0\n", f"OFF\n4 0 0\n{CORNERS}", PLAIN.replace("1 0 0", "nan 0 0"), PLAIN[:-9]]
)
def test_what_has_no_surface_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"shape\.off"):
        looked_at(tmp_path, text)
    with pytest.raises(DataError, match=r"absent\.off"):
        inspect_shape(tmp_path, Item("absent.off", 0), mesh_reader(points=16))


def test_clouds_are_known_by_their_rows(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    clouds = {"solid": generator.normal(size=(20, 3)), "sheet": generator.normal(size=(20, 2)) @ np.eye(2, 3)}

    def read(path: Path) -> tuple[dict, list]:
        return {}, [clouds[path.name].astype(np.float32)]

    reader = Reader("points", read, point_settings("xyz", 20, file_up="z"))
    solid, sheet = (inspect_shape(tmp_path, Item(name, 0), reader) for name in clouds)
    assert (solid.oddities, sheet.oddities) == ((), (SHEET,))
    assert solid.content != sheet.content
    assert inspect_shape(tmp_path, Item("solid", 0), reader) == solid
