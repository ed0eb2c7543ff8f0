"""Whatever part of AudioSet is there is planned; what its lists name in vain is counted."""

from pathlib import Path

import pytest

from randquant.data_prep.datasets.audioset import clip_video, plan_audioset
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.synthetic.sounds.audioset import write_audioset
from randquant.errors import DataError, UsageError

COMMENTS = (
    "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=3, num_segs=3\n"
    "# YTID, start_seconds, end_seconds, positive_labels\n"
)


def write(path: Path, content: bytes = b"123") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_list(path: Path, *videos: str) -> None:
    lines = [f'{video}, 30.000, 40.000, "/m/09x0r,/t/dd00088"\n' for video in videos]
    write(path, (COMMENTS + "".join(lines)).encode())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "audioset"
    write(root / "balanced_train_segments" / "--PJHxphWEs.wav")
    write(root / "balanced_train_segments" / "--aE2O5G5WE_0_10000.flac")
    write(root / "unbalanced_train_segments" / "unbalanced_train_segments_part00" / "Y---1_cCGK4M.wav")
    write(root / "unbalanced_train_segments" / "unbalanced_train_segments_part40" / "Yzzya4dDVRLk.wav")
    write(root / "eval_segments" / "-0RWZT-miFs.wav")
    write_list(root / "balanced_train_segments.csv", "--PJHxphWEs", "--aE2O5G5WE", "gone_______")
    write_list(root / "unbalanced_train_segments.csv", "---1_cCGK4M", "zzya4dDVRLk")
    write_list(root / "eval_segments.csv", "-0RWZT-miFs")
    return root


def paths(plan: Plan) -> list[str]:
    return [item.path for item in plan.items]


@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("--aE2O5G5WE.wav", "--aE2O5G5WE"),
        ("Y--aE2O5G5WE.wav", "--aE2O5G5WE"),
        ("YaE2O5G5WE_x.wav", "aE2O5G5WE_x"),
        ("YaE2O5G5WEx.wav", "YaE2O5G5WEx"),
        ("part00/Y--aE2O5G5WE.mp3", "--aE2O5G5WE"),
        ("--aE2O5G5WE_0_10000.flac", "--aE2O5G5WE"),
        ("--aE2O5G5WE_30.000_40.000.wav", "--aE2O5G5WE"),
        ("--aE2O5G5WE_30.000.wav", "--aE2O5G5WE"),
        ("Y--aE2O5G5WE_0_10.wav", "--aE2O5G5WE"),
        ("aE2O5G5W_1__0_10.wav", "aE2O5G5W_1_"),
        ("noise.wav", None),
        ("--aE2O5G5WE-0-10.wav", None),
        ("000123_--aE2O5G5WE.wav", None),
    ],
)
def test_names(name: str, video: str | None) -> None:
    assert clip_video(name) == video


def test_the_training_parts(root: Path) -> None:
    plan = plan_audioset(root)
    assert [item.path for item in plan.items] == [
        "balanced_train_segments/--PJHxphWEs.wav",
        "balanced_train_segments/--aE2O5G5WE_0_10000.flac",
        "unbalanced_train_segments/unbalanced_train_segments_part00/Y---1_cCGK4M.wav",
        "unbalanced_train_segments/unbalanced_train_segments_part40/Yzzya4dDVRLk.wav",
    ]
    assert {(item.size, item.label, item.group, item.split) for item in plan.items} == {(3, None, None, "train")}
    source = plan.source
    assert (source["found"], source["published"]) == ({"train": 4}, {"train": 1_963_807})
    assert (source["missing"], source["missing_first"], source["unlisted"]) == (1, ["gone_______"], 0)
    assert source["parts"]["balanced"] == {
        "found": 2, "listed": 3, "missing": 1, "unlisted": 0, "doubled": 0, "unrecognised": 0
    }  # fmt: skip


def test_parts_are_chosen(root: Path) -> None:
    plan = plan_audioset(root, ["balanced", "eval"])
    assert [item.split for item in plan.items] == ["train", "train", "test"]
    assert (plan.source["found"], plan.source["published"]) == ({"train": 2, "test": 1}, {})
    assert paths(plan_audioset(root, ["eval"])) == ["eval_segments/-0RWZT-miFs.wav"]


def test_any_part_and_no_list_will_do(root: Path) -> None:
    for table in root.glob("*.csv"):
        table.unlink()
    (root / "balanced_train_segments").rename(root.parent / "away")
    plan = plan_audioset(root)
    assert len(plan.items) == 2
    assert (plan.source["parts_absent"], plan.source["missing"]) == (["balanced"], 0)
    assert plan.source["parts"]["unbalanced"]["listed"] is None


@pytest.mark.parametrize("above", ["audio", "audios", "data"])
@pytest.mark.parametrize("form", ["{}_train_segments", "{}_train"])
def test_other_trees(root: Path, above: str, form: str) -> None:
    for part in ("balanced", "unbalanced"):
        new = root / above / form.format(part)
        new.parent.mkdir(exist_ok=True)
        (root / f"{part}_train_segments").rename(new)
        (root / "metadata").mkdir(exist_ok=True)
        (root / f"{part}_train_segments.csv").rename(root / "metadata" / f"{part}_train_segments.csv")
    plan = plan_audioset(root)
    assert len(plan.items) == 4
    assert plan.items[0].path == f"{above}/{form.format('balanced')}/--PJHxphWEs.wav"
    assert plan.source["missing"] == 1


def test_left_out_and_counted(root: Path) -> None:
    wanted = paths(plan_audioset(root))
    write(root / "balanced_train_segments" / "Y--PJHxphWEs.wav")  # the same clip again
    write(root / "balanced_train_segments" / "-0RWZT-miFs.wav")  # of another part
    write(root / "balanced_train_segments" / "test.wav")
    write(root / "balanced_train_segments" / "._--PJHxphWEs.wav")
    write(root / "balanced_train_segments" / "__MACOSX" / "-1234567890.wav")
    write(root / "balanced_train_segments" / "--PJHxphWEs.json")
    plan = plan_audioset(root)
    assert [item.path for item in plan.items] == wanted
    source = plan.source
    assert (source["doubled"], source["unlisted"], source["unrecognised"], source["missing"]) == (1, 1, 1, 1)


def test_refused(root: Path) -> None:
    for parts in ([], ["train"], ["eval", "eval"]):
        with pytest.raises(UsageError, match="--parts should be some of balanced, unbalanced, eval"):
            plan_audioset(root, parts)  # type: ignore[arg-type]
    table = root / "balanced_train_segments.csv"
    for text, words in (
        ("<!DOCTYPE html>\n", "is a web page"),
        (COMMENTS, "names no clips"),
        (COMMENTS + "--PJHxphWEs\n", "line 4 reads"),
        ("index,mid,display_name\n", "line 1 reads"),
    ):
        write(table, text.encode())
        with pytest.raises(DataError) as caught:
            plan_audioset(root)
        assert words in str(caught.value)
        assert str(table) in str(caught.value)
    table.unlink()
    (root / "balanced_train_segments").rename(root.parent / "away")
    with pytest.raises(DataError, match="holds none of balanced_train_segments"):
        plan_audioset(root, ["balanced"])
    with pytest.raises(DataError, match="root"):
        plan_audioset(root / "unbalanced_train_segments" / "unbalanced_train_segments_part00")
    for path in (root / "unbalanced_train_segments").rglob("*.wav"):
        path.rename(path.with_name(f"my {path.name}"))
    with pytest.raises(DataError, match="only 2 recordings with other names; prepare those as a folder"):
        plan_audioset(root)


def test_the_right_root_is_named(root: Path) -> None:
    for wrong in (root.parent, root / "eval_segments"):
        with pytest.raises(DataError) as caught:
            plan_audioset(wrong)
        assert f"give --root {root}" in str(caught.value)


def test_from_a_miniature_to_a_store(tmp_path: Path) -> None:
    plan = plan_audioset(write_audioset(tmp_path / "tree"))
    store = prepare(plan, tmp_path / "store", workers=1)
    assert (len(store), store.info["skipped"]) == (len(plan.items), [])
    assert store.info["source"] == plan.source
    assert set(store.column("label")) == {None}
