"""Mistakes, the surest first: what was answered wrong most firmly is what teaches most."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from randquant.cli.counted import counted
from randquant.report.comparison import Candidate, ReportedTask
from randquant.report.examples import NEAREST, Examples
from randquant.report.markup import Html, element, heading, joined, note
from randquant.report.media.card import card
from randquant.report.media.purse import Purse
from randquant.report.section import Section
from randquant.results.predictions import Answers

SHOWN = 12
_ALL_WRONG = ("the other is wrong too", "the others are wrong too")
_ALIKE = 2  # of one pair of label and answer, before the others had their turn


@dataclass(frozen=True)
class Mistake:
    """An item that most repeats answer wrong.

    Attributes:
        place: of the item among the answers.
        answer: the most frequent wrong one.
        repeats: share of repeats that give it.
        support: share of the vote of the nearest training items for it; None where it is not known.
    """

    place: int
    answer: str
    repeats: float
    support: float | None

    @property
    def sureness(self) -> float:
        """What mistakes are sorted by."""
        return self.repeats * (1.0 if self.support is None else self.support)


def mistakes(shown: Sequence[tuple[ReportedTask, Examples]], purse: Purse) -> Section | None:
    """The section; None where no answers are known."""
    classed = [(task, examples) for task, examples in shown if not task.of_numbers]
    if not classed:
        return None
    return Section("mistakes", "Mistakes, the surest first", joined([_task(*each, purse) for each in classed]))


def found_mistakes(examples: Examples) -> list[Mistake]:
    """The items that most repeats answer wrong, the surest first."""
    answers = examples.candidate.answers
    if answers is None:
        return []
    repeats = len(answers.seeds)
    wrong = np.flatnonzero(answers.right.mean(axis=0) < 0.5)
    given = [Counter(map(str, answers.predicted[:, place])) for place in wrong]
    for place, counter in zip(wrong, given, strict=True):
        counter.pop(answers.labels[place], None)
    chosen = [counter.most_common(1)[0] for counter in given]
    support = examples.support([answers.ids[place] for place in wrong], [answer for answer, _ in chosen])
    found = [
        Mistake(int(place), answer, count / repeats, share)
        for place, (answer, count), share in zip(wrong, chosen, support, strict=True)
    ]
    return sorted(found, key=lambda each: (-each.sureness, each.place))


def varied(found: Sequence[Mistake], labels: Sequence[str]) -> list[Mistake]:
    """The first mistakes, of which no pair of label and answer has more than two while there are others."""
    seen = Counter[tuple[str, str]]()
    first: list[Mistake] = []
    later: list[Mistake] = []
    for each in found:
        pair = (labels[each.place], each.answer)
        seen[pair] += 1
        (first if seen[pair] <= _ALIKE else later).append(each)
    return sorted([*first, *later][:SHOWN], key=lambda each: (-each.sureness, each.place))


def _task(task: ReportedTask, examples: Examples, purse: Purse) -> Html:
    answers, best = examples.candidate.answers, examples.candidate.encoder.name
    found = found_mistakes(examples)
    if answers is None or not found:
        return joined([heading(task.name), note(f"{best} makes none here.")])
    others = [each for each in task.answered() if each is not examples.candidate]
    cards = [_card(each, answers, examples, others, purse) for each in varied(found, answers.labels)]
    sure = (
        "Sureness is the share of repeats that give the wrong answer, times its share of the vote of the "
        f"{NEAREST} nearest training items."
        if examples.features is not None
        else "Sureness is the share of repeats that give the wrong answer."
    )
    told = (
        f"{best} is wrong about {len(found):,} of {counted(len(answers.ids), f'test {task.modality.things}')}; "
        f"these are {len(cards)} of them. {sure}"
    )
    shown = element("div", *cards, class_="cards")
    return joined([heading(task.name), note(told), shown])


def _card(each: Mistake, answers: Answers, examples: Examples, others: Sequence[Candidate], purse: Purse) -> Html:
    name, label = answers.ids[each.place], answers.labels[each.place]
    said = joined([element("bdi", each.answer, class_="wrong"), " for ", element("bdi", label, class_="right")])
    right = [other.encoder.name for other in others if _is_right(other, name)]
    known = f"right: {', '.join(right)}" if right else _ALL_WRONG[len(others) > 1] if others else ""
    sureness = element("span", f"sureness {100 * each.sureness:.0f} %", class_="soft")
    excerpt, told = purse.take(examples.excerpt(name)), element("span", known, class_="soft") if known else None
    return card(name, label, excerpt, said, sureness, told)


def _is_right(other: Candidate, name: str) -> bool:
    if other.answers is None or name not in other.answers.ids:
        return False
    return float(other.answers.right[:, other.answers.ids.index(name)].mean()) > 0.5
