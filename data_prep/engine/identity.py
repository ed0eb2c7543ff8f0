"""Whether the store at --out was made from the same files and settings, and what differs if not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from randquant.data.store import Store, StoreWriter
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.sources import Comparison, SourceFile, compare_files, read_sources
from randquant.errors import DataError
from randquant.files.atomic import read_json

_REMEDY = "choose a new --out, or delete that folder"


def about(plan: Plan) -> dict[str, Any]:
    """What an unfinished store records about its plan."""
    return {
        "root": str(plan.root.resolve()),
        "items": len(plan.items),
        "settings": {"kind": plan.reader.kind, **plan.reader.settings},
        "dataset": plan.source.get("dataset"),
    }


def require_same_plan(plan: Plan, writer: StoreWriter) -> None:
    """Refuse a store made with other items or settings, and name the difference.

    Raises:
        DataError: what lies there was made by another plan.
    """
    name, state = ("store.json", "a complete") if Store.exists(writer.path) else ("plan.json", "an unfinished")
    if not (writer.path / name).is_file():
        return
    record = read_json(writer.path / name)
    if record.get("plan") == writer.plan:
        return
    differences = list(_of_settings(plan, record))
    differences += _of_items(plan, writer.path) if state == "a complete" else _of_count(plan, record)
    what = "; ".join(differences) or "other labels, splits or sizes"
    raise DataError(f"{writer.path} holds {state} store of other files or settings ({what}); {_REMEDY}.")


def require_same_files(plan: Plan, writer: StoreWriter, shards: int, *, complete: bool) -> str | None:
    """Refuse a store whose source files have changed, or that was made from other files of the same names and sizes.

    Returns:
        a sentence to tell, where the files are another copy or nothing is known of them.

    Raises:
        DataError: naming one of them.
    """
    if complete:
        known = read_sources(writer.path)
        if known is None:
            return _before_sources_were_kept(plan, writer.path)
    else:
        record = read_json(writer.path / "plan.json").get("about") or {}
        written = (writer.described(number) for number in range(shards) if writer.is_written(number))
        known = str(record.get("root")), [SourceFile(*entry) for shard in written for entry in shard["sources"]]
    found = compare_files(known[1], known[0], plan.root)
    if found.changed:
        raise DataError(_changed(writer.path, plan.root, known[0], found, complete=complete))
    if not (found.moved or found.others) or not known[1]:
        return None
    compared = f"samples of the contents of {found.compared:,} of {len(known[1]):,} were compared and are equal"
    if found.moved:
        return f"{writer.path} was made of the same files below {known[0]}: {compared}."
    return f"{writer.path}: {found.others:,} files have other times than when they were read; {compared}."


def _changed(out: Path, root: Path, then: str, found: Comparison, *, complete: bool) -> str:
    one, what = len(found.changed) == 1, "was prepared" if complete else "was begun"
    place = f"{then}, and below {root} now" if found.moved else f"{root}, where now"
    return (
        f"{out} {what} from {place} {len(found.changed):,} of the {found.compared:,} files that were compared "
        f"{'has' if one else 'have'} other content ({'' if one else 'the first: '}{found.changed[0]}); {_REMEDY}."
    )


def _before_sources_were_kept(plan: Plan, out: Path) -> str:
    then = (read_json(out / "store.json").get("source") or {}).get("root")
    if then is not None and Path(then).resolve() != plan.root.resolve():
        raise DataError(
            f"{out} was prepared from {then} by an earlier version that kept no record of the files' contents, so "
            f"nobody can tell whether {plan.root} holds the same; {_REMEDY}, or give the old --root."
        )
    return (
        f"{out} was prepared by an earlier version that kept no record of the files' contents; if they have changed "
        "since, delete it and prepare it again."
    )


def _of_settings(plan: Plan, record: Mapping[str, Any]) -> Iterator[str]:
    told = record.get("about") or {}
    old: Mapping[str, Any] = told.get("settings") or record
    dataset = told.get("dataset") or (record.get("source") or {}).get("dataset")
    if dataset is not None and dataset != plan.source.get("dataset"):
        yield f"its dataset is {dataset}, not {plan.source.get('dataset')}"
    for name, value in {"kind": plan.reader.kind, **plan.reader.settings}.items():
        if old.get(name) != (list(value) if isinstance(value, tuple) else value):  # as JSON gives it back
            yield f"its {name} is {_said(name, old.get(name))}, not {_said(name, value)}"


def _said(name: str, value: object) -> object:
    return "any" if name == "points" and value is None else value  # None keeps all points of a cloud


def _of_count(plan: Plan, record: Mapping[str, Any]) -> Iterator[str]:
    told = record.get("about") or {}
    if not told:
        yield "it was begun by an earlier version"
    elif told.get("items") != len(plan.items):
        yield f"it has {told.get('items')} items, not {len(plan.items)}"


def _of_items(plan: Plan, out: Path) -> Iterator[str]:
    store = Store.open(out)
    columns = zip(*(store.column(name) for name in ("path", "label", "group", "split")), strict=True)
    old = {path: tuple(rest) for path, *rest in columns}
    skipped = {entry["path"] for entry in store.info.get("skipped", ())}
    new = {item.name: (item.label, item.group, item.split) for item in plan.items}
    known = read_sources(out)
    sizes = {} if known is None else {entry.path: entry.size for entry in known[1]}
    whole = [item for item in plan.items if item.window is None]  # a window's size is its share of the file
    for what, names in (
        ("not among them", [name for name in new if name not in old and name not in skipped]),
        ("gone", [name for name in [*old, *skipped] if name not in new]),
        ("with another label, group or split", [name for name in new if name in old and old[name] != new[name]]),
        ("of another size", [item.name for item in whole if sizes.get(item.path, item.size) != item.size]),
    ):
        if names:
            yield f"{len(names):,} files are {what}, as {names[0]}"
