"""A CSV file of labels is taken as it stands or refused in one sentence that names the place."""

from pathlib import Path

import pytest

from randquant.data_prep.engine.plan import Item
from randquant.data_prep.formats.csv_reader import read_csv
from randquant.data_prep.notes import plan_notes
from randquant.data_prep.own_files.labelled import plan_labelled
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


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("first", ["", "sep={}\n", '"sep={}"\n', "\n \n"])
def test_any_dialect_reads_the_same(root: Path, ends: str, encoding: str, separator: str, first: str) -> None:
    rows = [
        [" Path", "LABEL ", "split", "Group", "seconds"],
        ["a.wav", ' "cat; dog, both|one"', "Train", "g1", '"1,5"'],
        [""],
        ["", "", "", "", ""],
        ['"c d, é.wav"', ' "cat; dog, both|one"', " test", "", '"2,5"'],
    ]
    text = first.format(separator) + "".join(separator.join(cells) + "\n" for cells in rows)
    text = text.replace("\n", ends)
    if encoding == "utf-16-le-bom":
        text, encoding = "\ufeff" + text, "utf-16-le"
    path = root.parent / "task.csv"
    path.write_bytes(text.encode(encoding))
    assert plan_labelled(path, root).items == [
        Item("a.wav", 3, "cat; dog, both|one", "g1", "train"),
        Item("c d, é.wav", 3, "cat; dog, both|one", None, "test"),
    ]


def test_a_separator_at_the_end_of_lines_makes_no_column(root: Path) -> None:
    text = "path;label;split;;\na.wav;cat;train;;\nsub/b.wav;cat;test\n"
    assert len(plan_labelled(table(root, text), root).items) == 2


def test_what_could_be_read_in_two_ways_is_refused(root: Path) -> None:
    path = table(root, "a,x;a\n1,2;3\n")
    with pytest.raises(DataError, match="could be separated by commas or semicolons"):
        list(read_csv(path, ("a",), "a test"))


def test_paths_with_backslashes_or_absolute_inside_the_root(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root, target_is_directory=True)
    for path in (
        "sub\\b.wav",
        ".\\sub\\b.wav",
        str(root / "sub" / "b.wav"),
        str(root / "sub" / ".." / "sub" / "b.wav"),
    ):
        for top in (root, link):
            assert plan_labelled(table(root, HEADER + f"{path},cat,,train\n"), top).items[0].path == "sub/b.wav"
    (root / "sub\\b.wav").write_bytes(b"1234")
    assert plan_labelled(table(root, HEADER + "sub\\b.wav,cat,,train\n"), root).items[0].size == 4


def test_accents_composed_or_apart_are_one_name(root: Path) -> None:
    text = HEADER + '"c d, e\u0301.wav",cat,,train\n'
    assert plan_labelled(table(root, text), root).items[0].path == "c d, é.wav"


def test_groups_in_more_than_one_split_are_noted(root: Path) -> None:
    text = HEADER + 'a.wav,cat,g1,train\nsub/b.wav,cat,g1,test\n"c d, é.wav",cat,g2,test\n'
    source = plan_labelled(table(root, text), root).source
    assert source["groups_across"] == ["g1"]
    assert "groups in more than one split: 1 (g1)" in plan_notes(source)[0]
    assert plan_notes(plan_labelled(table(root, text.replace("test", "train")), root).source) == []


HEADER = "path,label,group,split\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,class,group,split\na.wav,cat,,train\n", "lacks the column label"),
        ("path label split\na.wav cat train\n", "lacks the column path, label, split"),
        (HEADER.replace(",", ";") + "a.wav,cat,,train\n", "line 2 has more or fewer cells than the header (1 for 4"),
        ("path,label,Label,split\na.wav,cat,cat,train\n", "has the column label 2 times"),
        ("path;label;group;group;split\na.wav;cat;;;train\n", "has the column group 2 times"),
        ("sep=,\npath;label;split\na.wav;cat;train\n", "lacks the column"),
        (HEADER + '\na.wav,"cat\ndog",,train\n', "line 3 has the label 'cat\\ndog' with control characters"),
        (HEADER + "a.wav,cat,\x1b[2J,train\n", "line 2 has the group"),
        (HEADER + "C:\\data\\a.wav,cat,,train\n", "leads out of --root"),
        (HEADER + "..\\a.wav,cat,,train\n", "names 1 files that do not exist"),
        ("<!doctype html>\n", "is a web page"),
        ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("PK\x03\x04", "a spreadsheet"),
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
    with pytest.raises(DataError, match="line 2 is not text in UTF-8"):
        plan_labelled(table(root, HEADER + "a.wav,Straße,,train\n", "latin-1"), root)
    with pytest.raises(DataError, match="does not exist, but a table of labels is expected there"):
        plan_labelled(root / "absent.csv", root)
    with pytest.raises(DataError, match="where a folder is expected"):
        plan_labelled(table(root, GOOD), root / "absent")
