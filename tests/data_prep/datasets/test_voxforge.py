"""VoxForge is split by speaker exactly as TensorFlow Datasets does it, or by the user's copy of EVAR's table."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from randquant.data_prep.datasets.voxforge import (
    DATASET,
    archive_downloads,
    plan_voxforge,
    read_submissions,
    speaker_splits,
)
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.fetching.archives import unpacked_root
from randquant.data_prep.synthetic.sounds.voxforge import write_voxforge
from randquant.errors import DataError, UsageError
from tests.data_prep.packing import pack

PATH = "Trunk/Audio/Main/16kHz_16bit"
LANGUAGES = ("de", "en", "es", "fr", "it", "ru")
ARCHIVES = [  # language and archive; `anonymous` and `s0` submitted more than once
    *((LANGUAGES[number % 6], f"s{number}-20100101-abc") for number in range(10)),
    ("en", "anonymous-20080515-qxz"),
    ("ru", "anonymous-20110202-usk"),
    ("de", "s0-20120101-xyz"),
]


def write(path: Path, content: bytes = b"123") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_urls(path: Path, archives: list[tuple[str, str]] = ARCHIVES) -> Path:
    lines = [f"www.repository.voxforge1.org/downloads/{language}/{PATH}/{name}.tgz" for language, name in archives]
    write(path, "".join(f"{line}\n" for line in lines).encode())
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "voxforge"
    for _, name in ARCHIVES:
        for wav in ("a0001.wav", "a0002.wav"):
            write(root / name / "wav" / wav)
        write(root / name / "etc" / "README")
    write_urls(root / "voxforge_urls.txt")
    return root


def mersenne_twister(seed: int) -> Iterator[int]:
    """MT19937 (Matsumoto and Nishimura, 1998), seeded by one number."""
    state = [seed]
    for index in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + index) & 0xFFFFFFFF)
    while True:
        for index in range(624):
            bits = (state[index] & 0x80000000) | (state[(index + 1) % 624] & 0x7FFFFFFF)
            state[index] = state[(index + 397) % 624] ^ (bits >> 1) ^ (0x9908B0DF if bits & 1 else 0)
        for word in list(state):
            word ^= word >> 11
            word ^= (word << 7) & 0x9D2C5680
            word ^= (word << 15) & 0xEFC60000
            yield word ^ (word >> 18)


def shuffled(values: list[str]) -> list[str]:
    """Fisher and Yates from the end, each place drawn by masking and rejecting."""
    values, words = list(values), mersenne_twister(0)
    for last in range(len(values) - 1, 0, -1):
        mask = (1 << last.bit_length()) - 1
        place = next(word & mask for word in words if word & mask <= last)
        values[last], values[place] = values[place], values[last]
    return values


def by_split(splits: dict[str, str], name: str) -> set[str]:
    return {speaker for speaker, split in splits.items() if split == name}


def test_ten_speakers_by_hand() -> None:
    # RandomState(0) makes 2 8 4 9 1 6 7 3 0 5 of 0 to 9; 0.7 + 0.1 is 0.7999…, so that valid gets nobody.
    assert np.random.RandomState(0).permutation(10).tolist() == [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]
    splits = speaker_splits(f"s{number}" for number in range(10))
    assert by_split(splits, "train") == {f"s{number}" for number in (2, 8, 4, 9, 1, 6, 7)}
    assert by_split(splits, "valid") == set()
    assert by_split(splits, "test") == {"s3", "s0", "s5"}


@pytest.mark.parametrize("count", [3, 4, 7, 11, 20, 99, 1000, 2593])
def test_splits_equal_a_slow_reference(count: int) -> None:
    speakers = [f"speaker{number * 7919 % 10007}" for number in range(count)]
    order = shuffled(sorted(set(speakers)))
    first, second = int(0.7 * count), int((0.7 + 0.1) * count)
    splits = speaker_splits([*speakers, *speakers[::-1]])
    assert by_split(splits, "train") == set(order[:first])
    assert by_split(splits, "valid") == set(order[first:second])
    assert by_split(splits, "test") == set(order[second:])


def test_items(root: Path) -> None:
    plan = plan_voxforge(root)
    splits = speaker_splits([*(f"s{number}" for number in range(10)), "anonymous"])
    assert len(plan.items) == 2 * len(ARCHIVES)
    assert plan.items == sorted(plan.items, key=lambda item: item.path)
    assert plan.items[0] == Item("anonymous-20080515-qxz/wav/a0001.wav", 3, "en", "anonymous", splits["anonymous"])
    assert plan.items[2].label == "ru"
    assert all(item.split == splits[item.group or ""] for item in plan.items)
    assert plan.source["published"] == {"all": 176_438}
    assert plan.source["found"] == {
        "all": 26,
        **{
            name: count
            for name in ("train", "valid", "test")
            if (count := 2 * sum(splits[archive.split("-")[0]] == name for _, archive in ARCHIVES))
        },
    }
    assert "RandomState(0)" in plan.source["split_source"]
    assert plan.source["test_speakers_in_train"] == 0
    assert (plan.source["classes_found"], plan.source["missing"]) == (6, 0)


def test_partial_data_keep_their_splits(root: Path) -> None:
    whole = {item.path: item.split for item in plan_voxforge(root).items}
    for _, name in ARCHIVES[::2]:
        shutil.rmtree(root / name)
    plan = plan_voxforge(root)
    assert {item.path: item.split for item in plan.items}.items() <= whole.items()
    assert 0 < len(plan.items) < len(whole)
    assert plan.source["missing"] == len(ARCHIVES[::2])
    assert plan.source["missing_first"] == list(plan.missing) == sorted(name for _, name in ARCHIVES[::2])


@pytest.mark.parametrize(
    "place",
    [
        f"{{language}}/{PATH}/{{name}}",
        f"www.repository.voxforge1.org/downloads/{{language}}/{PATH}/{{name}}",
        "{name}/{name}",
        "{name}/another name",
    ],
)
def test_other_trees(root: Path, place: str) -> None:
    wanted = {(item.label, item.group, item.split) for item in plan_voxforge(root).items}
    for language, name in ARCHIVES:
        (root / name).rename(root.parent / "moved")
        new = root / place.format(language=language, name=name)
        new.parent.mkdir(parents=True, exist_ok=True)
        (root.parent / "moved").rename(new)
    plan = plan_voxforge(root)
    assert {(item.label, item.group, item.split) for item in plan.items} == wanted
    assert len(plan.items) == 2 * len(ARCHIVES)


def test_what_is_no_recording(root: Path) -> None:
    wanted = plan_voxforge(root).items
    name = ARCHIVES[0][1]
    write(root / name / "wav" / "._a0001.wav")
    write(root / "__MACOSX" / name / "wav" / "a0001.wav")
    write(root / "stranger-20200101-abc" / "wav" / "a0001.wav")
    write(root / "twice" / name / "wav" / "a0001.wav")
    write(root / name / "flac" / "a0003.flac")
    (root / ARCHIVES[1][1] / "wav").rename(root / ARCHIVES[1][1] / "flac")
    for path in (root / ARCHIVES[1][1] / "flac").iterdir():
        path.rename(path.with_suffix(".flac"))
    plan = plan_voxforge(root)
    assert [item.path for item in plan.items] == [
        item.path for item in wanted if not item.path.startswith(ARCHIVES[1][1])
    ]
    source = plan.source
    assert (source["unlisted"], source["doubled"], source["missing"]) == (1, 1, 0)
    assert source["archives_without_wav"] == 1


def test_urls_are_read_as_tensorflow_datasets_does(tmp_path: Path) -> None:
    write(
        tmp_path / "list", f'"www.x.org/downloads/de/{PATH}/Ann-Lee-2010.tgz"\r\nhttp://y/it/{PATH}/b_c.tgz\n'.encode()
    )
    first, second = read_submissions(tmp_path / "list")
    assert (first.archive, first.speaker, first.language) == ("Ann-Lee-2010", "Ann", "de")
    assert (second.archive, second.speaker, second.language) == ("b_c", "b_c.tgz", "it")
    downloads = archive_downloads(tmp_path / "list")
    assert [item.name for item in downloads] == ["Ann-Lee-2010.tgz", "b_c.tgz"]
    assert [item.url for item in downloads] == [
        f"http://www.x.org/downloads/de/{PATH}/Ann-Lee-2010.tgz",
        f"http://y/it/{PATH}/b_c.tgz",
    ]


HEADER = "file_name,label,split\n"


def write_table(root: Path, text: str) -> Path:
    write(root.parent / "voxforge.csv", text.encode())
    return root.parent / "voxforge.csv"


@pytest.mark.parametrize("form", ["{0}/wav/{1}", "{0}/{1}", "voxforge/{0}/wav/{1}", "./{0}\\wav\\{1}"])
def test_table(root: Path, form: str) -> None:
    (root / "voxforge_urls.txt").unlink()
    rows = [("s0-20100101-abc", "de", "train"), ("s0-20120101-xyz", "de", "test"), ("s3-20100101-abc", "fr", "valid")]
    text = HEADER + "".join(f"{form.format(name, 'a0001.wav')},{label},{split}\n" for name, label, split in rows)
    text += f"{form.format('gone-20100101-abc', 'a0001.wav')},ru,test\n"
    plan = plan_voxforge(root, "evar", csv=write_table(root, text))
    assert plan.items == [
        Item("s0-20100101-abc/wav/a0001.wav", 3, "de", "s0", "train"),
        Item("s0-20120101-xyz/wav/a0001.wav", 3, "de", "s0", "test"),
        Item("s3-20100101-abc/wav/a0001.wav", 3, "fr", "s3", "valid"),
    ]
    assert plan.source["split_source"] == "voxforge.csv: archives drawn at random, not speaker-disjoint"
    assert (plan.source["missing"], plan.source["missing_first"]) == (1, ["gone-20100101-abc/wav/a0001.wav"])
    assert plan.source["unlisted"] == 2 * len(ARCHIVES) - 3
    assert (plan.source["test_speakers"], plan.source["test_speakers_in_train"]) == (1, 1)


def test_table_in_another_order_with_more_columns(root: Path) -> None:
    text = ",split,note,label,file_name\n0,val,x,de,s0-20100101-abc/wav/a0001.wav\n"
    (item,) = plan_voxforge(root, "evar", csv=write_table(root, text)).items
    assert (item.split, item.label) == ("valid", "de")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label,split\n", "lacks the column file_name"),
        (HEADER, "no rows"),
        (HEADER + "s0-20100101-abc/wav/a0001.wav,de,dev\n", "line 2 has the split 'dev'"),
        (HEADER + "s0-20100101-abc/wav/a0001.wav,nl,test\n", "line 2 has the label 'nl'"),
        (HEADER + "a0001.wav,de,test\n", "without its archive"),
        (HEADER + 2 * "s0-20100101-abc/wav/a0001.wav,de,test\n", "twice (again in line 3)"),
        (HEADER + "s0-20100101-abc/wav/a0001.wav,de\n", "more or fewer cells"),
        (HEADER + "s0-20100101-abc/wav/a0001.wav,,test\n", "no label"),
        (HEADER + "gone/wav/a0001.wav,de,test\n", "holds no recording of an archive that"),
        ("<html>\n", "is a web page"),
    ],
)
def test_wrong_tables_are_refused(root: Path, text: str, words: str) -> None:
    table = write_table(root, text)
    with pytest.raises(DataError) as caught:
        plan_voxforge(root, "evar", csv=table)
    assert words in str(caught.value)
    assert str(table) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!doctype html>\n", "is a web page"),
        ("", "is empty"),
        ("www.x.org/downloads/SpeechCorpus/Trunk/a-1.tgz\n", "line 1 reads"),
        ("www.x.org/downloads/de/a-1.tgz\n", "line 1 reads"),
        ("www.x.org/downloads/de/Trunk/a-1.zip\n", "line 1 reads"),
        ("id10001/1zcIwhmdeo4/00001.wav\n", "line 1 reads"),
        ("x/de/Trunk/a-1.tgz\nx/fr/Trunk/a-1.tgz\n", "a-1 twice (again in line 2)"),
    ],
)
def test_wrong_lists_are_refused(root: Path, text: str, words: str) -> None:
    write(root / "voxforge_urls.txt", text.encode())
    with pytest.raises(DataError) as caught:
        plan_voxforge(root)
    assert words in str(caught.value)
    assert str(root / "voxforge_urls.txt") in str(caught.value)


def test_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="--csv"):
        plan_voxforge(root, "evar")
    with pytest.raises(UsageError, match="--csv"):
        plan_voxforge(root, csv=root / "voxforge.csv")
    with pytest.raises(DataError, match="2 speakers cannot be split in three"):
        plan_voxforge(root, urls=write_urls(root / "short.txt", ARCHIVES[:2]))
    with pytest.raises(DataError, match="holds no recording of an archive"):
        plan_voxforge(root, urls=write_urls(root / "other.txt", [("de", f"t{number}-1") for number in range(3)]))
    (root / "voxforge_urls.txt").unlink()
    with pytest.raises(DataError, match=r"has no voxforge_urls\.txt; download it"):
        plan_voxforge(root)
    with pytest.raises(DataError, match="does not exist"):
        plan_voxforge(root / "absent")


def test_the_right_root_is_named(root: Path) -> None:
    for wrong in (root.parent, root / ARCHIVES[0][1]):
        with pytest.raises(DataError) as caught:
            plan_voxforge(wrong)
        assert f"give --root {root}" in str(caught.value)


def by_name(plan: Plan) -> list[tuple]:
    return sorted((PurePosixPath(item.path).name, item.size, item.label, item.group, item.split) for item in plan.items)


def test_from_archives_to_a_store(tmp_path: Path) -> None:
    tree = write_voxforge(tmp_path / "tree", speakers_per_language=2, recordings=1)
    packed = pack("voxforge", tree, tmp_path / "packed")
    plan = plan_voxforge(unpacked_root(packed, DATASET, tmp_path / "unpacked"))

    assert by_name(plan) == by_name(plan_voxforge(tree))
    assert plan.source["missing"] == 0
    store = prepare(plan, tmp_path / "store", workers=1)
    assert (len(store), store.info["skipped"]) == (len(plan.items), [])
    assert store.info["source"] == plan.source
