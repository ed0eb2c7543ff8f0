"""A CSV file of labels is taken as it stands or refused in one sentence that names the place."""

from pathlib import Path

import pytest

from data_prep.labelled import plan_labelled
from data_prep.preparation import Item
from randquant.errors import DataError

GOOD = "path,label,group,split\na.wav,cat,g1,train\nsub/b.wav,cat,,valid\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    for name in ("a.wav", "sub/b.wav", "c d, é.wav"):
        (root / name).write_bytes(b"123")
    return root


def table(root: Path, text: str, encoding: str = "utf-8") -> Path:
    path = root.parent / "task.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_rows_become_items_in_order(root: Path) -> None:
    plan = plan_labelled(table(root, GOOD + '"c d, é.wav",cat,g2,test\n'), root)
    assert plan.items == [
        Item("a.wav", 3, "cat", "g1", "train"),
        Item("sub/b.wav", 3, "cat", None, "valid"),
        Item("c d, é.wav", 3, "cat", "g2", "test"),
    ]


def test_group_is_optional_and_order_and_further_columns_are_free(root: Path) -> None:
    text = "split,extra,label,path\ntrain,1,cat,./sub/../a.wav\n"
    assert plan_labelled(table(root, text), root).items == [Item("a.wav", 3, "cat", None, "train")]


def test_blanks_around_labels_and_splits_do_not_count(root: Path) -> None:
    plan = plan_labelled(table(root, "path,label,split\na.wav,cat , train\nsub/b.wav, cat,valid\n"), root)
    assert [(item.label, item.split) for item in plan.items] == [("cat", "train"), ("cat", "valid")]


def test_folds_are_taken_in_all_rows_or_in_none(root: Path) -> None:
    folds = "path,label,split\na.wav,cat,fold1\nsub/b.wav,dog,fold10\n"
    assert [item.split for item in plan_labelled(table(root, folds), root).items] == ["fold1", "fold10"]
    with pytest.raises(DataError, match="line 3 mixes folds"):
        plan_labelled(table(root, folds.replace("fold10", "test")), root)
    with pytest.raises(DataError, match="line 2 has the split 'fold0'"):
        plan_labelled(table(root, folds.replace("fold1\n", "fold0\n")), root)


def test_byte_order_mark_and_crlf(root: Path) -> None:
    plan = plan_labelled(table(root, GOOD.replace("\n", "\r\n"), "utf-8-sig"), root)
    assert [item.path for item in plan.items] == ["a.wav", "sub/b.wav"]


HEADER = "path,label,group,split\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,class,group,split\na.wav,cat,,train\n", "lacks the column label"),
        ("path;label;group;split\na.wav;cat;;train\n", "lacks the column path, label, split"),
        ("", "an empty file"),
        (HEADER, "no rows"),
        (HEADER + "a.wav,cat,,dev\n", "line 2 has the split 'dev'; use one of train, valid, test"),
        (HEADER + "a.wav,cat,,train\nsub/b.wav,,,train\n", "line 3 has no label"),
        (HEADER + "a.wav,cat,train\n", "line 2 has more or fewer cells"),
        (HEADER + "a.wav,cat,,train,more\n", "line 2 has more or fewer cells"),
        (HEADER + "a.wav,cat,,train\na.wav,cat,,test\n", "names a.wav twice"),
        (HEADER + "a.wav,cat,,train\nsub/../a.wav,cat,,test\n", "names a.wav twice"),
        (HEADER + "a.wav,cat,,train\nsub/b.wav,dog,,test\n", "no train row for 1 of its labels ('dog')"),
        (HEADER + "a.wav,cat,,test\n", "no train row"),
        (HEADER + "../a.wav,cat,,train\n", "leads out of --root"),
        (HEADER + "/etc/passwd,cat,,train\n", "leads out of --root"),
        (HEADER + "a.wav,cat,,train\ngone.wav,cat,,test\n", "names 1 files that do not exist"),
        (HEADER + "sub,cat,,train\n", "names 1 files that do not exist"),
        (HEADER + 'a.wav,"cat,,train\n', "is not a CSV file"),
    ],
)
def test_refused(root: Path, text: str, words: str) -> None:
    path = table(root, text)
    with pytest.raises(DataError) as caught:
        plan_labelled(path, root)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_not_utf8_and_absent(root: Path) -> None:
    with pytest.raises(DataError, match="UTF-8"):
        plan_labelled(table(root, HEADER + "a.wav,Straße,,train\n", "latin-1"), root)
    with pytest.raises(DataError, match="does not exist; check --csv"):
        plan_labelled(root / "absent.csv", root)
    with pytest.raises(DataError, match="where a folder is expected"):
        plan_labelled(table(root, GOOD), root / "absent")
