"""Where the numbers come from: weights, trainings, protocols, stores, versions."""

from collections.abc import Mapping, Sequence

from randquant.files.json_record import Json
from randquant.report.encoders import OF_A_REPEAT, ReportedEncoder
from randquant.report.inputs import Probed, Run
from randquant.report.markup import Html, element, joined, table
from randquant.report.section import Section
from randquant.results.page import provenance_lines

_FEW = 60  # characters of a setting


def provenance(encoders: Sequence[ReportedEncoder], runs: Sequence[Run]) -> Section:
    """The section.

    Args:
        encoders: of the report.
        runs: trainings of which there are no results.
    """
    trained = {each.name: probed.run for each in encoders for probed in each.trainings[:1] if probed.run}
    trained |= {run.path.name if run.path.name not in trained else str(run.path): run for run in runs}
    parts = [*_differing(trained), *map(_encoder, encoders), *(_settings(name, run) for name, run in trained.items())]
    return Section("provenance", "Where the numbers come from", joined(parts))


def _differing(trained: Mapping[str, Run]) -> list[Html]:
    """In which settings trainings of one kind differ: those that have the same ones."""
    kinds: dict[frozenset[str], dict[str, Run]] = {}
    for name, run in trained.items():
        kinds.setdefault(frozenset(run.settings), {})[name] = run
    return [shown for alike in kinds.values() if (shown := _table(alike)) is not None]


def _table(alike: Mapping[str, Run]) -> Html | None:
    settings = [run.settings for run in alike.values()]
    differing = [
        name for name in settings[0] if name not in OF_A_REPEAT and len({_short(held[name]) for held in settings}) > 1
    ]
    if not differing:
        return None
    rows = [[name, *(_short(held[name]) for held in settings)] for name in differing]
    return table(["setting", *alike], rows, caption="In what the trainings differ", class_="settings")


def _encoder(encoder: ReportedEncoder) -> Html:
    title = element("summary", element("bdi", encoder.name), element("span", f"  {_told(encoder)}", class_="soft"))
    return element("details", title, *map(_training, encoder.trainings))


def _told(encoder: ReportedEncoder) -> str:
    first = encoder.trainings[0].results[0]
    seeds = f"{encoder.seeds} trainings, " if encoder.seeds > 1 else ""
    return f"{seeds}{first.checkpoint.encoder or 'encoder'}, {first.dimension} numbers"


def _training(probed: Probed) -> Html:
    first = probed.results[0]
    known = {
        "results": probed.path,
        "checkpoint": first.checkpoint.path,
        "weights (SHA-256)": first.checkpoint.sha256,
        "loaded": first.checkpoint.report,
        **{f"training: {name}": str(value) for name, value in first.checkpoint.metadata.items()},
    }
    facts = element("dl", *(part for name, value in known.items() if value for part in _fact(name, value)))
    store = {each.task: each.store.path for each in probed.results}
    where = element("ul", *(element("li", f"{task}: store at {path}") for task, path in store.items() if path))
    return joined([facts, where, *_lines(provenance_lines(probed.results))])


def _fact(name: str, value: str) -> list[Html]:
    return [element("dt", name), element("dd", element("bdi", value))]


def _lines(lines: Sequence[str]) -> list[Html]:
    """Headings and points as `table.md` has them."""
    found: list[Html] = []
    for line in lines:
        if line.startswith("### "):
            found.append(element("h3", element("bdi", line.removeprefix("### "))))
        elif line.strip():
            found.append(element("p", line.removeprefix("- ").replace("`", ""), class_="fact"))
    return found


def _settings(name: str, run: Run) -> Html:
    rows = [[setting, _short(value)] for setting, value in run.settings.items()]
    title = element("summary", "Settings of ", element("bdi", name))
    return element("details", title, table(["setting", "value"], rows, class_="settings"))


def _short(value: Json) -> str:
    shown = " ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)
    return shown if len(shown) <= _FEW else f"{shown[:_FEW]}…"
