"""A published way to evaluate frozen features: the probes it asks and how each is fitted."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from randquant.errors import UsageError
from randquant.evaluation.probing import Probing
from randquant.probes import registry
from randquant.probes.probe import Probe
from randquant.probes.registry import ProbeName
from randquant.results.record import ProtocolRecord


@dataclass(frozen=True)
class Preset:
    """A protocol by name.

    Attributes:
        name: as typed and as results are known by.
        source: where it is described.
        probes: that are asked where the command names none; of numbers, those of them that can be.
        settings: of probes, instead of their own; each for the probes that have settings of its class.
        departures: from the source, whatever the command, in words.
    """

    name: str
    source: str = ""
    probes: Sequence[ProbeName] = ("linear",)
    settings: tuple[object, ...] = ()
    departures: tuple[str, ...] = ()

    def asked(self, probing: Probing, *, numbers: bool = False) -> dict[str, Probe[Any]]:
        """The probes of a command by the names of their results, with its learning rates and repeats.

        With `numbers`, these are to be predicted.

        Raises:
            UsageError: none of them takes a flag that is given, or a value is out of range.
        """
        plain = self._plain(probing, numbers)
        given = _given(probing)
        for name in given:
            if not any(_has(probe, name) for probe in plain.values()):
                flag = "seeds" if name == "repeats" else name
                raise UsageError(f"--{flag} says nothing to --probes {' '.join(plain)}; leave it out, or ask linear.")
        try:
            return {
                name: replace(
                    probe, settings=replace(probe.settings, **{key: given[key] for key in given if _has(probe, key)})
                )
                for name, probe in plain.items()
            }
        except ValueError as error:
            raise UsageError(f"--{error}.") from None

    def record(self, probing: Probing, *, numbers: bool = False) -> ProtocolRecord:
        """The preset with what a command departs from, in words."""
        plain, departures = self._plain(probing, numbers), list(self.departures)
        for key, value in _given(probing).items():
            published = {getattr(probe.settings, key) for probe in plain.values() if _has(probe, key)}
            if published != {value}:
                shown = ", ".join(f"{one:g}" for one in value) if isinstance(value, tuple) else value
                departures.append(f"{key.replace('_', ' ')} {shown}")
        return ProtocolRecord(name=self.name, source=self.source, departures=departures)

    def _plain(self, probing: Probing, numbers: bool = False) -> dict[str, Probe[Any]]:
        usual = [name for name in self.probes if not numbers or name in registry.REGRESSIONS]
        return registry.named(probing.probes or usual, self.settings, numbers=numbers)


def _given(probing: Probing) -> dict[str, Any]:
    """The settings of probes that a command states."""
    said = {"repeats": probing.seeds, "learning_rates": tuple(probing.learning_rates or ()) or None}
    return {name: value for name, value in said.items() if value is not None}


def _has(probe: Probe[Any], name: str) -> bool:
    return name in {each.name for each in fields(probe.settings)} and name not in probe.own
