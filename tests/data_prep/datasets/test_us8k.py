"""UrbanSound8K as unpacked: ten folds from its table, whatever is lost counted, a wrong table refused."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from randquant.data_prep.datasets.us8k import CLASSES, FOLDS, plan_us8k
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.synthetic.sounds.us8k import write_us8k
from randquant.errors import DataError

COLUMNS = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]


def write_table(root: Path, rows: list[list[object]], columns: list[str] = COLUMNS) -> None:
    with open(root / "metadata" / "UrbanSound8K.csv", "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def row(fold: int | str, number: int = 0, label: str = "siren") -> list[object]:
    return [f"{100 + number}-8-0-{number}.wav", 100 + number, 0.0, 4.0, 1, fold, 8, label]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two slices a fold, without samples, as planning reads none."""
    (tmp_path / "metadata").mkdir()
    rows = [row(fold, 2 * fold + take, CLASSES[take]) for fold in range(1, 11) for take in (0, 1)]
    write_table(tmp_path, rows)
    for name, *_, fold, _, _ in rows:
        (tmp_path / "audio" / f"fold{fold}").mkdir(parents=True, exist_ok=True)
        (tmp_path / "audio" / f"fold{fold}" / str(name)).write_bytes(b"123")
    (tmp_path / "audio" / "fold1" / "._102-8-0-2.wav").write_bytes(b"macOS litter")
    (tmp_path / "audio" / "fold1" / ".DS_Store").write_bytes(b"macOS litter")
    return tmp_path


def test_folds_labels_and_groups(tree: Path) -> None:
    plan = plan_us8k(tree)
    assert [item.split for item in plan.items] == [fold for fold in FOLDS for _ in (0, 1)]
    assert plan.items[0].path == "audio/fold1/102-8-0-2.wav"
    assert {(item.label, item.group) for item in plan.items[-2:]} == {(CLASSES[0], "120"), (CLASSES[1], "121")}
    assert plan.source["found"] == {**dict.fromkeys(FOLDS, 2), "all": 20}
    assert plan.source["published"] == {"all": 8732}
    assert (plan.source["missing"], plan.source["unlisted"], plan.source["missing_folds"]) == (0, 0, [])


def test_losses_are_counted(tree: Path) -> None:
    (tree / "audio" / "fold2" / "104-8-0-4.wav").unlink()
    (tree / "audio" / "fold3" / "unknown.wav").write_bytes(b"x")
    shutil.rmtree(tree / "audio" / "fold10")
    plan = plan_us8k(tree)
    assert len(plan.items) == 17
    assert plan.source["unlisted"] == 1
    assert plan.source["missing_folds"] == ["fold10"]
    assert plan.missing == ["audio/fold10/120-8-0-20.wav", "audio/fold10/121-8-0-21.wav", "audio/fold2/104-8-0-4.wav"]
    assert plan.source["missing"] == 3


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(1), row(1)], r"line 3 names audio/fold1/100-8-0-0\.wav again"),
        ([row(11)], "line 2 has the fold '11'"),
        ([row("one")], "line 2 has the fold 'one'"),
        ([row(1, label="violin")], "line 2 has the class 'violin'; expected one of air_conditioner"),
        ([row("")], "line 2 has no fold"),
        ([row(1)[:5]], "more or fewer cells"),
        ([["../../x.wav", *row(1)[1:]]], "not a file name"),
        ([], "no rows"),
        ([row(1, 77)], "none of the 1 slices"),
    ],
)
def test_wrong_tables(tree: Path, rows: list[list[object]], words: str) -> None:
    write_table(tree, rows)
    with pytest.raises(DataError, match=words) as caught:
        plan_us8k(tree)
    assert "\n" not in str(caught.value)


def test_no_table(tree: Path) -> None:
    table = tree / "metadata" / "UrbanSound8K.csv"
    write_table(tree, [], ["slice_file_name", "fsID", "classID"])
    with pytest.raises(DataError, match="lacks the column fold, class"):
        plan_us8k(tree)
    table.write_text("<!DOCTYPE html>")
    with pytest.raises(DataError, match="web page"):
        plan_us8k(tree)
    table.unlink()
    with pytest.raises(DataError, match=r"UrbanSound8K\.csv does not exist"):
        plan_us8k(tree)


def test_every_format_is_read(tmp_path: Path) -> None:
    """The miniature has 8 to 192 kHz, 8 to 32 bit, float, MS-ADPCM and stereo, as the real one."""
    root = write_us8k(tmp_path, slices_per_class=1)
    store = prepare(plan_us8k(root), tmp_path / "store", strict=True)
    assert Counter(store.column("split")) == dict.fromkeys(FOLDS, 10)
    assert set(store.column("label")) == set(CLASSES)
    assert {8_000, 44_100, 96_000, 192_000} <= set(store.column("source_rate"))
    for path, length in zip(store.column("path"), store.lengths, strict=True):
        info = soundfile.info(root / path)
        # libsndfile counts whole blocks of ADPCM; the chunk `fact` says how far the last one is filled.
        unfilled = 2_048 if info.subtype == "MS_ADPCM" else 0
        assert -1 <= info.frames * 16_000 / info.samplerate - length <= 1 + unfilled
