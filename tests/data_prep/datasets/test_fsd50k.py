"""FSD50K as unpacked, whole or in part; the zips in several volumes are refused with the command that joins them."""

import shutil
from pathlib import Path

import pytest

from randquant.data_prep.datasets.fsd50k import plan_fsd50k
from randquant.data_prep.engine.plan import Item
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.synthetic.sounds.fsd50k import write_fsd50k
from randquant.errors import DataError, UsageError

DEV = 'fname,labels,mids,split\n64760,"Electric_guitar,Music","/m/02sgy,/m/04rlf",train\n16399,Bark,/m/05tny_,val\n'
EVAL = 'fname,labels,mids\n37199,"Siren,Alarm","/m/03kmc9,/m/07pp_mv"\n'


def write(path: Path, content: bytes = b"123") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "fsd50k"
    for name in ("dev_audio/64760.wav", "dev_audio/16399.wav", "eval_audio/37199.wav"):
        write(root / f"FSD50K.{name}")
    write(root / "FSD50K.ground_truth/dev.csv", DEV.encode())
    write(root / "FSD50K.ground_truth/eval.csv", EVAL.encode())
    return root


def test_development_part(root: Path) -> None:
    plan = plan_fsd50k(root)
    assert plan.items == [
        Item("FSD50K.dev_audio/16399.wav", 3, split="valid"),
        Item("FSD50K.dev_audio/64760.wav", 3, split="train"),
    ]
    assert plan.source["published"] == {"all": 40_966}
    assert plan.source["found"] == {"train": 1, "valid": 1, "all": 2}
    assert (plan.source["missing"], plan.source["unlisted"]) == (0, 0)


def test_parts_are_chosen(root: Path) -> None:
    assert [item.split for item in plan_fsd50k(root, ["dev", "eval"]).items] == ["valid", "train", "test"]
    plan = plan_fsd50k(root, ["eval"])
    assert [item.path for item in plan.items] == ["FSD50K.eval_audio/37199.wav"]
    assert plan.source["published"] == {}


def test_any_part_will_do(root: Path) -> None:
    shutil.rmtree(root / "FSD50K.dev_audio")
    plan = plan_fsd50k(root, ["dev", "eval"])
    assert [item.path for item in plan.items] == ["FSD50K.eval_audio/37199.wav"]
    assert plan.source["parts_absent"] == ["dev"]


def test_without_ground_truth_there_are_no_splits(root: Path) -> None:
    shutil.rmtree(root / "FSD50K.ground_truth")
    plan = plan_fsd50k(root, ["dev", "eval"])
    assert [item.split for item in plan.items] == [None, None, "test"]
    assert plan.source["found"] == {"test": 1, "all": 3}


def test_left_out_and_counted(root: Path) -> None:
    (root / "FSD50K.dev_audio/16399.wav").unlink()
    write(root / "FSD50K.dev_audio/1.wav")
    write(root / "FSD50K.dev_audio/._64760.wav")
    write(root / "FSD50K.dev_audio/__MACOSX/64760.wav")
    plan = plan_fsd50k(root)
    assert [item.path for item in plan.items] == ["FSD50K.dev_audio/64760.wav"]
    assert (plan.source["missing"], plan.source["missing_first"]) == (1, ["FSD50K.dev_audio/16399.wav"])
    assert plan.source["unlisted"] == 1
    assert plan.missing == ["FSD50K.dev_audio/16399.wav"]


def test_zips_in_volumes_are_refused(root: Path) -> None:
    for name in ("dev_audio.z01", "dev_audio.zip", "eval_audio.z01", "eval_audio.zip"):
        write(root / f"FSD50K.{name}")
    assert len(plan_fsd50k(root).items) == 2  # unpacked already
    shutil.rmtree(root / "FSD50K.dev_audio")
    with pytest.raises(DataError, match=r"zip -s 0 FSD50K\.dev_audio\.zip --out joined\.zip && unzip joined\.zip"):
        plan_fsd50k(root)
    assert len(plan_fsd50k(root, ["eval"]).items) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fname,labels,mids\n64760,Bark,/m/05tny_\n", "lacks the column split"),
        ("fname,labels,mids,split\n64760,Bark,/m/05tny_,test\n", "line 2 has the split 'test'"),
        (DEV + "64760,Bark,/m/05tny_,val\n", "64760 twice (again in line 4)"),
        (DEV + "1,Bark,\n", "line 4 has more or fewer cells"),
        ("fname,labels,mids,split\n", "names no clips"),
        ("<html>", "is a web page"),
        ('fname,labels,mids,split\n64760,"Bark,x,val\n', "is not a CSV file"),
    ],
)
def test_wrong_tables_are_refused(root: Path, text: str, words: str) -> None:
    table = root / "FSD50K.ground_truth/dev.csv"
    write(table, text.encode())
    with pytest.raises(DataError) as caught:
        plan_fsd50k(root)
    assert words in str(caught.value)
    assert str(table) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refused(root: Path) -> None:
    for parts in ([], ["test"], ["dev", "dev"]):
        with pytest.raises(UsageError, match="--parts should be some of dev, eval"):
            plan_fsd50k(root, parts)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="root"):
        plan_fsd50k(root / "FSD50K.dev_audio")
    with pytest.raises(DataError, match="does not exist"):
        plan_fsd50k(root / "absent")
    for path in (root / "FSD50K.dev_audio").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"holds no clips in FSD50K\.dev_audio"):
        plan_fsd50k(root)


def test_the_right_root_is_named(root: Path) -> None:
    for wrong in (root.parent, root / "FSD50K.dev_audio"):
        with pytest.raises(DataError) as caught:
            plan_fsd50k(wrong)
        assert f"give --root {root}" in str(caught.value)


def test_from_a_miniature_to_a_store(tmp_path: Path) -> None:
    plan = plan_fsd50k(write_fsd50k(tmp_path / "tree"))
    store = prepare(plan, tmp_path / "store", workers=1)
    assert (len(store), store.info["skipped"]) == (len(plan.items), [])
    assert store.info["source"] == plan.source
    assert set(store.column("label")) == {None}
