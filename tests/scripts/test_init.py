"""`--init`: a training goes on from weights, by their own encoder, front end and statistics."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch.nn.modules.batchnorm import _BatchNorm

import randquant
from randquant.audio.encoders.audio_ntt import AudioNTT2022
from randquant.audio.encoders.weights import load_encoder, save_encoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.cli.command import run
from randquant.data.store import Store
from randquant.data_prep.tables.prepare import prepare_table
from randquant.data_prep.tables.settings import OwnTable
from randquant.pointcloud.points.axes import turn_up
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.pointcloud.pretraining import build_task as point_task
from randquant.pointcloud.settings import PointPretraining
from randquant.scripts.pretrain_audio import pretrain_audio
from randquant.scripts.pretrain_images import pretrain_images
from randquant.scripts.pretrain_pointcloud import pretrain_pointcloud
from randquant.scripts.pretrain_table import pretrain_table
from randquant.scripts.reproduce import reproduce
from randquant.scripts.runs import runs as list_runs
from randquant.tables.pretraining import build_task as table_task
from randquant.tables.settings import TablePretraining
from randquant.tables.stored_table import column_names, described, moved_columns, rescaled, scales
from randquant.training import setup
from randquant.training.run import Run
from randquant.weights.weight_file import own_config
from tests.images.stores import task
from tests.pointcloud.encoders.test_published_weights import crosspoint, pointnet
from tests.pointcloud.test_pretraining import write_store as clouds

COMMANDS: dict[str, Callable[..., Any]] = {
    "audio": pretrain_audio,
    "points": pretrain_pointcloud,
    "images": pretrain_images,
    "tables": pretrain_table,
}
SMALL = ["--batch_size", "4", "--hidden_size", "8", "--projection_size", "8", "--accelerator", "cpu", "--logger", "csv"]
# Of the first training alone: what another one takes over.
FIRST = {
    "audio": ["--d", "16", "--n_mels", "32", "--hop", "320", "--mel", "htk", "--encoder", "AudioNTT2022"],
    "points": ["--d", "16", "--points", "24", "--normals"],
    "images": ["--width", "0.5", "--image_size", "16"],
    "tables": ["--width", "2"],
}
TAKEN = {
    "audio": {"encoder": "AudioNTT2022", "d": 16, "n_mels": 32, "hop": 320, "n_fft": 1024, "mel": "htk"},
    "points": {"encoder": "PointNetLite", "d": 16, "points": 24, "normals": True},
    "images": {"encoder": "small_cnn", "width": 0.5, "image_size": 16},
    "tables": {"encoder": "MLP", "width": 2},
}
Stores = dict[str, tuple[Path, Path]]
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("init")


@pytest.fixture(scope="module")
def stores(place: Path) -> Stores:
    """Of each modality two stores, whose statistics differ."""
    draw = np.random.default_rng(0)
    ages = ["" if each < 20 else str(each) for each in draw.integers(15, 90, 80)]
    rows = [f"{age},{draw.normal(9):.3f},{'yn'[number % 2]},{number % 5}" for number, age in enumerate(ages)]
    older = [row for row, age in zip(rows, ages, strict=True) if not age or int(age) > 40]
    columns = {
        name: table(place / name, ["age,income,member,visits", *kept])
        for name, kept in (("all", rows), ("older", older))
    }
    return {
        "audio": (sounds(place / "loud", 20_000), sounds(place / "quiet", 300)),
        "points": (clouds(place / "some").path, clouds(place / "others", items=8).path),
        "images": (task(place / "bright", side=20).path, dark(place / "dark").path),
        "tables": (columns["all"], columns["older"]),
    }


def table(out: Path, rows: Sequence[str]) -> Path:
    file = out.with_suffix(".csv")
    file.write_text("\n".join(rows) + "\n")
    prepare_table(OwnTable(out, csv=file, target="visits").plan(), out)
    return out


def sounds(out: Path, loudness: int) -> Path:
    from randquant.data.store import StoreWriter

    writer, generator = StoreWriter(out, kind="audio", plan=out.name), np.random.default_rng(0)
    with writer.begin(), writer.shard(0) as shard:
        for index in range(6):
            samples = generator.integers(-loudness, loudness, 9_000 + 1_000 * index).astype(np.int16)
            shard.append([samples], {"path": f"{index}.wav", "label": "ab"[index % 2], "group": None, "split": "train"})
    with writer.begin():
        return writer.finish(1, {"sample_rate": 16_000, "source": {"dataset": "labelled"}}).path


def dark(out: Path) -> Store:
    from tests.images.stores import coloured, write

    pictures, labels = coloured(12, 20)
    return write(out, [pixels // 4 for pixels in pictures], labels, ["train"] * 12)


def train(modality: str, store: Path, out: Path, *words: object, steps: int = 1) -> int:
    fixed = ["--data", str(store), "--out", str(out), "--steps", str(steps), *SMALL]
    return run(COMMANDS[modality], [*fixed, *map(str, words)])


@pytest.fixture(scope="module")
def runs(place: Path, stores: Stores) -> dict[str, Path]:
    """A short training of each modality on its first store."""
    for modality, (first, _) in stores.items():
        assert train(modality, first, place / f"run {modality}", *FIRST[modality], "--learning_rate", 0.1, steps=2) == 0
    return {modality: place / f"run {modality}" for modality in stores}


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings whose steps move nothing: batch norm keeps its statistics, and the rate is next to zero."""

    class Still(Run):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            for module in self.method.modules():
                if isinstance(module, _BatchNorm):
                    module.momentum = 0.0

    monkeypatch.setattr(setup, "Run", Still)


def vectors(modality: str, name: Path, **options: Any) -> torch.Tensor:
    """Of raw inputs, so that front end and statistics count."""
    encoder, draw = randquant.load(name, **options), np.random.default_rng(5)
    if modality == "audio":
        return encoder(draw.normal(0, 0.1, (2, 24_000)).astype(np.float32), sample_rate=24_000, axes="BT")
    if modality == "points":
        return encoder(draw.normal(size=(2, 40, len(encoder.layout))).astype(np.float32))  # type: ignore[arg-type]
    if modality == "images":
        return encoder(draw.integers(0, 255, (2, 30, 20, 3)).astype(np.uint8))
    rows = [line.split(",") for line in (name.parent / "all.csv").read_text().splitlines()[:4]]
    cells = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return encoder([{column: cell[column] or None for column in encoder.columns} for cell in cells])  # type: ignore[union-attr]


@pytest.mark.parametrize("modality", COMMANDS)
def test_a_step_that_moves_nothing_gives_the_vectors_of_the_weights(
    modality: str, runs: dict[str, Path], stores: Stores, place: Path, still: None, capsys: Said
) -> None:
    out, start = place / f"still {modality}", runs[modality]
    assert train(modality, stores[modality][1], out, "--init", start, "--learning_rate", 1e-30) == 0
    assert f"the weights of --init {start}: " in capsys.readouterr().err
    expected = vectors(modality, start)
    assert float((vectors(modality, out) - expected).abs().max()) <= 1e-6 * max(1.0, float(expected.abs().max()))
    settings = yaml.safe_load((out / "config.yaml").read_text())
    assert {name: settings[name] for name in TAKEN[modality]} == TAKEN[modality]
    digest = randquant.load(start).sha256
    assert (settings["init"], settings["init_sha256"]) == (str(start), digest)
    training = (own_config(out) or {})["training"]
    assert (training["init"], training["init_sha256"]) == (str(start), digest)
    held = randquant.load(out / "checkpoint.pt")
    assert held.encoder.arguments == randquant.load(start).encoder.arguments
    assert held.metadata["init_sha256"] == digest
    if modality != "tables":  # whose checkpoints do not describe columns; the others hold what the views were made by
        assert torch.allclose(vectors(modality, out / "checkpoint.pt"), expected, rtol=1e-6, atol=1e-6)


def test_rows_of_another_table_are_standardised_by_the_first(stores: Stores) -> None:
    whole, part = (Store.open(path) for path in stores["tables"])
    by, names = scales(whole), column_names(part)
    assert names == column_names(whole)
    assert sorted(moved_columns(part, by)) == sorted(by)
    wanted = {tuple(row) for row in whole.every_row().round(4)}
    rows = rescaled(part, by)
    assert all(tuple(row) in wanted for row in rows.round(4))
    assert (rows[rows[:, names.index("age is missing")] == 1.0, names.index("age")] == 0.0).any()
    assert (rescaled(part, {}) == part.every_row()).all()
    assert {
        each["name"]: (each["mean"], each["deviation"]) for each in described(part, by) if each["kind"] == "number"
    } == by


def test_published_files_start_a_training_of_sound(stores: Stores, place: Path, still: None, capsys: Said) -> None:
    """Of an AudioNTT2022 of sizes that no setting gives, and without statistics, which the data then give."""
    network = AudioNTT2022(n_mels=32, d=600, hidden=16).eval()
    with torch.no_grad():
        for values in network.parameters():
            values.add_(0.05 * torch.rand(values.shape))
    file, out = place / "AudioNTT2022.pth", place / "from published"
    torch.save(network.state_dict(), file)
    words = ["--init", file, "--mel", "htk", "--learning_rate", 1e-30]
    assert train("audio", stores["audio"][0], out, *words) == 0
    assert "do not say by which mean and deviation" in capsys.readouterr().err
    encoder = load_encoder(out)
    assert encoder.encoder.arguments == network.arguments
    assert encoder.front_end == FrontEnd(n_mels=32, mel="htk")
    assert encoder.mean is not None
    assert encoder.std is not None
    save_encoder(place / "said", network, front_end=encoder.front_end, mean=encoder.mean, std=encoder.std, metadata={})
    assert torch.allclose(vectors("audio", out), vectors("audio", place / "said"), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "state", "more"), [("pointnet", pointnet, ""), ("dgcnn", crosspoint, ":k=7")])
def test_published_networks_of_shapes_keep_their_axis_and_neighbours(
    name: str, state: Callable[..., Any], more: str, stores: Stores, place: Path, still: None
) -> None:
    file, out = place / f"{name}.pth", place / f"from {name}"
    torch.save(state(), file)
    flags = ["--init", f"{file}{more}", "--points", 24, "--augment", "geo", "--learning_rate", 1e-30]
    assert train("points", stores["points"][0], out, *flags) == 0
    published = randquant.load(f"{file}{more}", points=24)
    clouds = np.random.default_rng(5).normal(size=(2, 40, 3)).astype(np.float32)
    for path in (out, out / "checkpoint.pt", out / "init.safetensors"):
        encoder = randquant.load(path)
        assert encoder.up == "y"
        assert torch.allclose(encoder(clouds), published(clouds), rtol=1e-6, atol=1e-6)
    given = {"out": out, "data": stores["points"][:1], "init": f"{file}{more}", "points": 24}
    trained = point_task(PointPretraining(**PointPretraining.completed(given)), torch.device("cpu")).encoder.eval()
    stored = randquant.load(out).encoder.eval()
    inside = unit_sphere(torch.from_numpy(clouds[:, :24]))
    assert torch.equal(trained(inside), stored(turn_up(inside, "z", "y"))), "it is trained on clouds turned for it"


def test_a_run_goes_on_without_the_weights_it_began_with_and_is_made_again(
    runs: dict[str, Path], stores: Stores, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    store, start, save = stores["tables"][1], place / "moved.safetensors", Run.save
    shutil.copy(runs["tables"] / "encoder.safetensors", start)
    flags = ["--init", start, "--checkpoint_every", 1]
    whole, cut, again = place / "whole", place / "cut", place / "again"
    assert train("tables", store, whole, *flags, steps=4) == 0

    def save_and_stop(self: Run, step: int) -> None:
        save(self, step)
        if step == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", save_and_stop)
        assert train("tables", store, cut, *flags, steps=4) == 130
    start.unlink()
    assert train("tables", store, cut, *flags, steps=4) == 0
    names = ("encoder.safetensors", "init.safetensors")
    assert all((whole / name).read_bytes() == (cut / name).read_bytes() for name in names)
    assert run(reproduce, ["--results", str(cut), "--out", str(again)]) == 0
    capsys.readouterr()
    for other in ([], ["--init", runs["tables"]]):
        assert train("tables", store, cut, *other, steps=4) == 2
        assert "holds a run with other settings (" in capsys.readouterr().err
    assert run(list_runs, ["--folder", str(place)]) == 0
    assert "init_sha256" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("modality", "words", "code", "says"),
    [
        ("audio", ["--d", 32, "--mel", "slaney"], 2, "keeps, got --d 32 --mel slaney; leave that out, or behind"),
        ("points", ["--no_normals"], 2, "was trained with --normals, "),
        ("images", ["--image_size", 32], 2, "was trained with --image_size 16, "),
        ("tables", ["--width", 8], 2, "was trained with --width 2, "),
        ("tables", ["--parametrization", "mup"], 2, "leave out one of the two"),
        ("tables", ["--init_sha256", "00"], 2, "and --init_sha256 asks for 00"),
        ("points", ["--init", "occupancy:4"], 2, "is a grid without weights"),
        ("points", ["--init", "python:os:getcwd"], 2, "your own encoder is not trained here"),
        ("images", ["--init", "untrained:small_cnn:1"], 2, "leave it out"),
        ("images", ["--init", "tables"], 1, "is an encoder of tables"),
        ("audio", ["--init", "nowhere"], 1, "nowhere does not exist"),
        ("tables", ["--init", "unfinished"], 1, "has not finished; finish it by the same command again, or give"),
    ],
)
def test_what_contradicts_the_weights_or_cannot_be_trained_is_one_sentence(
    modality: str,
    words: list[Any],
    code: int,
    says: str,
    runs: dict[str, Path],
    stores: Stores,
    place: Path,
    capsys: Said,
) -> None:
    if words[-1] == "unfinished" and not (place / "unfinished").exists():
        (place / "unfinished").mkdir()
        shutil.copy(runs["tables"] / "checkpoint.pt", place / "unfinished")
    named = {"tables": runs["tables"], "unfinished": place / "unfinished"}
    words = ["--init", runs[modality], *(named.get(word, word) for word in words)]
    assert train(modality, stores[modality][0], place / "refused", *words) == code
    said = capsys.readouterr().err.strip().splitlines()
    assert says in said[-1]
    assert not (place / "refused").exists()


def test_learnt_activations_are_not_lifted(runs: dict[str, Path], stores: Stores, place: Path, capsys: Said) -> None:
    out = place / "lifted"
    assert train("audio", stores["audio"][0], out, "--init", runs["audio"], "--activation_margin", 2) == 0
    assert "--activation_margin changes nothing here: it is for untrained" in capsys.readouterr().err
    assert randquant.load(out / "init.safetensors").sha256 == randquant.load(runs["audio"]).sha256


def test_parts_keep_their_size(stores: Stores, place: Path, capsys: Said) -> None:
    store, first = stores["points"][0], place / "in_parts"
    assert train("points", store, first, "--points", 24, "--parts", 2, "--d", 16) == 0
    for points, parts in ((24, 2), (12, 1)):
        given = {"out": place / "none", "data": [store], "init": str(first), "points": points}
        assert PointPretraining(**PointPretraining.completed(given)).parts == parts
    assert PointPretraining(**PointPretraining.completed({**given, "points": 24, "parts": 4})).part == 6
    for init, words in ((f"{first}", ["--points", 16]), (f"{first}", ["--points", "any"]), (f"{first}:part=7", [])):
        assert train("points", store, place / "none", "--init", init, *words) == 2
        assert "or --parts too" in capsys.readouterr().err


def test_in_python_settings_are_completed(runs: dict[str, Path], stores: Stores) -> None:
    given = {"out": Path("run"), "data": [stores["tables"][0]], "init": str(runs["tables"])}
    other = {"data": [stores["tables"][1]], "splits": ["train", "valid", "test"]}
    settings = TablePretraining(**TablePretraining.completed(given | other))
    assert settings.width == 2
    source = table_task(settings, torch.device("cpu")).source
    rows = rescaled(Store.open(stores["tables"][1]), scales(Store.open(stores["tables"][0])))
    fetched = source.fetch(np.arange(len(source)), 0)
    assert isinstance(fetched, torch.Tensor)
    assert torch.equal(fetched, torch.from_numpy(rows))
    with pytest.raises(ValueError, match="completed"):
        TablePretraining(**given)  # type: ignore[arg-type]


def test_the_best_is_kept_but_of_runs_that_are_older_than_the_choice(runs: dict[str, Path], place: Path) -> None:
    older = place / "begun before"
    older.mkdir()
    given = {"out": older, "data": [place], "init": str(runs["tables"])}
    assert TablePretraining.completed(given)["keep"] == "best"
    assert TablePretraining.completed(given | {"keep": "last"})["keep"] == "last"
    shutil.copy(runs["tables"] / "encoder.safetensors", older / "init.safetensors")
    (older / "checkpoint.pt").touch()
    for written, kept in (("steps: 1", "last"), ("keep: best", "best")):
        (older / "config.yaml").write_text(written)
        assert TablePretraining.completed(given)["keep"] == kept
