"""Results as lines for a terminal and as tables of a page; nothing here knows what was probed."""

from collections.abc import Mapping, Sequence
from typing import Any

from randquant.results.text_table import text_table


def result_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first probe of every task, its further probes below it, and what the numbers are means of.

    Args:
        results: one task each, as `randquant.results.record.written_down` gives them.
    """
    others = {result["task"]: [result[name] for name in result["probes"][1:]] for result in results}
    first = results[0]
    seeds = first["seeds"]
    repeated = f"mean of {len(seeds)} repeats ± 95 % t half-width, seeds {seeds[0]} to {seeds[-1]}"
    closing = f"protocol {first['protocol']['name']}, {repeated if len(seeds) > 1 else f'seed {seeds[0]}'}"
    return [*accuracy_lines(results, others), closing]


def accuracy_lines(
    results: Sequence[Mapping[str, Any]], others: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[str]:
    """Accuracies of several tasks for a terminal.

    Args:
        results: one probe's facts a task.
        others: by task, the numbers of its further probes.
    """
    width = max(12, *(len(result["task"]) for result in results))
    lines = [f"{'task':<{width}} accuracy          95 % by items     valid  macro  floor  {_heading(results)}"]
    for result in results:
        low, high = result["ci95_items"]
        lines.append(
            f"{result['task']:<{width}} {with_spread(result):<17} {low:.4f} to {high:.4f}  "
            f"{_valid(result)}  {result['macro_recall']:.3f}  {result['majority_floor']:.3f}  {_chosen(result)}"
        )
        for numbers in others.get(result["task"], ()):
            lines.append(f"{'':<{width}} {with_spread(numbers)} {in_words(numbers)}")
    return lines


def details(results: Sequence[Mapping[str, Any]], *, markdown: bool = False) -> list[str]:
    """One line a task and probe: accuracy, its intervals, and what it should be seen beside."""
    header = ["task", "probe", "accuracy", "95 % by items", "macro recall", "floor", "valid", "test items", "how"]
    rows = [
        [
            result["task"],
            result["probe"],
            with_spread(result),
            "{:.4f} to {:.4f}".format(*result["ci95_items"]),
            f"{result['macro_recall']:.4f}",
            f"{result['majority_floor']:.4f}",
            _valid(result),
            f"{result['counts']['test']:,}",
            in_words(result),
        ]
        for result in results
    ]
    return text_table(header, rows, markdown=markdown)


def with_spread(numbers: Mapping[str, Any]) -> str:
    """Accuracy, with its half-width over repeats where there are several."""
    spread = numbers["ci95"]
    return f"{numbers['accuracy']:.4f}" + ("" if spread is None else f" ± {spread:.4f}")


def in_words(numbers: Mapping[str, Any]) -> str:
    """How a number came about: what the probe chose.

    >>> in_words({"probe": "knn", "neighbours": 5, "temperature": 0.07, "settings": {"probe": "knn"}})
    'by 5 nearest neighbours, temperature 0.07, chosen on validation'
    """
    if "how" in numbers:
        return str(numbers["how"])
    kind = numbers["settings"]["probe"]
    if kind == "knn":
        return (
            f"by {numbers['neighbours']} nearest neighbours, temperature {numbers['temperature']:g}, "
            "chosen on validation"
        )
    if kind == "ridge":
        return f"by ridge regression, penalty {numbers['penalty']:g}"
    if kind == "logistic":
        return f"by logistic regression, C {numbers['strength']:g}"
    if kind in ("svm", "linear_svc"):
        machine = "SVM" if kind == "svm" else "LinearSVC"
        scaled = "" if numbers["settings"]["standardise"] else ", not standardised"
        strengths = sorted(set(numbers["strengths"]))
        chosen = ", chosen on " + numbers["validation"] if len(numbers["settings"]["strengths"]) > 1 else ""
        return f"by {machine}, C {' or '.join(f'{one:g}' for one in strengths)}{chosen}{scaled}"
    if kind == "fewshot":
        return f"from few labels: {numbers['labelled']}"
    layer = "a linear layer" if kind == "linear" else f"a hidden layer of {numbers['settings']['hidden']} units"
    rates = len(numbers["settings"]["learning_rates"])
    chosen = f", the best of {rates} on validation" if rates > 1 else ""
    return f"by {layer}, rate {numbers['learning_rate']:g}{chosen}"


def _heading(results: Sequence[Mapping[str, Any]]) -> str:
    return "rate" if all("learning_rate" in result for result in results) else "how"


def _chosen(result: Mapping[str, Any]) -> str:
    return f"{result['learning_rate']:.0e}" if "learning_rate" in result else in_words(result)


def _valid(result: Mapping[str, Any]) -> str:
    return "    -" if result["valid_accuracy"] is None else f"{result['valid_accuracy']:.3f}"
