"""What audio brings to the loop: which bytes are read, which views are made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.audio.augment.fader import RandomLinearFader
from randquant.audio.augment.filter import RandomFilter
from randquant.audio.augment.mixup import LogMixupExp
from randquant.audio.augment.resize_crop import RandomResizeCrop
from randquant.audio.crops import fit_length
from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.audio_ntt import AudioNTT, AudioNTT2020, AudioNTT2022
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.encoders.weights import named_encoder
from randquant.audio.pretraining import build_task
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.lifting import lift_activations
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalize import LogMelViews, PreNorm
from randquant.audio.stored_crops import LogMelCrops, WaveformCrops
from randquant.data.store import Store, StoreWriter
from randquant.errors import DataError
from randquant.quantize import RandomizedQuantization
from randquant.views import Policy, Views, ViewSet

LENGTHS = (3_000, 16_000, 64_000, 40_000, 15_200)


@pytest.fixture
def noises(write_store: Callable[..., Store]) -> Store:
    """Five noises of one label in turn with another, the last two for validation."""
    return write_store("noises", lengths=LENGTHS, splits=("train", "train", "train", "valid", "valid"))


def settings(store: Store, **changes: object) -> AudioPretraining:
    return AudioPretraining(out=store.path.parent / "run", data=[store.path], d=16, batch_size=2, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("crops", [1, 2])
def test_crops_are_parts_of_their_recording_and_change_with_the_epoch(noises: Store, crops: int) -> None:
    source = WaveformCrops([noises], settings(noises, crops=crops))
    positions = np.arange(5)
    first, again, later = (source.fetch(positions, epoch).numpy() for epoch in (0, 0, 1))
    assert first.shape == (crops, 5, 15_200)
    assert (first == again).all()
    assert (first[0, 2] != later[0, 2]).any()
    for view in first:
        for number, crop in enumerate(view):
            whole, inner = noises.rows(number), crop[np.flatnonzero(crop)[0] : np.flatnonzero(crop)[-1] + 1]
            assert inner.tobytes() in whole.tobytes()
    assert (crops == 1) or (first[0, 2] != first[1, 2]).any()


@pytest.mark.parametrize("crops", [1, 2])
@pytest.mark.parametrize("sampling", ["clip", "duration"])
def test_crops_of_several_stores_are_those_read_one_by_one(
    noises: Store, write_store: Callable[..., Store], crops: int, sampling: str
) -> None:
    stores = [noises, write_store("more"), noises]
    source = WaveformCrops(stores, settings(noises, crops=crops, sampling=sampling))
    positions = np.random.default_rng(0).permutation(len(source)).astype(np.int64)
    clips = source.groups(positions)
    for epoch in (0, 7):
        batch = source.fetch(positions, epoch).numpy()
        views = source.starts(positions, source.lengths[clips], source.unit, epoch)
        for view, starts in zip(batch, views, strict=True):
            for crop, clip, start in zip(view, clips.tolist(), starts.tolist(), strict=True):
                samples = source.waveform(clip, start, start + source.unit)
                assert np.array_equal(crop, fit_length(samples, source.unit))


def test_sampling_by_duration_and_blocks_of_one_recording(noises: Store) -> None:
    source = WaveformCrops([noises], settings(noises, sampling="duration", together=3))
    assert list(np.bincount(source.groups(np.arange(len(source))))) == [max(1, length // 15_200) for length in LENGTHS]
    order = source.order(np.random.default_rng(3))
    assert sorted(order) == list(range(len(source)))
    clips = source.groups(order)
    changes = int((np.diff(clips) != 0).sum())
    assert changes < len(LENGTHS) + 2, "crops of one recording come in blocks of up to three"
    assert len(set(source.order(np.random.default_rng(4)).tolist())) == len(source)
    assert (source.groups(order) == clips).all()


def test_positions_of_a_recording_cover_its_parts_in_turn(noises: Store) -> None:
    source = WaveformCrops([noises], settings(noises, sampling="duration"))
    positions = np.flatnonzero(source.groups(np.arange(len(source))) == 2)
    free = LENGTHS[2] - source.unit + 1
    for epoch in range(20):
        crops = source.fetch(positions, epoch)[0].numpy()
        whole = noises.rows(2)
        starts = [whole.tobytes().index(crop.tobytes()) // 2 for crop in crops]
        assert [start * len(positions) // free for start in starts] == list(range(len(positions)))


def test_cached_log_mels_agree_with_those_of_crops_away_from_the_ends(noises: Store) -> None:
    by_wave = WaveformCrops([noises], settings(noises))
    cached = LogMelCrops([noises], settings(noises, cache="log_mel"), torch.device("cpu"))
    batch = cached.fetch(np.arange(5), 0)
    assert batch.shape == (1, 5, 1, 64, 96)
    starts = cached.starts(np.arange(5), cached.frame_counts, cached.frames, 0)[0]
    for crop, clip, start in zip(batch[0, :, 0], range(5), starts, strict=True):
        samples = fit_length(whole, cached.unit) if len(whole := noises.rows(clip)) < cached.unit else whole
        assert torch.equal(crop, LogMel()(torch.from_numpy(samples)[None])[0, 0, :, start : start + cached.frames])
    # The first recording is shorter than a crop, so both ways read the same padded samples.
    torch.testing.assert_close(batch[0, 0], LogMel()(by_wave.fetch(np.array([0]), 0)[0])[0])


@pytest.mark.parametrize(
    ("augment", "after", "kinds"),
    [
        ("rrc+rq", False, [RandomizedQuantization, RandomResizeCrop]),
        ("rq+rrc", True, [RandomResizeCrop, RandomizedQuantization]),
        ("fader+filter+rrc+mixup", False, [RandomFilter, LogMixupExp, RandomResizeCrop, RandomLinearFader]),
        ("none", False, []),
    ],
)
def test_policies_apply_in_the_published_order(noises: Store, augment: str, after: bool, kinds: list[type]) -> None:
    policy = settings(noises, augment=augment, rq_after_crop=after).policy()
    assert [type(augmentation) for augmentation in policy] == kinds


def test_views_are_normalised_together_and_share_the_mixing_bank(noises: Store) -> None:
    task = build_task(settings(noises, augment="rrc+mixup"), torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    views: list[Any] = list(ViewSet.of(task.make_views(task.source.fetch(np.arange(4), 0), generator=generator)).views)
    assert [tuple(view.shape) for view in views] == [(4, 1, 64, 96)] * 2
    together = torch.cat(views)
    assert abs(float(together.mean())) < 1e-4
    assert abs(float(together.std()) - 1) < 1e-2
    (filled,) = {int(value) for name, value in task.make_views.state_dict().items() if name.endswith("filled")}
    assert filled == 8, "both views push their input into one bank"


def test_two_crops_feed_two_views() -> None:
    views = LogMelViews(torch.nn.Identity(), PreNorm(), Views([Policy(), Policy()]))
    batch = torch.randn(2, 3, 1, 4, 5)
    first, second = views(batch, generator=torch.Generator())
    assert torch.corrcoef(torch.stack([first.flatten(), batch[0].flatten()]))[0, 1] > 0.999
    assert torch.corrcoef(torch.stack([second.flatten(), batch[1].flatten()]))[0, 1] > 0.999


def test_monitor_needs_both_splits_and_gives_an_accuracy(noises: Store, write_store: Callable[..., Store]) -> None:
    task = build_task(settings(noises, monitor=noises.path), torch.device("cpu"))
    assert task.monitor is not None
    with torch.no_grad():
        numbers = task.monitor(task.encoder.eval(), torch.device("cpu"))
    assert list(numbers) == ["knn_valid"]
    assert 0.0 <= numbers["knn_valid"] <= 1.0
    with pytest.raises(DataError, match="no items with split 'valid'"):
        build_task(settings(noises, monitor=write_store("other", splits=["train"] * 6).path), torch.device("cpu"))


def test_silence_alone_cannot_be_normalised(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="silence")
    with writer.begin(), writer.shard(0) as shard:
        shard.append([np.zeros(20_000, np.int16)], {"path": "0.wav"})
    with writer.begin():
        store = writer.finish(1, {"sample_rate": 16_000, "source": {}})
    with pytest.raises(DataError, match="silent"):
        build_task(settings(store), torch.device("cpu"))


@pytest.mark.parametrize(
    "change",
    [
        {"augment": "rrc+rrc"},
        {"augment": "magic"},
        {"rq_bins": [1]},
        {"rq_bins": [2, 3, 4]},
        {"unit_seconds": 0.0},
        {"crop_time": (2.0, 1.0)},
        {"rq_p": 2.0},
        {"together": 0},
    ],
)
def test_bad_settings_are_named(noises: Store, change: dict) -> None:
    with pytest.raises(ValueError, match=r"--|bins"):
        settings(noises, **change)


@pytest.mark.parametrize("encoder", [AudioNTT2020(d=32), AudioNTT2022(d=1024 + 32, hidden=48)])
def test_lifted_units_start_alive(encoder: AudioNTT) -> None:
    x = torch.randn(64, 1, 64, 48)
    shares: dict[str, torch.Tensor] = {}

    def watch(name: str, module: torch.nn.Module) -> None:
        def keep(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
            units = output.transpose(1, -1).flatten(0, -2) if output.ndim == 4 else output.flatten(0, -2)
            shares[name] = (units > 0).float().mean(dim=0)

        module.register_forward_hook(keep)

    lift_activations(encoder, x, 2.0)
    for name, module in encoder.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert bool(module.num_batches_tracked == 0), "its statistics are still to come"
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.Linear):
            watch(name, module)
    with torch.no_grad():
        encoder.train()(x)
    assert len(shares) >= 4
    assert min(float(share.min()) for share in shares.values()) > 0.8


class MeanOfFrames(AudioEncoder):
    """The smallest encoder there is."""

    def __init__(self, n_mels: int = 64, d: int = 16) -> None:
        super().__init__()
        self.n_mels, self.d = n_mels, d
        self.layer = torch.nn.Linear(n_mels, d)

    @property
    def arguments(self) -> dict[str, Any]:
        return {"n_mels": self.n_mels, "d": self.d}

    def embedding_size(self, layer: Layer = "output") -> int:
        return self.d

    def forward(self, x: torch.Tensor, layer: Layer = "output", lengths: torch.Tensor | None = None) -> torch.Tensor:
        assert lengths is None
        return self.layer(x.mean(dim=(1, 3)))


def test_an_encoder_of_the_registry_is_trained_saved_and_opened(
    noises: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENCODERS, "MeanOfFrames", MeanOfFrames)
    task = build_task(settings(noises, encoder="MeanOfFrames"), torch.device("cpu"))
    assert type(task.encoder) is MeanOfFrames
    assert task.embedding_size == 16
    task.save_encoder(tmp_path / "encoder.safetensors", task.encoder, 3)
    for name in (str(tmp_path / "encoder.safetensors"), "untrained:MeanOfFrames:16"):
        assert type(named_encoder(name, seed=0).encoder) is MeanOfFrames
