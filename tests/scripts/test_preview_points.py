"""A picture of a store, as typed."""

from pathlib import Path

import numpy as np
import pytest

from randquant.cli.command import run
from randquant.data.examples import examples
from randquant.data.store import Store, StoreWriter
from randquant.scripts.preview_points import preview

pytest.importorskip("matplotlib")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three classes of 4, 2 and 1 shapes and one without a label, of 40 points with normals."""
    generator = np.random.default_rng(0)
    writer = StoreWriter(tmp_path / "store", kind="points", plan="")
    with writer.begin(), writer.shard(0) as shard:
        for place, label in enumerate([*"aaaabbc", None]):
            rows = generator.uniform(-0.5, 0.5, size=(40, 6)).astype(np.float32)
            shard.append([rows], {"path": f"{label}/Shape {place}.off", "label": label, "split": "train"})
    return writer.finish(1, {"channels": ["x", "y", "z", "nx", "ny", "nz"]})


def command(store: Store, out: Path, *more: str) -> int:
    return run(preview, ["--store", str(store.path), "--out", str(out), *more])


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_a_picture_is_written(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, begins: bytes
) -> None:
    out = tmp_path / f"views{suffix}"
    assert command(store, out, "--shapes", "2", "--points", "32") == 0
    assert out.read_bytes().startswith(begins)
    assert capsys.readouterr().out == f"{out}: 2 shapes under 12 views of 32 points\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", f"views{suffix}"]


def test_shapes_of_other_classes_come_first(store: Store) -> None:
    assert examples(store, 4) == [7, 0, 4, 6]
    assert examples(store, 6, None) == [7, 0, 4, 6, 1, 5]
    assert examples(store, 2, None) == [7, 4]
    assert sorted(examples(store, 50, None)) == list(range(8))
    assert examples(store, 3, "A/sh") == [0, 1, 2]


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--out", "views.jpg"], 2, "--out views.jpg should end in .png, .pdf, .svg"),
        (["--shapes", "0"], 2, "--shapes 0 should lie between 1 and 50"),
        (["--points", "0"], 2, "--points 0 should be at least 1"),
        (["--points", "41"], 1, "41 points of each shape are asked for"),
        (["--match", "sofa", "--points", "40"], 1, 'contains "sofa"; give another --match'),
    ],
    ids=["format", "shapes", "points", "more-points", "match"],
)
def test_mistakes_are_one_sentence(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, says: str
) -> None:
    assert command(store, tmp_path / "views.png", *flags) == code
    assert says in capsys.readouterr().err
    assert not (tmp_path / "views.png").exists()
