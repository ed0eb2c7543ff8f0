"""What is read of a row on a page."""

import numpy as np

from randquant.tables.excerpt import CELLS, cells


def test_the_furthest_cells_in_the_units_of_the_table() -> None:
    names = [f"n{place}" for place in range(8)] + ["yes1", "yes2"]
    known = dict.fromkeys(names[:8], (10.0, 2.0))
    row = np.array([0.1, -3.0, 0.2, 2.5, 0.0, 4.0, -5.0, 0.3, 0.0, 1.0], dtype=np.float32)
    assert cells(row, names, known) == [
        ("n1", "4"),
        ("n3", "15"),
        ("n5", "18"),
        ("n6", "0"),
        ("n7", "10.6"),
        ("yes2", "yes"),
    ]
    assert len(cells(row[8:], names[8:], {})) == 1 < CELLS
