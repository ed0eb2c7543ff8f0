"""One frozen encoder on labelled stores by every requested probe, for every modality.

store -> features (extracted once, cached by content) -> probes -> results -> a JSON file or a results folder
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import torch

from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.evaluation.frozen import Frozen
from randquant.evaluation.labelled_task import LabelledTask, open_task
from randquant.evaluation.preset import Preset
from randquant.evaluation.probing import Probing
from randquant.files.json_record import Json
from randquant.inference import in_force
from randquant.precision import said
from randquant.probes import registry
from randquant.probes.classifier_file import require_classifier, save_classifier
from randquant.probes.conditions import conditioned
from randquant.probes.conditions.conditioned import Conditioned
from randquant.probes.conditions.corruption import Corruption
from randquant.probes.outcome import Numbers, Outcome
from randquant.probes.probe import Probe
from randquant.results.command import CommandRecord
from randquant.results.folder import Destination, is_folder, require_distinct
from randquant.results.record import Encoder, Entry, Result, entries, provenance
from randquant.training.processes.device import named_device

L = TypeVar("L", bound=Encoder)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Baseline:
    """Other features of the same items, to be read beside an encoder's.

    Attributes:
        features: where they come from.
        probes: that are asked, by the names of their results, such as "raw-ridge".
        words: what they are, in front of how the number came about, such as "raw columns".
    """

    features: Frozen[Any]
    probes: Mapping[str, Probe[Any]]
    words: str


@dataclass(frozen=True)
class Evaluation(Generic[L, R]):
    """What a modality brings to the evaluation of its encoders.

    Attributes:
        command: that evaluates them, such as "probe_images".
        kind: of its stores.
        load: an encoder as named on the command line, with the seed of an untrained one.
        frozen: how it encodes a task, on a device.
        result: makes a result of the fields that `Result` has, given by name; it adds its own.
        preset: the protocol.
        fitted_on: how the features of a saved classifier are made, in the terms of the modality.
        subject: what all results of a folder have in common besides encoder and protocol.
        baselines: of a task, with the probes that are asked.
        arranged: the probes that are asked, as they are to be evaluated on a task.
        corruption: the changes of its test items.
    """

    command: str
    kind: str
    load: Callable[[str, int], L]
    frozen: Callable[[L, LabelledTask, torch.device], Frozen[Any]]
    result: Callable[[L, LabelledTask], Callable[..., R]]
    preset: Preset
    fitted_on: Callable[[L], Mapping[str, Json]] = lambda loaded: {}
    subject: Mapping[str, str] | None = None
    baselines: Callable[[LabelledTask, Mapping[str, Probe[Any]]], Sequence[Baseline]] = lambda task, asked: ()
    arranged: Callable[[LabelledTask, Mapping[str, Probe[Any]]], Mapping[str, Probe[Any]]] = lambda task, asked: asked
    corruption: type[Corruption] = Corruption

    def run(self, probing: Probing) -> Destination[R]:
        """Probe every task of a command, write the results, and print them in the end.

        Raises:
            DataError: a task cannot be probed, or the results folder holds those of something else.
            UsageError: a flag that does not fit the others.
        """
        tasks = [open_task(path, kind=self.kind) for path in probing.task]
        asked = [self.preset.asked(probing, numbers=task.numbers) for task in tasks]
        _require(probing, tasks, asked)
        loaded = self.load(probing.checkpoint, probing.seed)
        loaded.precision = in_force(probing.precision, named_device(probing.device))
        own = {**said(loaded.precision), **(self.subject or {})}
        subject = {"encoder": loaded.sha256, "protocol": self.preset.name, **own}
        destination: Destination[R] = Destination(probing.out, subject)
        say(f"{probing.checkpoint}: {loaded.report}")
        for task, probes in zip(tasks, asked, strict=True):
            destination.add(self.on_task(probing, loaded, task, self.arranged(task, probes)))
        say(*destination.lines())
        return destination

    def on_task(
        self, probing: Probing, loaded: L, task: LabelledTask, asked: Mapping[str, Probe[Any]]
    ) -> list[Entry[R]]:
        """The results of every probe, and of the baselines."""
        device = named_device(probing.device)
        frozen = self.frozen(loaded, task, device)
        wanted = next(iter(asked)) if probing.save_classifier else None

        changes = self.corruption.every(probing.seed) if probing.robustness else []

        def answered(of: Frozen[Any], probes: Mapping[str, Probe[Any]]) -> Conditioned[Any]:
            folder = probing.features_folder
            features = of.features(task, folder)
            changed = {each.name: of.changed(task, folder, each) for each in changes}
            return conditioned.evaluate(probes, features, changed, seed=probing.seed, device=device, fitted=wanted)

        answers = answered(frozen, asked)
        found, changed = answers.outcomes, answers.changed
        sizes = dict.fromkeys(found, frozen.dimension)
        for baseline in self.baselines(task, asked):
            added = answered(baseline.features, baseline.probes)
            found |= {name: _said(outcome, baseline.words) for name, outcome in added.outcomes.items()}
            changed |= added.changed
            sizes |= dict.fromkeys(added.outcomes, baseline.features.dimension)
        make = self.result(loaded, task)

        def record(numbers: Numbers) -> R:
            return make(
                **vars(numbers),
                **provenance(probing.checkpoint, loaded, task.store, task.counts(), device),
                command=CommandRecord.of(self.command, vars(probing)),
                task=task.name,
                probes=list(found),
                protocol=self.preset.record(probing, numbers=task.numbers),
                seed=probing.seed,
                dimension=sizes[numbers.probe],
            )

        if probing.save_classifier is not None and wanted is not None:
            fitted_on = self.fitted_on(loaded)
            save_classifier(
                probing.save_classifier, task.name, wanted, found[wanted], encoder=loaded.sha256, features=fitted_on
            )
        return entries(task.name, found, record, changes, changed)


def _require(probing: Probing, tasks: Sequence[LabelledTask], asked: Sequence[Mapping[str, Probe[Any]]]) -> None:
    """Refuse what cannot be probed, before anything is computed."""
    numbers = [task.name for task in tasks if task.numbers]
    if probing.robustness and numbers:
        raise UsageError(
            f"--robustness counts right answers, but {', '.join(numbers)} predicts a number; leave it out."
        )
    if is_folder(probing.out):
        require_distinct([task.name for task in tasks], "--task")
    for task, probes in zip(tasks, asked, strict=True):
        registry.require(probes, task.items)
    if probing.save_classifier is not None:
        require_classifier(probing.save_classifier, asked[0], [task.items for task in tasks])


def _said(outcome: Outcome[Any], words: str) -> Outcome[Any]:
    return replace(outcome, numbers=replace(outcome.numbers, how=f"{words}, {outcome.numbers.how}"))
