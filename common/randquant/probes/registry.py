"""The probes by name. A new probe is one line in `PROBES`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.files.json_record import Json
from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.data.features import Items
    from randquant.probes.items.arrangement import Device, TaskFeatures
    from randquant.probes.outcome import Outcome
    from randquant.probes.probe import Probe

# A name stands for one probe, or for several with names of their own.
PROBES: LateRegistry["Probe[Any] | Mapping[str, Probe[Any]]"] = LateRegistry(
    "randquant.probes",
    {
        "linear": "linear:LINEAR",
        "mlp": "linear:MLP",
        "knn": "knn:KNN",
        "ridge": "ridge:RIDGE",
        "least_squares": "ridge:LEAST_SQUARES",
        "logistic": "logistic:LOGISTIC",
        "svm": "svm:SVM",
        "linear_svc": "svm:LINEAR_SVC",
        "fewshot": "fewshot:FEW_LABELS",
        "fractions": "fewshot:FRACTIONS",
        "episodes": "episodes:EPISODES",
    },
)

# Those of a number to predict, under the names of the probes of classes that they are like.
REGRESSIONS: LateRegistry["Probe[Any]"] = LateRegistry(
    "randquant.probes", {"ridge": "regression:RIDGE", "least_squares": "regression:LEAST_SQUARES"}
)

FORMER = {"logistic_path": "logistic"}  # names in recipes and results of before, and the probes' names now

if TYPE_CHECKING:
    ProbeName = str
else:
    ProbeName = Literal[(*PROBES, *FORMER)]


def now_called(name: str) -> str:
    """The name of a probe today.

    >>> now_called("logistic_path"), now_called("knn")
    ('logistic', 'knn')
    """
    return FORMER.get(name, name)


def named(
    names: Iterable[ProbeName], settings: Sequence[object] = (), *, numbers: bool = False
) -> "dict[str, Probe[Any]]":
    """Probes by the names their results have, in the order asked.

    Args:
        names: keys of `PROBES`.
        settings: instead of the probes' own, each for the probes that have settings of its class.
        numbers: whether numbers are to be predicted instead of classes.

    Raises:
        UsageError: a probe cannot predict numbers.
    """
    if numbers:
        classes = [name for name in names if name not in REGRESSIONS]
        if classes:
            raise UsageError(
                f"--probes {' '.join(classes)} predict classes, but this task is a number to predict; ask "
                f"{' or '.join(REGRESSIONS)}."
            )
        return {name: REGRESSIONS[name].with_settings(settings) for name in names}
    from randquant.probes.probe import Probe

    found: dict[str, Probe[Any]] = {}
    for asked in names:
        name = now_called(asked)
        if name != asked:
            say_renamed(asked, name)
        probe = PROBES[name]
        found |= {name: probe} if isinstance(probe, Probe) else probe
    return {name: probe.with_settings(settings) for name, probe in found.items()}


@cache
def say_renamed(asked: str, name: str) -> None:
    """Say once that a probe has another name now."""
    say(f"the probe {asked} is called {name} now, and is stored as that")


def evaluate(
    probes: "Mapping[str, Probe[Any]]",
    features: "TaskFeatures",
    *,
    seed: int,
    device: "Device",
    fitted: str | None = None,
) -> "dict[str, Outcome[Any]]":
    """Outcomes by name, of probes as `named` gives them; `fitted` names the one whose classifier is wanted.

    The other arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    outcomes = {}
    for name, probe in probes.items():
        outcome = probe.evaluate(features, probe.settings, seed=seed, device=device)
        outcomes[name] = outcome if name == fitted else replace(outcome, fitted=None)
    return outcomes


def require(probes: "Mapping[str, Probe[Any]]", items: "Items") -> None:
    """Refuse items that one of the probes cannot evaluate, before anything is computed.

    Raises:
        DataError: as the probe would.
    """
    from randquant.probes import regression
    from randquant.probes.items.splits import assignments

    if not all(probe.require is regression.require for probe in probes.values()):
        assignments(items)
    for probe in probes.values():
        probe.require(items, probe.settings)


def how(facts: Mapping[str, Json]) -> str:
    """How a number was computed, from the JSON of a result that does not state it; empty for unknown probes.

    >>> how({"neighbours": 5, "temperature": 0.07, "sweep": [], "settings": {"probe": "knn"}})
    'by 5 nearest neighbours, temperature 0.07, chosen on validation'
    """
    from randquant.probes.probe import Probe

    settings = facts.get("settings")
    name = str(settings.get("probe")) if isinstance(settings, Mapping) else ""
    probe = PROBES.get(now_called(name))
    if probe is None:
        return ""
    first = probe if isinstance(probe, Probe) else next(iter(probe.values()))
    try:
        return first.details.from_json(facts).how
    except ValueError:
        return ""
