"""A spool outlives a run that is stopped, and is believed only where it is whole and meant."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from randquant.embedding.spool import Spool, spool
from randquant.errors import DataError

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


def stop_after_two_parts(out: Path) -> Path:
    with suppress(KeyboardInterrupt), spool(out, 3, {"files": ["a", 1]}) as waiting:
        waiting.append(VECTORS[:2])
        waiting.finish_part({"rows": [1, 2], "count": np.int64(2)})
        waiting.append(VECTORS[2])
        waiting.finish_part("third")
        waiting.append(VECTORS[3])
        raise KeyboardInterrupt
    return out.with_name(f".{out.name}.spool")


def opened(out: Path, dimension: int = 3, identity: object = 1) -> Spool:
    with spool(out, dimension, {"files": ["a", identity]}) as waiting:
        return waiting


def test_finished_parts_are_taken_up(tmp_path: Path) -> None:
    out = tmp_path / "x.parquet"
    stop_after_two_parts(out)
    with spool(out, 3, {"files": ["a", 1]}) as waiting:
        assert waiting.records == [{"rows": [1, 2], "count": 2}, "third"]
        assert (waiting.count, waiting.resumed) == (3, 2)
        waiting.append(VECTORS[3])
        np.testing.assert_array_equal(waiting.vectors(), VECTORS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("dimension", "identity"), [(4, 1), (3, 2)])
def test_another_identity_begins_anew(tmp_path: Path, dimension: int, identity: int) -> None:
    stop_after_two_parts(tmp_path / "x.parquet")
    waiting = opened(tmp_path / "x.parquet", dimension, identity)
    assert (waiting.records, waiting.count) == ([], 0)


@pytest.mark.parametrize(
    ("name", "harm", "left"),
    [
        ("parts", lambda data: data[:-1], 1),
        ("parts", lambda data: data[:-9], 1),
        ("parts", lambda data: data + b'{"count": 9', 2),
        ("parts", lambda data: b"", 0),
        ("vectors", lambda data: data[:28], 1),
        ("vectors", lambda data: b"x" + data[1:], 0),
        ("vectors", lambda data: data[:30] + b"x" + data[31:], 1),
    ],
)
def test_only_whole_parts_are_believed(tmp_path: Path, name: str, harm: object, left: int) -> None:
    out = tmp_path / "x.parquet"
    folder = stop_after_two_parts(out)
    (folder / name).write_bytes(harm((folder / name).read_bytes()))  # type: ignore[operator]
    with suppress(KeyboardInterrupt), spool(out, 3, {"files": ["a", 1]}) as waiting:
        assert len(waiting.records) == left
        waiting.append(VECTORS[waiting.count :])
        waiting.finish_part("rest")
        raise KeyboardInterrupt
    with spool(out, 3, {"files": ["a", 1]}) as waiting:
        assert waiting.records[-1] == "rest"
        np.testing.assert_array_equal(waiting.vectors(), VECTORS)


def test_nothing_is_left_where_no_part_is_finished(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="NaN"), spool(tmp_path / "x.parquet", 2, {}) as waiting:
        waiting.append(np.array([[0.0, np.nan]], dtype=np.float32))
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_share_a_table(tmp_path: Path) -> None:
    with spool(tmp_path / "x.parquet", 3, {}), pytest.raises(DataError, match="another run"):
        opened(tmp_path / "x.parquet")
