"""What test items score under each change, beside clean ones."""

from collections.abc import Sequence

from randquant.results.record import Result
from randquant.results.text_table import text_table


def robustness_lines(results: Sequence[Result], *, markdown: bool = False) -> list[str]:
    """Accuracies on changed test items, a row a change and a column a probe; empty where none were asked."""
    lines: list[str] = []
    for task in dict.fromkeys(result.task for result in results if result.robustness):
        asked = [(each, each.robustness) for each in results if each.task == task and each.robustness]
        header = [f"{task}, test {asked[0][0].things}", *(result.probe for result, _ in asked)]
        rows = [["clean", *(f"{result.accuracy:.4f}" for result, _ in asked)]]
        for place, change in enumerate(asked[0][1]):
            name = f"{change.kind} {change.severity:g} {change.unit}"
            rows.append([name, *(f"{scores[place].accuracy:.4f}" for _, scores in asked)])
        lines += [*([""] if lines else []), *text_table(header, rows, markdown=markdown)]
    return lines
