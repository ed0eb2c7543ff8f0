"""What an encoder holds to be alike: items of the test and their nearest others."""

from collections.abc import Sequence

import numpy as np

from randquant.data.store import is_fold
from randquant.report.comparison import ReportedTask
from randquant.report.examples import Examples
from randquant.report.markup import Html, element, heading, joined, note
from randquant.report.media.card import card
from randquant.report.media.purse import Purse
from randquant.report.section import Section

QUERIES, NEIGHBOURS = 6, 5


def neighbours(shown: Sequence[tuple[ReportedTask, Examples]], purse: Purse, *, seed: int) -> Section | None:
    """The section; None where no features are kept."""
    known = [(task, examples) for task, examples in shown if examples.features is not None]
    if not known:
        return None
    told = note(
        "In each row, a random item of the test, of another class each time, and the five other items of the data that "
        "are nearest to it by cosine. A tick says that the label is the same."
    )
    return Section("neighbours", "Nearest neighbours", joined([told, *(_task(*each, purse, seed) for each in known)]))


def queries(examples: Examples, seed: int) -> list[int]:
    """Random rows of the test, of different classes as long as there are some."""
    tested = [row for row, split in enumerate(examples.splits) if split == "test" or is_fold(split)]
    order = np.random.default_rng(seed).permutation(tested).tolist()
    seen: dict[str | None, int] = {}
    turn = {}
    for row in order:
        label = examples.labels[row]
        turn[row] = seen[label] = seen.get(label, -1) + 1
    return sorted(order, key=lambda row: turn[row])[:QUERIES]


def _task(task: ReportedTask, examples: Examples, purse: Purse, seed: int) -> Html:
    names = {row: name for name, row in examples.rows.items()}
    asked = queries(examples, seed)
    near = examples.nearest(asked, NEIGHBOURS, trained=False)
    rows = []
    for query, found in zip(asked, near, strict=True):
        label = str(examples.labels[query])
        cards = [
            card(
                names[query],
                label,
                purse.take(examples.excerpt(names[query])),
                element("bdi", label),
                class_="card query",
            )
        ]
        for row, cosine in found:
            other = str(examples.labels[row])
            same = task.of_numbers or other == label
            mark = element("span", "\N{CHECK MARK} " if same else "\N{MULTIPLICATION X} ", aria_hidden="true")
            said = element("span", mark, element("bdi", other), class_="right" if same else "wrong")
            excerpt = purse.take(examples.excerpt(names[row]))
            near_it = element("span", f"cosine {cosine:.3f}", class_="soft")
            cards.append(card(names[row], other, excerpt, said, near_it))
        rows.append(element("div", *cards, class_="cards row"))
    return joined([heading(task.name, examples.by), *rows])
