"""The results of one task as they are written down: every number with where it comes from."""

import platform
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

import randquant
from randquant.data.features import Items
from randquant.data.store import Store
from randquant.probes.outcome import Outcome
from randquant.results.folder import Entry
from randquant.results.predictions import prediction_table


class Encoder(Protocol):
    """What there is to say of an encoder, of whatever modality."""

    metadata: dict[str, Any]
    report: str
    sha256: str

    @property
    def encoder(self) -> nn.Module:
        """The network."""


def written_down(
    identity: Mapping[str, Any], outcomes: Mapping[str, Outcome], provenance: Mapping[str, Any], items: Items
) -> tuple[dict[str, Any], list[Entry]]:
    """All probes of one task.

    Args:
        identity: `task` and what else comes first.
        outcomes: by probe, in the order asked.
        provenance: what comes last, but for what an outcome says of itself.
        items: those that were probed, unless an outcome has `items` of its own.

    Returns:
        The first probe's facts with the others' numbers inside, for a file; and an entry a probe, for a folder.
    """
    identity = {**identity, "probes": list(outcomes)}
    entries = [
        Entry(
            {**identity, **outcome.numbers, "probe": name, **_unsaid(provenance, outcome)},
            prediction_table(identity["task"], name, outcome, getattr(outcome, "items", items)),
        )
        for name, outcome in outcomes.items()
    ]
    primary, *others = outcomes
    nested = {name: outcomes[name].numbers for name in others}
    last = _unsaid(provenance, outcomes[primary])
    return {**identity, **outcomes[primary].numbers, "probe": primary, **nested, **last}, entries


def _unsaid(provenance: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    return {name: fact for name, fact in provenance.items() if name not in outcome.numbers}


def checkpoint_facts(name: str, loaded: Encoder) -> dict[str, Any]:
    """Which encoder it was; `name` as typed."""
    return {
        "path": name,
        "sha256": loaded.sha256,
        "report": loaded.report,
        "encoder": type(loaded.encoder).__name__,
        "metadata": loaded.metadata,
    }


def store_facts(store: Store) -> dict[str, Any]:
    """Which data they were."""
    return {
        "path": str(store.path),
        "content_hash": store.content_hash,
        "source": store.info.get("source"),
        "skipped": len(store.info.get("skipped", [])),
    }


def versions() -> dict[str, str]:
    """Of what computed the numbers."""
    return {
        "randquant": randquant.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
