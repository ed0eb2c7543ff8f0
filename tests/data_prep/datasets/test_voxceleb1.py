"""VoxCeleb1 is split by its official list; partial data and files that the list does not name are counted."""

from pathlib import Path, PurePosixPath

import pytest

from randquant.data_prep.datasets.voxceleb1 import DATASET, plan_voxceleb1
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.fetching.archives import unpacked_root
from randquant.data_prep.synthetic.sounds.voxceleb1 import write_voxceleb1
from randquant.errors import DataError
from tests.data_prep.packing import pack

UTTERANCES = {
    "id10001/1zcIwhmdeo4/00001.wav": 1,
    "id10001/1zcIwhmdeo4/00002.wav": 1,
    "id10001/7gWzIy6yIIk/00001.wav": 2,
    "id10001/-J9E2dQ_Pvc/00001.wav": 3,
    "id11251/s4R4hvqrhFw/00001.wav": 1,
    "id11251/5-6lI5JQtb8/00007.wav": 3,
}


def write(path: Path, content: bytes = b"123") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_list(path: Path, utterances: dict[str, int] = UTTERANCES) -> Path:
    write(path, "".join(f"{number} {name}\n" for name, number in utterances.items()).encode())
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "voxceleb1"
    for name in UTTERANCES:
        write(root / "wav" / name)
    write_list(root / "iden_split.txt")
    return root


def test_labels_groups_and_splits(root: Path) -> None:
    plan = plan_voxceleb1(root)
    assert [item.path for item in plan.items] == sorted(f"wav/{name}" for name in UTTERANCES)
    assert plan.items[0] == Item("wav/id10001/-J9E2dQ_Pvc/00001.wav", 3, "id10001", "id10001/-J9E2dQ_Pvc", "test")
    assert {item.path[4:]: item.split for item in plan.items} == {
        name: ("train", "valid", "test")[number - 1] for name, number in UTTERANCES.items()
    }
    assert plan.source["found"] == {"train": 3, "valid": 1, "test": 2}
    assert plan.source["published"] == {"train": 138_361, "valid": 6_904, "test": 8_251}
    assert (plan.source["classes_found"], plan.source["split_source"]) == (2, "iden_split.txt")
    assert (plan.source["missing"], plan.source["unlisted"], plan.source["doubled"]) == (0, 0, 0)


def test_published_numbers_add_up() -> None:
    assert sum(DATASET.items.values()) == 153_516
    assert DATASET.classes == 1_251


@pytest.mark.parametrize("place", ["iden_split.txt", "meta/iden_split.txt"])
def test_the_list_is_found_or_given(root: Path, place: str) -> None:
    wanted = plan_voxceleb1(root).fingerprint()
    (root / "iden_split.txt").unlink()
    write_list(root / place)
    assert plan_voxceleb1(root).fingerprint() == wanted
    (root / place).unlink()
    assert plan_voxceleb1(root, write_list(root.parent / "mine.txt")).fingerprint() == wanted


def test_windows_line_ends_and_blank_lines(root: Path) -> None:
    wanted = plan_voxceleb1(root).items
    text = (root / "iden_split.txt").read_text()
    write(root / "iden_split.txt", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert plan_voxceleb1(root).items == wanted


def test_dev_and_test_unpacked_apart(root: Path) -> None:
    for speaker, folder in (("id10001", "dev"), ("id11251", "test")):
        (root / folder / "wav").mkdir(parents=True)
        (root / "wav" / speaker).rename(root / folder / "wav" / speaker)
    (root / "wav").rmdir()
    plan = plan_voxceleb1(root)
    assert {item.path.split("/id")[0] for item in plan.items} == {"dev/wav", "test/wav"}
    assert plan.source["found"] == {"train": 3, "valid": 1, "test": 2}


def test_partial_data_and_strangers_are_counted(root: Path) -> None:
    (root / "wav/id10001/7gWzIy6yIIk/00001.wav").unlink()
    write(root / "wav/id10002/0_laIeN-Q44/00001.wav")
    write(root / "dev/wav/id11251/s4R4hvqrhFw/00001.wav")
    plan = plan_voxceleb1(root)
    assert len(plan.items) == len(UTTERANCES) - 1
    assert (plan.source["missing"], plan.source["missing_first"]) == (1, ["wav/id10001/7gWzIy6yIIk/00001.wav"])
    assert (plan.source["unlisted"], plan.source["doubled"]) == (1, 1)
    assert plan.missing == ["wav/id10001/7gWzIy6yIIk/00001.wav"]
    assert plan.source["found"]["valid"] == 0


def test_litter_is_passed_over(root: Path) -> None:
    wanted = plan_voxceleb1(root)
    write(root / "wav/id10001/1zcIwhmdeo4/._00001.wav")
    write(root / "wav/__MACOSX/1zcIwhmdeo4/00001.wav")
    write(root / "wav/id10001/1zcIwhmdeo4/00001.txt")
    again = plan_voxceleb1(root)
    assert (again.items, again.source) == (wanted.items, wanted.source)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 id10270/x6uYqmx31kE/00001.wav id10270/8jEAjG6SegY/00008.wav\n", "(a trial of the verification task)"),
        ("1 A.J._Buckley/1zcIwhmdeo4/0000001.wav\n", "line 1 reads '1 A.J._Buckley"),
        ("1 id10001/1zcIwhmdeo4/00001.wav\n4 id10001/1zcIwhmdeo4/00002.wav\n", "line 2 reads"),
        ("1 id10001/../../etc/00001.wav\n", "line 1 reads"),
        ("<!DOCTYPE html>\n<html>\n", "is a web page"),
        ("", "is empty"),
        ("1 id10001/1zcIwhmdeo4/00001.wav\n3 id10001/1zcIwhmdeo4/00001.wav\n", "twice (again in line 2)"),
        ("1 id19999/1zcIwhmdeo4/00001.wav\n", "none of the 1 files"),
    ],
)
def test_wrong_lists_are_refused(root: Path, text: str, words: str) -> None:
    write(root / "iden_split.txt", text.encode())
    with pytest.raises(DataError) as caught:
        plan_voxceleb1(root)
    assert words in str(caught.value)
    assert str(root / "iden_split.txt") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refused(root: Path) -> None:
    write(root / "iden_split.txt", b"\x1f\x8b\xff\xfe")
    with pytest.raises(DataError, match="not a text file"):
        plan_voxceleb1(root)
    with pytest.raises(DataError, match="does not exist, but VoxCeleb1's identification list"):
        plan_voxceleb1(root, root / "absent.txt")
    with pytest.raises(DataError, match="is a folder"):
        plan_voxceleb1(root, root / "wav")
    (root / "iden_split.txt").unlink()
    with pytest.raises(DataError, match=r"has no iden_split\.txt; download it"):
        plan_voxceleb1(root)
    with pytest.raises(DataError, match="root"):
        plan_voxceleb1(root / "wav" / "id10001")
    with pytest.raises(DataError, match="does not exist"):
        plan_voxceleb1(root / "absent")


def test_the_right_root_is_named(root: Path) -> None:
    for wrong in (root.parent, root / "wav"):
        with pytest.raises(DataError) as caught:
            plan_voxceleb1(wrong)
        assert f"give --root {root}" in str(caught.value)


def by_name(plan: Plan) -> list[tuple]:
    return sorted((PurePosixPath(item.path).name, item.size, item.label, item.group, item.split) for item in plan.items)


def test_from_archives_to_a_store(tmp_path: Path) -> None:
    tree = write_voxceleb1(tmp_path / "tree", train_videos=1, utterances_per_video=2)
    packed = pack("voxceleb1", tree, tmp_path / "packed")
    plan = plan_voxceleb1(unpacked_root(packed, DATASET, tmp_path / "unpacked"))

    assert by_name(plan) == by_name(plan_voxceleb1(tree))
    assert plan.source["missing"] == 0
    store = prepare(plan, tmp_path / "store", workers=1)
    assert (len(store), store.info["skipped"]) == (len(plan.items), [])
    assert store.info["source"] == plan.source
