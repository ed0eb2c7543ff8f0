"""The page of shapes: its own sections, and published rows that are rivals or context."""

from typing import Any

from randquant.pointcloud.evaluation.result import ShapeResult, without_repeats_lines
from randquant.results.page import published_lines, results_page
from randquant.results.robustness import robustness_lines

HASH = "0123456789abcdef" * 4


def facts(probe: str = "svm", *, protocol: str = "crosspoint", **more: Any) -> ShapeResult:
    """What `evaluate_modelnet` would say of one probe."""
    said = {
        "task": "modelnet40",
        "probe": probe,
        "probes": ["svm", "knn"],
        "accuracy": 0.9,
        "ci95": 0.004,
        "ci95_items": [0.88, 0.92],
        "macro_recall": 0.87,
        "majority_floor": 0.04,
        "valid_accuracy": None,
        "strengths": [0.1],
        "validation": "nothing is chosen",
        "counts": {"train": 80, "valid": None, "test": 2468},
        "settings": {"probe": "svm", "strengths": [0.1], "standardise": False},
        "repeats": 1,
        "seeds": [42],
        "protocol": {
            "name": protocol,
            "classifier": "svm",
            "differs": "the epoch",
            "source": "a paper",
            "departures": [],
        },
        "data": {"in_store": {"train": 80}, "split_source": "lists", "complete": True, "differs": None},
        "points": 1024,
        "order": "file",
        "renormalise": False,
        "channels": ["x", "y", "z"],
        "dimension": 512,
        "checkpoint": {"path": "runs/rq", "encoder": "DGCNN", "sha256": HASH},
        "store": {"content_hash": HASH, "skipped": 0},
        "versions": {"randquant": "0.1.0"},
        **more,
    }
    return ShapeResult.from_json(said)


def test_rows_of_the_preset_are_rivals() -> None:
    lines = published_lines([facts()], markdown=True)
    kinds = {line.split("|")[1].strip().split(" (")[0]: line.split("|")[-2].strip() for line in lines if "|" in line}
    assert kinds["runs/rq"] == "ours"
    assert kinds["CrossPoint, DGCNN"] == "published"
    assert kinds["ReCon"] == "other protocol"
    audited = published_lines([facts(protocol="audited")])
    assert not any("CrossPoint" in line for line in audited), "nothing published is of our own protocol"
    assert published_lines([facts("knn")]) == []


def test_the_page_says_what_was_taken_of_each_shape() -> None:
    page = results_page([facts()])
    for part in (
        "DGCNN reading x, y, z",
        "not reproduced: the epoch",
        "the first 1,024 points in the order of the file, at the scale of all stored points",
        "There is no published number for randomized quantization",
    ):
        assert part in page
    assert "## Without repeated shapes" not in page
    assert "## On changed shapes" not in page


def test_repeats_and_changes_have_tables() -> None:
    change = {"kind": "jitter", "severity": 0.02, "unit": "deviation in radii", "accuracy": 0.7}
    left_out = {"accuracy": 0.89, "ci95": None, "left_out": 12, "exact": 3, "test": 2456}
    full = [facts(probe, robustness=[change], without_repeats=left_out) for probe in ("svm", "knn")]
    page = results_page(full)
    assert "| jitter 0.02 deviation in radii | 0.7000 | 0.7000 |" in page
    assert "## Without repeated shapes" in page
    assert "12" in without_repeats_lines(full)[1]
    other = facts("knn", robustness=[{**change, "accuracy": 0.6}])
    assert robustness_lines([full[0], other])[-1].split()[-2:] == ["0.7000", "0.6000"]
    nothing = facts(without_repeats={**left_out, "left_out": 0})
    assert without_repeats_lines([nothing]) == robustness_lines([nothing]) == []
