"""An examination as lines of text, and as a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from randquant.data_prep.examine.examination import Examination
from randquant.data_prep.examine.oddities import ODDITIES
from randquant.data_prep.examine.tables import label_table
from randquant.data_prep.notes import plan_notes
from randquant.files.atomic import write_json, write_text
from randquant.results.text_table import text_table

_SHOWN = 10  # of each kind of lost file
_LABELS = 40


def report(examination: Examination) -> list[str]:
    """The findings as lines, without the verdict."""
    source = examination.plan.source
    lines = [f"  splits   {source['split_source']}"] if "split_source" in source else []
    lines += _split_table(examination)
    lines += label_table(
        examination.labels, list(examination.found), most=_LABELS, hint="; --out FILE.json has them all"
    )
    lines += _notes(examination)
    if examination.missing:
        lines += [f"missing: {examination.missing:,}", *first(examination.absent, examination.missing)]
    if examination.unreadable:
        reasons = [reason for _, reason in sorted(examination.unreadable.items())]
        lines += [f"unreadable: {len(reasons):,}", *first(reasons)]
    return lines + list(_odd(examination))


def first(lines: Sequence[str], total: int | None = None, hint: str = "; --out FILE lists them all") -> list[str]:
    """The first of `lines`, and the number of the `total` that are omitted."""
    total = len(lines) if total is None else total
    shown = [f"  {line}" for line in lines[:_SHOWN]]
    left = total - len(shown)
    return [*shown, f"  … and {left:,} more{hint if total == len(lines) else ''}"] if left else shown


def write_report(examination: Examination, out: Path) -> None:
    """Write everything as JSON to a `.json` file, otherwise missing, irregular and duplicate items, one per line."""
    if out.suffix == ".json":
        write_json(out, examination.record())
        return
    lines = [f"missing {name}\n" for name in examination.absent]
    lines += [f"unreadable {name}: {reason}\n" for name, reason in examination.unreadable.items()]
    lines += [f"{kind} {name}\n" for kind, names in examination.oddities.items() for name in names]
    lines += [f"twice {name}: {other}\n" for name, other in examination.copies]
    write_text(out, "".join(lines))


def _split_table(examination: Examination) -> list[str]:
    found, published = examination.found, examination.published
    rows = [(split, f"{count:,}", _number(published.get(split))) for split, count in found.items()]
    rows += [
        (split, "0", f"{published[split]:,}")
        for split in ("train", "valid", "test")
        if split in published.keys() - found
    ]
    rows.append(("all", f"{sum(found.values()):,}", _number(sum(published.values()) or None)))
    if examination.labels:
        rows.append(("classes", f"{len(examination.labels):,}", _number(examination.dataset.classes)))
    return [f"  {line}" for line in text_table(["", "readable", "published"], rows)]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _notes(examination: Examination) -> Iterator[str]:
    # What is missing has lines of its own.
    yield from plan_notes({**examination.plan.source, "missing": 0})
    if examination.empty:
        yield f"nothing readable in: {', '.join(examination.empty)}"
    if examination.unlearnt:
        yield f"labels that never occur in train, so cannot be learnt: {', '.join(examination.unlearnt[:_SHOWN])}"
    archives = [
        path.name
        for archive in examination.dataset.archives
        for path in sorted(examination.plan.root.glob(archive.pattern))
    ]
    if archives and examination.state == "partial":
        yield f"archives next to the tree, perhaps not unpacked: {', '.join(archives[:_SHOWN])}"


def _odd(examination: Examination) -> Iterator[str]:
    """Irregular and duplicate shapes and pictures."""
    yield from (f"{kind}: {len(names):,} ({ODDITIES[kind]})" for kind, names in examination.oddities.items())
    copies, leaked = examination.copies, examination.leaked
    if copies:
        yield f"there twice: {len(copies):,}, {len(leaked):,} of them across splits"
        yield from first([f"{name} = {other}" for name, other in leaked or copies])
    if examination.things == "shapes" and len(examination.found) > 1:
        yield (
            "equal shapes alone are found here; python -m scripts.doctor repeats --store STORE finds those that are "
            "nearly so, once they are prepared"
        )
