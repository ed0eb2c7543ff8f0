"""Ten folds through an encoder and a linear SVM, against a loop by hand."""

import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from randquant.errors import DataError
from randquant.pointcloud.evaluation.fewshot_folds import FoldSettings, evaluate
from randquant.pointcloud.points.farthest_point_order import farthest_point_order
from randquant.pointcloud.points.layout import Layout
from randquant.results.predictions import prediction_table

SETTINGS = FoldSettings(ways=5, shots=10, points=24)


class Extents(nn.Module):
    """Embeds a cloud by its spread along x, y and z, and counts the clouds it has seen."""

    def __init__(self, channels: tuple[str, ...] = ("x", "y", "z")) -> None:
        super().__init__()
        self.channels, self.seen = channels, 0

    def embedding_size(self) -> int:
        return 3

    def forward(self, points: Tensor) -> Tensor:
        assert points.shape[1:] == (24, len(self.channels))
        self.seen += len(points)
        return points[..., -3:].std(dim=1)


def loaded(up: str = "z", **arguments: Any) -> Any:
    encoder = Extents(**arguments)
    about = {"up": up, "sha256": "0" * 64, "points": 24, "precision": "32"}
    return SimpleNamespace(encoder=encoder, layout=Layout.of(encoder.channels), **about)


def boxes(generator: np.random.Generator, original: int, noise: float, points: int = 40) -> np.ndarray:
    """A cloud stretched as its class is, with normals that are only its coordinates again; y is up."""
    sides = np.random.default_rng(original).uniform(0.2, 1.0, size=3) + noise * generator.normal(size=3)
    xyz = generator.uniform(-1, 1, size=(points, 3)) * sides
    return np.concatenate([xyz, xyz], axis=1).astype(np.float32)


def write_folds(folder: Path, noise: float = 0.02, columns: int = 6) -> None:
    generator = np.random.default_rng(0)
    (folder / "5way_10shot").mkdir(parents=True)
    for number in range(10):
        originals = generator.permutation(12)[:5]
        content = {
            name: [
                (boxes(generator, original, noise)[:, :columns], label, original)
                for label, original in enumerate(originals)
                for _ in range(count)
            ]
            for name, count in (("train", 10), ("test", 20))
        }
        (folder / "5way_10shot" / f"{number}.pkl").write_bytes(pickle.dumps(content))


def by_hand(folder: Path, number: int) -> float:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    content = pickle.loads((folder / "5way_10shot" / f"{number}.pkl").read_bytes())

    def vectors(entries: list[Any]) -> list[np.ndarray]:
        found = []
        for points, _, _ in entries:
            xyz = points[farthest_point_order(points[:, :3], 24), :3]
            xyz = xyz - xyz.mean(axis=0)
            found.append((xyz / np.linalg.norm(xyz, axis=1).max()).std(axis=0, ddof=1)[[0, 2, 1]])
        return found

    machine = make_pipeline(StandardScaler(), SVC(kernel="linear"))
    machine.fit(vectors(content["train"]), [label for _, label, _ in content["train"]])
    return machine.score(vectors(content["test"]), [label for _, label, _ in content["test"]])


def test_accuracy_is_that_of_a_loop_by_hand(tmp_path: Path) -> None:
    write_folds(tmp_path, noise=0.1)
    encoder = loaded()
    outcome = evaluate(encoder, tmp_path, SETTINGS, cache=tmp_path / "cache")
    numbers = outcome.numbers.to_json()
    assert numbers["accuracies"] == pytest.approx([by_hand(tmp_path, number) for number in range(10)])
    assert 0.5 < numbers["accuracy"] < 1.0
    assert numbers["accuracy"] == pytest.approx(np.mean(numbers["accuracies"]))
    assert numbers["std"] == pytest.approx(np.std(numbers["accuracies"]))
    assert numbers["ci95"] == pytest.approx(2.2622 * np.std(numbers["accuracies"], ddof=1) / 10**0.5, rel=1e-4)
    assert numbers["counts"] == {"train": 50, "valid": None, "test": 1000}
    assert [fold["fold"] for fold in numbers["folds"]] == [f"fold{number}" for number in range(10)]
    assert (outcome.predictions[0] == outcome.truth).mean() == pytest.approx(numbers["accuracy"])
    assert encoder.encoder.seen == 1500
    json.dumps(numbers)
    again = evaluate(encoder, tmp_path, SETTINGS, cache=tmp_path / "cache")
    assert encoder.encoder.seen == 1500, "features are kept"
    np.testing.assert_array_equal(again.predictions, outcome.predictions)
    table = prediction_table("folds", "fewshot_folds", outcome)
    assert len(set(table["id"].to_pylist())) == 1000
    assert set(table["fold"].to_pylist()) == {f"fold{number}" for number in range(10)}


def test_classes_go_by_name_where_names_are_known(tmp_path: Path) -> None:
    write_folds(tmp_path)
    names = [f"shape {number}" for number in range(12)]
    outcome = evaluate(loaded(), tmp_path, SETTINGS, cache=tmp_path / "cache", names=names)
    assert outcome.classes == names[: len(outcome.classes)]
    assert set(outcome.items.labels) <= set(names)
    assert outcome.classes[outcome.truth[0]] == outcome.items.labels[0]
    assert evaluate(loaded(), tmp_path, SETTINGS, cache=tmp_path / "cache").classes[3] == "3"


def test_shapes_and_normals_are_turned_as_the_encoder_expects(tmp_path: Path) -> None:
    """Files have y up: an encoder of y gets them as they are, one of z turned by a right angle about x."""
    write_folds(tmp_path)
    spreads = []
    for up in ("y", "z"):
        encoder = loaded(up, channels=("x", "y", "z", "nx", "ny", "nz"))
        seen: list[Tensor] = []
        encoder.encoder.register_forward_hook(lambda _module, args, _output, seen=seen: seen.append(args[0]))
        evaluate(encoder, tmp_path, SETTINGS, cache=tmp_path / up)
        spreads.append(torch.cat(seen))
    as_stored, turned = spreads
    torch.testing.assert_close(turned, as_stored[..., [0, 2, 1, 3, 5, 4]] * torch.tensor([1, -1, 1] * 2))
    assert as_stored[..., :3].norm(dim=-1).amax(dim=1) == pytest.approx(1.0, abs=1e-5)


def test_normals_and_points_that_are_not_there_are_refused(tmp_path: Path) -> None:
    write_folds(tmp_path, columns=3)
    with pytest.raises(DataError, match="reads nx, ny, nz, but"):
        evaluate(loaded(channels=("x", "y", "z", "nx", "ny", "nz")), tmp_path, SETTINGS, cache=tmp_path / "cache")
    with pytest.raises(DataError, match=r"41 points of each shape are asked for, but .*0.pkl has 40"):
        evaluate(loaded(), tmp_path, FoldSettings(points=41), cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"ways": 7}, "ways and shots"), ({"points": 0}, "points and"), ({"strength": 0.0}, "points and")],
    ids=["ways", "points", "strength"],
)
def test_wrong_settings_are_refused(wrong: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FoldSettings(**wrong)
