"""Training on pictures: in this process, exact resume, every method, bad input in one sentence."""

import csv
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from randquant.cli.command import run
from randquant.data.store import Store
from randquant.images.encoders.weights import load_encoder, named_encoder
from randquant.scripts.pretrain_images import pretrain_images
from randquant.training.run import Run
from tests.images.stores import arguments, mixed, task, write


def here(*words: object) -> int:
    return run(pretrain_images, [str(word) for word in words])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return task(tmp_path_factory.mktemp("pictures") / "store")


def test_a_stopped_run_ends_with_the_same_bits_and_knows_its_pictures(tmp_path: Path, store: Store) -> None:
    flags = ["--augment", "rrc+flip+colour+rq", "--monitor", store.path, "--monitor_every", 2]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert here(*arguments(store.path, whole, *flags)) == 0
    stop_after(2, arguments(store.path, stopped, *flags))
    assert load_encoder(stopped / "checkpoint.pt").metadata["step"] == 2
    assert here(*arguments(store.path, stopped, *flags)) == 0
    one, two = load_file(whole / "encoder.safetensors"), load_file(stopped / "encoder.safetensors")
    assert all(bool((one[name] == two[name]).all()) for name in one)
    with (whole / "log.csv").open() as file:
        assert {row["step"] for row in csv.DictReader(file) if row["name"] == "knn_valid"} == {"2", "4"}
    loaded = load_encoder(whole)
    assert loaded.encoder.size == 12
    assert loaded.statistics is not None
    assert all(0.3 < mean < 0.6 for mean in loaded.statistics.mean)
    assert loaded.metadata["augment"] == "rrc+flip+colour+rq"


def stop_after(step: int, words: list[str]) -> None:
    """A run that is interrupted once it has saved that step."""
    save = Run.save

    def save_and_stop(self: Run, at: int) -> None:
        save(self, at)
        if at == step:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "save", save_and_stop)
        assert here(*words) == 130


@pytest.mark.parametrize("method", ["byol", "mocov3", "moco", "simclr", "infonce"])
def test_every_method_trains(tmp_path: Path, store: Store, method: str) -> None:
    words = arguments(store.path, tmp_path / "run", "--method", method, "--width", 0.5, "--queue_size", 16)
    assert here(*words, "--steps", 1) == 0
    assert load_encoder(tmp_path / "run").encoder.arguments == {"width": 0.5, "size": 12}


def test_encoded_pictures_of_mixed_sizes_train(tmp_path: Path) -> None:

    write(tmp_path / "store", mixed(8), [None] * 8, [None] * 8, raw=False)
    assert here(*arguments(tmp_path / "store", tmp_path / "run", "--encoder", "resnet18", "--width", 0.125)) == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--augment", "rrc+magic"], 2, "rrc+magic"),
        (["--encoder", "resnet"], 2, "resnet18"),
        (["--width", "0"], 2, "--width should be above 0"),
        (["--encoder", "vit_small_patch16_224"], 2, "multiple of 16"),
        (["--rq_bins", "9", "3"], 2, "lower one first"),
        (["--crop_min", "2"], 2, "--crop_min should be"),
        (["--batch_size", "64"], 2, "36 items"),
        (["--data", "nowhere"], 1, "nowhere"),
        (["--width", "64", "--encoder", "resnet50"], 2, "GB"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, store: Store, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(*arguments(store.path, tmp_path / "run", *words)) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert says in last


def test_pictures_too_large_for_the_memory_are_refused(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("randquant.training.memory.host_memory", lambda: 10**9)
    assert here(*arguments(store.path, tmp_path / "run", "--image_size", 1024, "--batch_size", 8)) == 2
    assert "--image_size 1024 --batch_size 8 ask for" in capsys.readouterr().err


def test_an_untrained_encoder_depends_on_its_seed_alone() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, two = (named_encoder("untrained:small_cnn:0.5", seed=seed) for seed in (1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert one.sha256 != two.sha256
    assert one.sha256 == named_encoder("untrained:small_cnn:0.5", seed=1).sha256
