"""The page: what is ours, what may be compared with it, and what must be known beside it."""

from typing import Any

from randquant.audio.evaluation.published_rows import SIX_TASKS
from randquant.audio.evaluation.result import AudioResult
from randquant.results import page

HASH = "0123456789abcdef" * 4


def facts(task: str, probe: str = "linear", *, protocol: str = "byola-v1", **more: Any) -> dict[str, Any]:
    """What `probe_audio` would say of one probe."""
    return {
        "task": task,
        "probe": probe,
        "accuracy": 0.75,
        "ci95": 0.004,
        "ci95_items": [0.73, 0.77],
        "macro_recall": 0.7,
        "majority_floor": 0.1,
        "valid_accuracy": 0.76,
        "learning_rate": 1e-3,
        "counts": {"train": 80, "valid": 10, "test": 1000},
        "settings": {"probe": "linear", "learning_rates": [1e-3]},
        "repeats": 10,
        "seeds": list(range(42, 52)),
        "protocol": {"name": protocol, "pad": "both", "test_crop": "random", "source": "a paper", "departures": []},
        "data": {
            "published": None,
            "in_store": {"train": 80, "valid": 10, "test": 1000, "unused": 0},
            "split_source": "official lists",
            "complete": True,
            "differs": None,
        },
        "unit_seconds": 1.0,
        "unit_source": "published for this dataset",
        "statistics": {"source": "80 random crops of the task's training items"},
        "layer": "output",
        "dimension": 2048,
        "front_end": {"mel": "slaney"},
        "checkpoint": {"path": "runs/rq", "encoder": "AudioNTT2020", "sha256": HASH},
        "store": {"content_hash": HASH, "skipped": 0},
        "versions": {"randquant": "0.1.0"},
        **more,
    }


def published_lines(results: list[dict[str, Any]], *, markdown: bool = False) -> list[str]:
    return page.published_lines([AudioResult.from_json(each) for each in results], markdown=markdown)


def results_page(results: list[dict[str, Any]]) -> str:
    return page.results_page([AudioResult.from_json(each) for each in results])


def row_of(lines: list[str], name: str) -> list[str]:
    line = next(line for line in lines if line.startswith(f"| {name}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_our_row_stands_first_and_rivals_before_context() -> None:
    lines = published_lines([facts("spcv2")], markdown=True)
    kinds = [line.rstrip("| ").split("|")[-1].strip() for line in lines if line.startswith("| ")][2:]
    assert kinds[:4] == ["ours", "published", "published", "published"]
    assert set(kinds[4:]) == {"other protocol"}
    assert row_of(lines, "runs/rq")[:7] == ["runs/rq", "-", "-", "-", "-", "-", "75.0 ± 0.4"]
    under_evar = published_lines([facts("spcv2", protocol="evar")], markdown=True)
    assert row_of(under_evar, "RQ")[-1] == "other protocol"
    assert row_of(under_evar, "M2D ")[-1] == "published"


def test_our_average_needs_all_six() -> None:
    six = [facts(task, ci95=None) for task in SIX_TASKS]
    assert row_of(published_lines(six, markdown=True), "runs/rq")[7] == "75.0"
    assert row_of(published_lines(six[:5], markdown=True), "runs/rq")[7] == "-"


def test_the_terminal_leaves_out_other_protocols() -> None:
    lines = published_lines([facts("nsynth")])
    assert any("RQ: RRC + RQ" in line for line in lines)
    assert not any("M2D" in line for line in lines)
    assert published_lines([facts("mine")]) == []
    assert published_lines([facts("nsynth", "knn")]) == []


def test_partial_data_and_departures_are_marked() -> None:
    partial = facts("us8k")
    partial["data"] = {**partial["data"], "complete": False, "differs": "all 200 of 8,732"}
    partial["protocol"]["departures"] = ["3 repeats instead of 10"]
    lines = published_lines([partial, facts("nsynth")], markdown=True)
    assert "75.0 ± 0.4†‡" in row_of(lines, "runs/rq")
    assert "75.0 ± 0.4" in row_of(lines, "runs/rq")
    six = [partial, *(facts(task) for task in SIX_TASKS if task != "us8k")]
    assert row_of(published_lines(six, markdown=True), "runs/rq")[7] == "75.0†‡"
    assert any("† not the published number of items: US8K (all 200 of 8,732)" in line for line in lines)
    assert any("‡ departs from the preset: 3 repeats instead of 10 (US8K)" in line for line in lines)


def test_incomparable_columns_are_said_to_be() -> None:
    text = results_page([facts("spcv2-12")])
    assert "SPCV2/12 cannot be compared across papers" in text
    assert "VF has two public splits" in text


def test_provenance_is_on_the_page() -> None:
    text = results_page([facts("spcv2"), facts("spcv2", "knn"), facts("mine", layer="output")])
    for part in (HASH, "official lists", "train 80, valid 10, test 1,000", "the published numbers", "mel slaney"):
        assert part in text
    assert "- probes: linear (10 repeats, seeds 42 to 51), knn (10 repeats, seeds 42 to 51)" in text
    assert text.index("### spcv2") < text.index("### mine")


def test_a_probe_on_another_store_has_its_own_lines() -> None:
    other = facts("spcv2", "ridge", store={"content_hash": "f" * 64, "skipped": 2})
    assert results_page([facts("spcv2"), other]).count("### spcv2") == 2
