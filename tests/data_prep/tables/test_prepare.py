"""A table becomes rows of numbers; what is left out, guessed or missing is counted and said."""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from randquant.data.store import Store
from randquant.data_prep.datasets.tables.covtype import BLOCKS, CLASSES, PUBLISHED, plan_covtype, published_splits
from randquant.data_prep.examine.summary import summary
from randquant.data_prep.synthetic.tables import TABLE, small_covtype, small_table
from randquant.data_prep.tables import prepare
from randquant.data_prep.tables.prepare import prepare_table
from randquant.data_prep.tables.settings import OwnTable
from randquant.data_prep.tables.splits import Shares
from randquant.errors import DataError, UsageError

SHARED = Path(__file__).parents[4] / "shared" / "data" / "tables" / "covtype_10k.data"


def prepared(tmp_path: Path, text: str | bytes, **flags: Any) -> Store:
    """The store of a table given as text."""
    file = tmp_path / "table.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return prepare_table(OwnTable(tmp_path / "store", csv=file, **flags).plan(), tmp_path / "store")


def columns(store: Store) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in store.info["table"]["columns"]}


def rows(*cells: str, count: int = 40) -> str:
    """Lines made of patterns with {n}, the number of the row, and {c}, one of three classes."""
    return "".join(",".join(cell.format(n=n, c="abc"[n % 3]) for cell in cells) + "\n" for n in range(count))


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_table(tmp_path_factory.mktemp("customers"), rows=600) / TABLE


def test_kinds_missing_cells_and_what_is_left_out(customers: Path, tmp_path: Path) -> None:
    store = prepare_table(OwnTable(tmp_path / "s", csv=customers, label="plan").plan(), tmp_path / "s")
    table = store.info["table"]
    assert {name: column["kind"] for name, column in columns(store).items()} == {
        "age": "number",
        "income": "number",
        "city": "category",
        "member": "yes/no",
        "visits": "number",
    }
    assert table["names"] == [
        *("age", "income", "visits", "member", "age is missing", "income is missing", "city is missing"),
        *(f"city={name}" for name in ("Bern", "Genève", "Lugano", "Zürich")),
    ]
    assert table["blocks"] == [3, 4, 4]
    assert table["left_out"]["customer"] == "numbers of the rows"
    assert table["left_out"]["country"] == "constant"
    assert table["left_out"]["remark"].startswith("a text of its own in nearly every row")
    x, train = store.every_row(), store.select("train")
    assert x[train, :3].mean(axis=0) == pytest.approx(0, abs=1e-5)
    given = x[train][x[train, 4] == 0]
    assert given[:, 0].std() == pytest.approx(1, abs=1e-4)
    assert (x[x[:, 4] == 1, 0] == 0).all()
    assert (x[:, 7:].sum(axis=1) + x[:, 6] == 1).all()
    said = "\n".join(summary(store))
    assert "4 categories (Bern, Genève, Lugano, …)" in said
    assert "left out country: constant" in said
    assert "splits: drawn with seed 0: 10 % valid, 10 % test of each class" in said


def test_parquet_gives_the_same_rows(customers: Path, tmp_path: Path) -> None:
    table = pa_csv.read_csv(customers, convert_options=pa_csv.ConvertOptions(null_values=["", "NA", "?"]))
    table = table.set_column(4, "member", pa.array([value == "yes" for value in table["member"].to_pylist()]))
    pq.write_table(table, tmp_path / "t.parquet")
    one = prepare_table(OwnTable(tmp_path / "a", csv=customers, label="plan").plan(), tmp_path / "a")
    two = prepare_table(OwnTable(tmp_path / "b", parquet=tmp_path / "t.parquet", label="plan").plan(), tmp_path / "b")
    assert two.every_row() == pytest.approx(one.every_row())
    assert one.column("label") == two.column("label")


def test_pieces_and_shards_do_not_matter_and_a_run_resumes(
    customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepare_table(OwnTable(tmp_path / "a", csv=customers, label="plan").plan(), tmp_path / "a")
    monkeypatch.setattr(prepare, "SHARD_ROWS", 100)
    monkeypatch.setattr("randquant.data_prep.tables.table_file._BLOCK", 3000)
    plan = OwnTable(tmp_path / "b", csv=customers, label="plan").plan()
    extend, written = prepare.ShardWriter.extend, []

    def stop_at_the_third(shard: prepare.ShardWriter, rows: np.ndarray, given: Any) -> None:
        written.append(1)
        if sum(written) == 9:
            raise KeyboardInterrupt
        extend(shard, rows, given)

    with monkeypatch.context() as patch:
        patch.setattr(prepare.ShardWriter, "extend", stop_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            prepare_table(plan, tmp_path / "b")
    store = prepare_table(plan, tmp_path / "b")
    assert len(store.info["shards"]) == 6
    assert store.every_row() == pytest.approx(whole.every_row())
    assert [store.column(name) for name in ("path", "label", "split")] == [
        whole.column(name) for name in ("path", "label", "split")
    ]
    with pytest.raises(DataError, match="other files or settings"):
        prepare_table(replace(plan, label="city"), tmp_path / "b")


@pytest.mark.parametrize(
    ("text", "encoding", "mean"),
    [
        ("size;name;label\n" + rows("{n},5;é{c};{c}"), "utf-8", 20.0),
        ("sep=;\nsize;name;label\n1;ä;a\n" + rows("2;b;{c}"), "cp1252", None),
        ("size\tname\tlabel\n1\tä\ta\n" + rows("2\tb\t{c}"), "utf-16", None),
        ('"size","name","label"\n1,"a, ""x""\ny",a\n' + rows("2", "b", "{c}"), "utf-8", None),
    ],
)
def test_separators_encodings_and_quotes(tmp_path: Path, text: str, encoding: str, mean: float | None) -> None:
    store = prepared(tmp_path, gzip.compress(text.encode(encoding)), label="label", valid=0, test=0)
    found = columns(store)
    assert found["size"]["kind"] == "number"
    assert found["name"]["kind"] == "category"
    assert mean is None or found["size"]["mean"] == pytest.approx(mean)


def test_a_table_without_header_and_unlabelled_rows(tmp_path: Path) -> None:
    store = prepared(tmp_path, "1.5,,9\n" + rows("{n}.5", "{c}", "7"), label="column 2")
    assert store.column("split")[0] is None
    assert store.column("label")[:2] == [None, "a"]
    assert store.info["table"]["unlabelled"] == 1
    assert "no header, so the columns are called column 1" in store.info["table"]["notes"][0]


def test_target_split_group_and_unknown_categories(tmp_path: Path) -> None:
    text = "x,kind,y,part\n" + rows("{n}.25", "{c}", "{n}", "train") + "1,z,3,validation\n1,a,,test\n"
    store = prepared(tmp_path, text, target="y", split="part")
    assert store.column("target")[-3:] == [39.0, 3.0, None]
    assert store.column("split")[-2:] == ["valid", None]
    assert columns(store)["kind"]["unknown"] == 1
    assert "validation in the column part taken as valid" in store.info["table"]["notes"]


def test_drawn_splits_keep_classes_and_groups() -> None:
    classes = np.repeat(np.arange(3, dtype=np.int32), [2, 40, 1000])
    classes[5] = -1
    drawn = Shares(0.1, 0.2, seed=3).by_class(classes, len(classes))
    assert [(drawn.places[classes == 2] == place).sum() for place in (0, 1, 2)] == [700, 100, 200]
    assert (drawn.places[classes == 0] == 0).all()
    assert drawn.places[5] == -1
    groups = np.arange(1042) // 10
    by_group = Shares(0.1, 0.2, seed=3).by_group(groups, classes)
    assert all(len(set(by_group.places[(groups == group) & (classes >= 0)])) == 1 for group in range(105))
    assert set(classes[by_group.places == 0]) == {0, 1, 2}


CLASSED = "x,label\n" + rows("{n}.5", "{c}")


@pytest.mark.parametrize(
    ("text", "flags", "said"),
    [
        (CLASSED, {"label": "lable"}, r"has no column lable \(did you mean label\?\) for --label"),
        ("x,label\n" + rows("{n}.5", ""), {"label": "label"}, "column label is empty in every row"),
        ("x,label\n" + rows("{n}.5", "id {n}"), {"label": "label"}, "value of its own in nearly every row"),
        ("x,label\n" + rows("{n}.5", "a"), {"label": "label"}, "every label in the column label is 'a'"),
        ("x,label\n" + rows("{n}.5", "{c}"), {"target": "label"}, "holds 'a' in row 1 where a number"),
        (
            "x,day,label\n" + rows("{n}.5", "2024-01-17", "{c}"),
            {"label": "label"},
            "the column day holds dates or times",
        ),
        ("x,label\n" + rows("7", "{c}"), {"label": "label"}, r"no column to learn from \(x: constant\)"),
        ('x,label\n"1,234",a\n' + rows('"2,345"', "{c}"), {"label": "label"}, "give --decimal point"),
        (
            "x;label\n41,5;a\n" + rows("{n}.5", "{c}").replace(",", ";"),
            {"label": "label"},
            "holds numbers with points and others with commas",
        ),
        (
            "x;label\n" + rows("1#234.5", "{c}").replace(",", ";").replace("#", ","),
            {"label": "label"},
            "holds '1,234.5' in row 1; give --decimal point",
        ),
        (
            "x;label\n" + rows("{n}.5", "{c}").replace(",", ";"),
            {"label": "label", "decimal": "comma"},
            "holds '0.5' in row 1 where --decimal comma is given; give --decimal point",
        ),
        (
            "x;label\n" + rows("{n}#5", "{c}").replace(",", ";").replace("#", ","),
            {"label": "label", "decimal": "point"},
            "holds '0,5' in row 1 where --decimal point is given; give --decimal comma",
        ),
        ("x,y,label\n1,2,a\n1,b\n", {"label": "label"}, "3 cells in its first row and 2 in row 3"),
        ("x,x,label\n1,2,a\n", {"label": "label"}, "has the column x 2 times"),
        ("x,label,s\n" + rows("{n}.5", "{c}", "held out"), {"label": "label", "split": "s"}, "holds 'held out' where"),
        ("just text\nand more\n", {"label": "label"}, "has one column"),
        ("", {"label": "label"}, "is an empty file"),
    ],
)
def test_one_sentence_for_what_cannot_be_used(tmp_path: Path, text: str, flags: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        prepared(tmp_path, text, **flags)


def test_a_wrong_line_behind_the_beginning_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1002 has 1 cells where 2 are expected"):
        prepared(tmp_path, "x,label\n" + rows("{n}.5", "{c}", count=1000) + "oh\n", label="label")


def test_flags_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two of"):
        prepared(tmp_path, CLASSED, label="label", drop=["label"])
    with pytest.raises(UsageError, match="--csv FILE or as --parquet"):
        OwnTable(tmp_path).plan()
    with pytest.raises(ValueError, match="nothing to train on"):
        OwnTable(tmp_path, valid=0.5, test=0.5)


def test_covtype_by_its_published_rows() -> None:
    whole = published_splits(581_012)
    assert whole is not None
    assert dict(zip(whole.names, np.bincount(whole.places).tolist(), strict=True)) == PUBLISHED
    assert whole.places[15_119] == 1
    assert published_splits(10_000) is None


def test_a_part_of_covtype(tmp_path: Path) -> None:
    root = SHARED if SHARED.is_file() else small_covtype(tmp_path / "covtype", rows=700)
    store = prepare_table(plan_covtype(root), tmp_path / "store")
    assert store.info["table"]["blocks"] == list(BLOCKS)
    assert store.every_row().shape[1] == 54
    assert set(store.column("label")) == set(CLASSES.values())
    assert any("not the published numbers" in line for line in summary(store))


def test_numbers_that_nothing_can_be_computed_with_are_said(tmp_path: Path) -> None:
    body = rows("{n}.5", "{n}e300", "{n}e-200", "yes", "{c}", "train") + rows("0", "1", "0", "no", "a", "train")
    store = prepared(
        tmp_path,
        "\ufeffx,huge,tiny,answer,label,s\n" + body + "1e60,1,1,perhaps,a,test\n-inf,1,1,no,b,test\n",
        label="label",
        split="s",
    )
    assert set(columns(store)) == {"x", "answer"}  # without the mark of UTF-8
    assert set(store.info["table"]["left_out"]) == {"huge", "tiny"}
    assert np.isfinite(store.every_row()).all()
    assert columns(store)["x"]["unknown"] == columns(store)["x"]["infinite"] == columns(store)["answer"]["unknown"] == 1
    said = "\n".join(summary(store))
    assert "x: 1 cell more than 1,000,000 deviations" in said
    assert "x: of the missing cells 1 infinite" in said
    assert "answer: 1 cell of answers that train lacks" in said


def test_splits_that_nothing_can_be_scored_on_are_said(tmp_path: Path) -> None:
    lone = prepared(tmp_path, "x,label,g\n" + rows("{n}.5", "{c}", "one"), label="label", group="g")
    assert "no row is for the test" in "\n".join(summary(lone))
    (tmp_path / "torn").mkdir()
    text = "x,label,g,s\n" + rows("{n}.5", "{c}", "{c}", "train") + rows("{n}.5", "{c}", "{c}", "test")
    torn = prepared(tmp_path / "torn", text, label="label", group="g", split="s")
    assert "3 groups lie in several splits" in "\n".join(summary(torn))


def test_a_column_of_splits_among_the_features_is_said(tmp_path: Path) -> None:
    text = "x,part,label\n" + rows("{n}.5", "Train", "{c}") + rows("{n}.5", "dev", "{c}")
    said = "\n".join(summary(prepared(tmp_path, text, label="label")))
    assert "part: names of splits, read as a feature; with --split 'part'" in said
    for name, flag in (("split", {"split": "part"}), ("drop", {"drop": ["part"]})):
        (tmp_path / name).mkdir()
        assert "names of splits" not in "\n".join(summary(prepared(tmp_path / name, text, label="label", **flag)))


def test_codes_that_would_lose_their_zeros_are_said(tmp_path: Path) -> None:
    text = "x,post code,label\n" + rows("{n}.5", "0{n}", "{c}") + rows("0.{n}", "9{n}", "{c}")
    said = "\n".join(summary(prepared(tmp_path, text, label="label")))
    assert "post code: numbers such as 00 lose the zeros in front; if they are codes, give" in said
    assert "--categories 'post code'" in said
    assert "x: " not in said
    (tmp_path / "named").mkdir()
    named = prepared(tmp_path / "named", text, label="label", categories=["post code"])
    assert "zeros in front" not in "\n".join(summary(named))


@pytest.mark.parametrize("day", ["17 Jan 2024", "17-jan-24", "January 7, 2024", "12:05", "2024-01-17 09:30 PM"])
def test_dates_and_times_in_many_styles(tmp_path: Path, day: str) -> None:
    with pytest.raises(DataError, match="holds dates or times"):
        prepared(
            tmp_path,
            "x;day;label\n" + rows("{n}.5", day, "{c}").replace(day, "#").replace(",", ";").replace("#", day),
            label="label",
        )


def test_parquet_with_a_column_twice(tmp_path: Path) -> None:
    numbers = pa.array([1.5, 2.5, 4.0])
    pq.write_table(
        pa.table([numbers, numbers, pa.array(["a", "b", "a"])], names=["x", "x", "label"]), tmp_path / "t.parquet"
    )
    with pytest.raises(DataError, match="has the column x 2 times"):
        prepare_table(OwnTable(tmp_path / "s", parquet=tmp_path / "t.parquet", label="label").plan(), tmp_path / "s")
