"""The examination of a dataset's folder: items found, compared with the published numbers.

A folder is *whole* where every published recording is there and can be read. It is *partial* where some are not, which
is allowed and counted. It is *unusable* where nothing can be read or learnt: no readable recording at all, none in
train, fewer than two folds, or one name for two recordings. The same holds of shapes; of those it is also said what is
odd about them and which are there twice. What keeps a dataset from being planned in the first place,
such as a folder too high or too deep or a missing list, is the `DataError` of its plan.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from randquant.cli.counted import counted
from randquant.data.store import SPLITS
from randquant.data_prep.dataset import UNUSED, Dataset
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.examine.oddities import ODDITIES, Findings
from randquant.data_prep.examine.tables import by_label
from randquant.data_prep.notes import THINGS
from randquant.files.file_names import utf8_name

State = Literal["whole", "partial", "more", "unusable"]


@dataclass(frozen=True)
class Examination:
    """The result of examining a dataset.

    Attributes:
        dataset: what should be there.
        plan: what is there by its lists and folders.
        absent: names of planned recordings that have no file, and of those the plan itself misses, as far as it
            names them.
        unreadable: reason by name, for recordings that have a file.
        decoded: whether every recording was read to its end, and not its header alone.
        findings: by name, of shapes that can be read and of pictures that were decoded; empty for recordings.
    """

    dataset: Dataset
    plan: Plan
    absent: Sequence[str]
    unreadable: Mapping[str, str]
    decoded: bool
    findings: Mapping[str, Findings] = field(default_factory=dict)

    @property
    def things(self) -> str:
        """What the items are called: recordings, shapes or pictures."""
        return THINGS[self.plan.reader.kind]

    @cached_property
    def oddities(self) -> dict[str, list[str]]:
        """Names of the shapes or pictures with each of `ODDITIES` that occurs."""
        found = {kind: [name for name, seen in self.findings.items() if kind in seen.oddities] for kind in ODDITIES}
        return {kind: names for kind, names in found.items() if names}

    @cached_property
    def copies(self) -> list[tuple[str, str]]:
        """Pairs of names of equal shapes or pictures: each duplicate with the first one; train comes first."""
        items = sorted(self.readable, key=lambda item: _order(item.split or "none"))
        firsts: dict[str, str] = {}
        pairs = []
        for name in (utf8_name(item.name) for item in items):
            if name in self.findings:
                first = firsts.setdefault(self.findings[name].content, name)
                pairs += [(name, first)] if first != name else []
        return pairs

    @cached_property
    def leaked(self) -> list[tuple[str, str]]:
        """Those of `copies` across splits: shapes or pictures of test that are also in train."""
        splits = {utf8_name(item.name): item.split for item in self.readable}
        return [(name, first) for name, first in self.copies if splits[name] != splits[first]]

    @cached_property
    def readable(self) -> list[Item]:
        """The items that a store would hold."""
        lost = {*self.absent, *self.unreadable}
        return [item for item in self.plan.items if utf8_name(item.name) not in lost]

    @cached_property
    def found(self) -> dict[str, int]:
        """Readable items by split, in order, including splits with none."""
        nowhere = UNUSED if UNUSED in self.published else "none"
        counts = Counter(item.split or nowhere for item in self.readable)
        planned = {item.split or nowhere for item in self.plan.items}
        return {split: counts[split] for split in sorted(planned, key=_order)}

    @property
    def published(self) -> Mapping[str, int]:
        """Published number of items, by split or in all."""
        return self.plan.source.get("published", self.dataset.items)

    @cached_property
    def labels(self) -> dict[str, Counter[str]]:
        """Readable items by label and split; empty where the dataset has no labels."""
        return by_label((item.label for item in self.readable), (item.split for item in self.readable))

    @property
    def missing(self) -> int:
        """The number of recordings without a file; a plan may count more than it names."""
        return max(len(self.absent), int(self.plan.source.get("missing") or 0))

    @cached_property
    def repeated(self) -> list[str]:
        """Names that stand for more than one item."""
        return [name for name, count in Counter(item.name for item in self.plan.items).items() if count > 1]

    @property
    def empty(self) -> list[str]:
        """Splits with nothing readable, among those planned and those published."""
        expected = {*self.found, *(split for split in self.published if split in SPLITS)}
        return [split for split in sorted(expected, key=_order) if not self.found.get(split)]

    @property
    def unlearnt(self) -> list[str]:
        """Labels that occur, but not in train."""
        if "train" not in self.found:
            return []
        return [label for label, splits in self.labels.items() if not splits["train"]]

    @cached_property
    def problem(self) -> str | None:
        """Why the dataset is unusable, in one sentence."""
        folds = [split for split in self.found if split.startswith("fold")]
        if self.repeated:
            return (
                f"{len(self.repeated):,} names stand for two {self.things} (the first: {self.repeated[0]}); rename one."
            )
        if not self.readable:
            return f"none of its {len(self.plan.items):,} {self.things} can be read; get them again."
        if folds and sum(self.found[fold] > 0 for fold in folds) < 2:
            return f"fewer than two folds have readable {self.things}, so none can be tested; get the others."
        if not folds and any(self.found.get(split) for split in SPLITS) and not self.found.get("train"):
            return f"no {self.things[:-1]} of train is there and readable, so nothing can be learnt; get that part."
        return None

    @property
    def state(self) -> State:
        """The verdict."""
        total, published = len(self.readable), sum(self.published.values())
        if self.problem:
            return "unusable"
        # Lists may name more than anybody has: AudioSet's do, and the copy whose number is published lacks those too.
        missing = self.missing and (not published or total != published)
        if missing or self.unreadable or total < published or self._short() or self._lacking_classes():
            return "partial"
        return "more" if published and total > published else "whole"

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        total, published, things = len(self.readable), sum(self.published.values()), self.things
        if self.state == "unusable":
            return f"unusable: {self.problem}"
        if self.state == "more":
            found = counted(total, things)
            return f"more: {found} where {published:,} are published; look for copies or another release"
        if self.state == "whole":
            means = "opened; --decode reads them to the end"
            if self.decoded:
                means = "read to the end" if things == "shapes" else "decoded to the end"
            known = "as published" if published else "all there are in its lists and folders"
            return f"whole: {counted(total, things)}, {known}, each {means}"
        expected = published or total + self.missing + len(self.unreadable)
        lost = [f"{self.missing:,} missing"] * bool(self.missing)
        lost += [f"{len(self.unreadable):,} unreadable"] * bool(self.unreadable)
        if self._lacking_classes():
            lost.append(f"{len(self.labels)} of {self.plan.source['classes_published']} classes")
        return f"partial: {total:,} of {expected:,} {things} can be used" + f" ({', '.join(lost)})" * bool(lost)

    def _short(self) -> bool:
        """Whether a split has fewer items than published, even if another has more."""
        return any(self.found[split] < count for split, count in self.published.items() if split in self.found)

    def _lacking_classes(self) -> bool:
        """Whether only the number of classes shows that something is missing."""
        return not self.published and len(self.labels) < (self.plan.source.get("classes_published") or 0)

    def record(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        copies = [{"path": name, "of": first} for name, first in self.copies]
        shapes = {"oddities": self.oddities, "copies": copies, "leaked": len(self.leaked)}
        return {
            "dataset": self.dataset.name,
            "root": str(self.plan.root),
            "state": self.state,
            "verdict": self.sentence,
            "licence": self.dataset.licence,
            "source": self.dataset.source,
            "decoded": self.decoded,
            "found": self.found,
            "published": dict(self.published),
            "classes": {"found": len(self.labels), "published": self.dataset.classes},
            "labels": {utf8_name(label): dict(splits) for label, splits in self.labels.items()},
            "missing": self.missing,
            "missing_files": list(self.absent),
            "unreadable": [{"path": path, "reason": reason} for path, reason in self.unreadable.items()],
            "repeated": [utf8_name(name) for name in self.repeated],
            **(shapes if self.findings or self.things == "shapes" else {}),
            "plan": dict(self.plan.source),
        }


def _order(split: str) -> tuple[int, int, str]:
    """train, valid, test, then the folds by number, then the rest."""
    if split in SPLITS:
        return 0, SPLITS.index(split), split
    number = split.removeprefix("fold")
    return (1, int(number), split) if number.isdecimal() else (2, 0, split)
