"""Results of earlier versions and of unknown probes; several probes in one file."""

from typing import Any

import pytest

from randquant.results.page import details, result_table
from randquant.results.record import Result, from_file, to_file


def facts(probe: str, **more: Any) -> dict[str, Any]:
    """What an earlier version wrote, which did not say how."""
    return {"task": "t", "probe": probe, "accuracy": 0.5, "seeds": [1], "validation": "the valid split", **more}


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (
            facts("knn", neighbours=5, temperature=0.07, sweep=[], settings={"probe": "knn"}),
            "by 5 nearest neighbours, temperature 0.07, chosen on validation",
        ),
        (
            facts("fraction-100%", penalty=0.1, sweep=[], settings={"probe": "ridge"}),
            "by ridge regression, penalty 0.1",
        ),
        (
            facts("svm", strengths=[0.1, 1.0], sweep=[{}], settings={"probe": "svm", "standardise": False}),
            "by SVM, C 0.1 or 1, chosen on the valid split, not standardised",
        ),
        (
            facts(
                "mlp",
                learning_rate=0.01,
                by_learning_rate=[{}, {}],
                epochs=[3],
                settings={"probe": "mlp", "hidden": 512},
            ),
            "by a hidden layer of 512 units, rate 0.01, the best of 2 on validation",
        ),
        (
            facts(
                "fewshot-5", labelled="5 a class", labelled_items=20.0, penalties=[1.0], settings={"probe": "fewshot"}
            ),
            "from few labels: 5 a class",
        ),
        (facts("finetune", how="fine-tuned", settings={"probe": "finetune"}), "fine-tuned"),
    ],
)
def test_a_result_of_before_is_put_into_words(said: dict[str, Any], how: str) -> None:
    result = Result.from_json(said)
    assert result.how == how
    assert {name: value for name, value in result.to_json().items() if name in said} == said


def test_an_unknown_probe_is_shown() -> None:
    for settings in ({"settings": {"probe": "forest", "trees": 9}}, {"settings": None}, {}):
        result = Result.from_json(facts("forest", **settings))
        assert result.how == ""
        assert "forest" in "\n".join(details([result]))
        assert "0.5000" in "\n".join(result_table([[result]]))


def test_several_probes_and_tasks_in_one_file() -> None:
    first = Result.from_json(facts("linear", probes=["linear", "knn"], learning_rate=0.1, dimension=3))
    second = Result.from_json(facts("knn", probes=["linear", "knn"], neighbours=5, dimension=3))
    other = Result.from_json({**facts("linear"), "task": "u"})
    written: Any = to_file([[first, second], [other]])
    nested = written["results"][0]["knn"]
    assert nested["neighbours"] == 5
    assert "dimension" not in nested, "what is the same for all is said once"
    read = from_file(written)
    assert [(result.task, result.probe) for result in read] == [("t", "linear"), ("t", "knn"), ("u", "linear")]
    assert (read[1].more["neighbours"], read[1].dimension) == (5, 3)
    with pytest.raises(ValueError, match="knn is absent"):
        from_file(facts("linear", probes=["linear", "knn"]))
