"""A task's clip length, its crops and its protocols."""

from collections.abc import Callable

import numpy as np
import pytest

from randquant.audio.crops import fit_length
from randquant.audio.evaluation.tasks import PROTOCOLS, SWEPT_RATES, ClipTask, open_task, read_batches, task_name
from randquant.data.store import Store
from randquant.errors import DataError

WriteStore = Callable[..., Store]


def crops(task: ClipTask, protocol: str, *, seed: int = 0, epoch: int = 0, batch: int = 2) -> list[np.ndarray]:
    preset = PROTOCOLS[protocol]  # type: ignore[index]
    indices = np.arange(len(task.store))
    head = np.array([preset.test_crop == "head" and split == "test" for split in task.items.splits])
    batches = read_batches(task, indices, pad=preset.pad, head=head, seed=seed, epoch=epoch, batch=batch)
    return [clip for clips in batches for clip in clips.numpy()]


def test_the_unit_is_given_published_or_the_average_of_train(write_store: WriteStore, store: Store) -> None:
    assert open_task(store).unit == round(np.mean([8_000, 24_000, 30_000]) / 16_000, 1) * 16_000
    assert open_task(store, unit_seconds=0.25).unit == 4_000
    published = open_task(write_store("x", "voxforge"))
    assert published.unit == 92_800
    assert published.unit_source == "published for this dataset"


def test_names(write_store: WriteStore, store: Store) -> None:
    assert task_name(store) == "words"
    assert task_name(write_store("x", "nsynth")) == "nsynth"
    assert task_name(write_store("vc1")) == "voxceleb1"


def test_counts_and_a_store_without_train(write_store: WriteStore, store: Store) -> None:
    assert open_task(store).counts() == {"train": 3, "valid": 1, "test": 2, "unused": 0}
    unlabelled = write_store("x", "folder", splits=[None] * 6)
    with pytest.raises(DataError, match="prepare labelled"):
        open_task(unlabelled)


EVAR_RATES = {"nsynth": 1e-3, "us8k": 3e-5, "voxceleb1": 4e-5, "voxforge": 1e-4, "spcv2": 3e-5, "spcv2-12": 3e-4}


@pytest.mark.parametrize("protocol", ["byola-v1", "evar"])
def test_short_clips_are_padded_and_long_ones_cut_out(store: Store, protocol: str) -> None:
    task = open_task(store, unit_seconds=1.0)
    preset = PROTOCOLS[protocol]  # type: ignore[index]
    for index, clip in enumerate(crops(task, protocol)):
        samples = store.rows(index)
        if len(samples) <= task.unit:
            np.testing.assert_array_equal(clip, fit_length(samples, task.unit, pad=preset.pad))
        else:
            windows = np.lib.stride_tricks.sliding_window_view(samples, task.unit)
            assert (windows == clip).all(axis=1).any()


def test_only_evar_takes_the_head_of_long_test_clips(store: Store) -> None:
    task = open_task(store, unit_seconds=1.0)
    long_test, long_train = 3, 1
    head = store.rows(long_test, 0, task.unit)
    np.testing.assert_array_equal(crops(task, "evar")[long_test], head)
    assert (crops(task, "byola-v1")[long_test] != head).any()
    assert (crops(task, "evar")[long_train] != store.rows(long_train, 0, task.unit)).any()


def test_crops_depend_on_seed_and_epoch_and_not_on_batches(store: Store) -> None:
    task = open_task(store, unit_seconds=1.0)
    one = np.stack(crops(task, "byola-v1"))
    np.testing.assert_array_equal(np.stack(crops(task, "byola-v1", batch=5)), one)
    assert (np.stack(crops(task, "byola-v1", seed=1)) != one).any()
    assert (np.stack(crops(task, "byola-v1", epoch=1)) != one).any()


def test_published_learning_rates_belong_to_evar() -> None:
    for task, rate in EVAR_RATES.items():
        assert PROTOCOLS["evar"].learning_rates(task) == (rate,)
    assert PROTOCOLS["evar"].learning_rates("unheard of") == (3e-4,)
    assert PROTOCOLS["byola-v1"].learning_rates("voxceleb1") == (1e-3,)
    assert (PROTOCOLS["byola-v1"].linear.repeats, PROTOCOLS["byola-v1"].linear.patience) == (10, 10)
    assert (PROTOCOLS["evar"].linear.repeats, PROTOCOLS["evar"].linear.patience) == (3, 20)


FOLDS = ("fold1", "fold10", "fold2", "fold2", None, "fold1")


def test_folds_are_in_order_and_counted(write_store: WriteStore, store: Store) -> None:
    task = open_task(write_store("x", splits=FOLDS))
    assert task.folds == ["fold1", "fold2", "fold10"]
    assert task.counts() == {"fold1": 2, "fold2": 2, "fold10": 1, "unused": 1}
    assert open_task(store).folds == []


def test_training_items_of_folds_and_of_splits(write_store: WriteStore, store: Store) -> None:
    task = open_task(write_store("x", splits=FOLDS))
    assert task.training().tolist() == [0, 1, 2, 3, 5]
    assert task.training(left_out="fold1").tolist() == [1, 2, 3]
    np.testing.assert_array_equal(open_task(store).training(), store.select("train"))


def test_the_unit_of_folds_is_the_average_of_all_of_them(write_store: WriteStore) -> None:
    task = open_task(write_store("x", splits=FOLDS))
    lengths = [8_000, 24_000, 16_000, 40_000, 30_000]
    assert task.unit == round(np.mean(lengths) / 16_000, 1) * 16_000
    assert open_task(write_store("y", "us8k", splits=FOLDS)).unit == 64_000


def test_the_rates_of_a_sweep_enclose_the_published_ones() -> None:
    published = {rate for protocol in PROTOCOLS.values() for rate in protocol.linear.learning_rates}
    published |= {rate for protocol in PROTOCOLS.values() for _, rate in protocol.task_learning_rates}
    assert min(SWEPT_RATES) <= min(published)
    assert max(published) <= max(SWEPT_RATES)
