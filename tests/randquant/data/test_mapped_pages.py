"""Pages of a map go and come back with what they held."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data.features import checksum
from randquant.data.mapped_pages import let_go

STATUS = Path("/proc/self/status")


def resident() -> int:
    """Bytes of files that this process holds mapped."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines["RssFile"].split()[0]) * 1024


@pytest.mark.skipif(not STATUS.exists(), reason="looks at memory as Linux shows it")
def test_a_file_read_in_parts_is_held_in_parts(tmp_path: Path) -> None:
    array = np.arange(1 << 23, dtype=np.float32).reshape(-1, 64)
    np.save(tmp_path / "vectors.npy", array)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    before = resident()
    assert checksum(mapped) == checksum(array)
    assert resident() - before < array.nbytes / 4
    assert float(mapped.sum()) == float(array.sum())
    assert resident() - before > array.nbytes / 2
    let_go(mapped[10:])
    assert resident() - before < array.nbytes / 4
    assert (mapped == array).all()


def test_other_arrays_stay(tmp_path: Path) -> None:
    array = np.ones((4, 2), np.float32)
    let_go(array)
    array.flags.writeable = False
    let_go(array[1:])
    np.save(tmp_path / "vectors.npy", array)
    changed = np.load(tmp_path / "vectors.npy", mmap_mode="c")  # changes of its own, which must not go
    changed[0] = 7.0
    let_go(changed)
    assert (array == 1.0).all()
    assert (changed[0] == 7.0).all()
