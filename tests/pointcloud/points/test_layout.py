"""Layouts: which column of a cloud means what."""

import pytest

from randquant.pointcloud.points.layout import XYZ, XYZ_NORMALS, Layout


def test_columns_are_found_by_name() -> None:
    layout = Layout.of(["x", "y", "z", "height", "r", "g", "b", "nx", "ny", "nz", "part"])
    assert (layout.xyz, layout.colours, layout.normals) == (slice(0, 3), slice(4, 7), slice(7, 10))
    assert (layout.features, layout.index("part"), len(layout)) == (slice(3, 11), 10, 11)


def test_what_is_not_there_is_none() -> None:
    assert (XYZ.normals, XYZ.colours, XYZ.features) == (None, None, slice(3, 3))
    assert XYZ_NORMALS.normals == slice(3, 6)
    with pytest.raises(ValueError, match="hold part, got x, y, z"):
        XYZ.index("part")


def test_equal_names_make_equal_layouts() -> None:
    assert Layout.of(iter("xyz")) == XYZ == Layout(tuple("xyz"))
    assert len({Layout.of("xyz"), XYZ, XYZ_NORMALS}) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "start with x, y, z, got none"),
        (["x", "z", "y"], "start with x, y, z"),
        (["nx", "ny", "nz", "x", "y", "z"], "start with x, y, z"),
        (["x", "y", "z", "part", "part"], "each column once"),
        (["x", "y", "z", "nx", "ny"], "nx, ny, nz side by side"),
        (["x", "y", "z", "ny", "nz"], "nx, ny, nz side by side"),
        (["x", "y", "z", "r", "part", "g", "b"], "r, g, b side by side"),
    ],
)
def test_bad_names_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layout.of(names)
