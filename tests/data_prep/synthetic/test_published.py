"""Made-up trees in the published numbers: shares of them here, whole ones by scripts.rehearse."""

from collections import Counter
from pathlib import Path

import pytest
import soundfile

from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.synthetic.published import (
    AUDIOSET_LISTED,
    MODELNET40,
    NSYNTH_FAMILIES,
    SPEECH_COMMANDS,
    SPEECH_COMMANDS_TEST,
    US8K_CLASSES,
    US8K_FOLDS,
    apportion,
    scaled,
)
from randquant.data_prep.synthetic.shapes.modelnet import write_published_modelnet
from randquant.data_prep.synthetic.sounds.audioset import write_published_audioset
from randquant.data_prep.synthetic.sounds.noise import LONGEST, SHORTEST, write_noise
from randquant.data_prep.synthetic.sounds.nsynth import _published as nsynth_numbers
from randquant.data_prep.synthetic.sounds.nsynth import write_published_nsynth
from randquant.data_prep.synthetic.sounds.speech_commands import write_published_speech_commands
from randquant.data_prep.synthetic.sounds.us8k import _published as us8k_slices
from randquant.data_prep.synthetic.sounds.us8k import write_published_us8k
from randquant.data_prep.synthetic.sounds.voxceleb1 import write_published_voxceleb1
from randquant.data_prep.synthetic.sounds.voxforge import write_published_voxforge
from randquant.data_prep.synthetic.tree import torch_generator

WRITERS = {
    "nsynth": write_published_nsynth,
    "us8k": write_published_us8k,
    "voxceleb1": write_published_voxceleb1,
    "voxforge": write_published_voxforge,
    "spcv2": write_published_speech_commands,
    "audioset": write_published_audioset,
    "modelnet": write_published_modelnet,
}


def test_numbers_by_class_sum_to_the_published_ones() -> None:
    assert sum(NSYNTH_FAMILIES.values()) == sum(DATASETS["nsynth"].items.values())
    assert sum(US8K_FOLDS) == sum(US8K_CLASSES) == DATASETS["us8k"].items["all"]
    assert sum(SPEECH_COMMANDS.values()) == sum(DATASETS["spcv2"].items.values())
    assert sum(SPEECH_COMMANDS_TEST.values()) == DATASETS["spcv2-12"].items["test"]
    assert [sum(column) for column in zip(*MODELNET40.values(), strict=True)] == [9_843, 2_468]
    assert sum(AUDIOSET_LISTED.values()) > DATASETS["audioset"].items["train"]


def test_whole_trees_have_the_published_splits_and_classes() -> None:
    families = nsynth_numbers(dict(DATASETS["nsynth"].items))
    assert {split: sum(notes.values()) for split, notes in families.items()} == DATASETS["nsynth"].items
    assert sum((Counter(notes) for notes in families.values()), Counter()) == NSYNTH_FAMILIES
    assert "synth_lead" not in families["test"]
    slices = list(us8k_slices(None, torch_generator(0, "slices")))
    assert Counter(piece.fold for piece in slices) == dict(enumerate(US8K_FOLDS, start=1))
    assert Counter(piece.label for piece in slices) == dict(enumerate(US8K_CLASSES))
    assert len({piece.name for piece in slices}) == len(slices)


@pytest.mark.parametrize("dataset", WRITERS)
def test_a_share_is_planned_whole(dataset: str, tmp_path: Path) -> None:
    plan = DATASETS[dataset].plan(WRITERS[dataset](tmp_path, items=360))
    assert len(plan.items) == 360
    assert plan.source.get("unlisted", 0) == plan.source.get("doubled", 0) == len(plan.missing) == 0
    labels = {item.label for item in plan.items} - {None}
    expected = {"voxceleb1": 3, "audioset": 0}.get(dataset, DATASETS[dataset].classes)
    assert len(labels) == expected


def test_noises_differ_and_are_decided_by_seed_and_name(tmp_path: Path) -> None:
    for place, (seed, name) in enumerate([(0, "a"), (0, "a"), (0, "b"), (1, "a")]):
        write_noise(tmp_path / "deep" / f"{place}.wav", seed=seed, name=name)
    same, again, *others = (path.read_bytes() for path in sorted((tmp_path / "deep").iterdir()))
    assert same == again
    assert len({same, *others}) == 3
    waveform, rate = soundfile.read(tmp_path / "deep" / "0.wav")
    assert rate == 16_000
    assert SHORTEST <= len(waveform) <= LONGEST
    assert 0.05 < waveform.std() < 0.3


def test_shares_are_whole_numbers_in_proportion() -> None:
    assert apportion(7, [1, 1, 1]) == [3, 2, 2]
    assert apportion(0, [3, 1]) == [0, 0]
    assert sum(apportion(1_234, [0.1, 5, 17, 3])) == 1_234
    assert scaled({"a": 999, "b": 1}, 10) == {"a": 9, "b": 1}
    assert scaled({"a": 999, "b": 1}, None) == {"a": 999, "b": 1}
    with pytest.raises(ValueError, match="cannot be shared"):
        apportion(2, [1, 1, 1], least=1)
