"""The weights that a training that began with others hands over: `--keep`."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text
from randquant.training.keeping.between import State, between, copied
from randquant.training.keeping.choice import MOST, Candidate, best, candidate
from randquant.training.keeping.set_aside import FEWEST, SetAside
from randquant.training.keeping.siblings import embeddings, found, standardised

if TYPE_CHECKING:
    from randquant.training.run import Run

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
TABLE = "candidates.csv"


def keep_best(run: "Run", start: State) -> str:
    """Give the encoder of a run that has ended the best weights between its start and its end, and say which.

    RUN/candidates.csv lists all that were looked at.
    """
    encoder, source = run.encoder, run.batches.source
    assert isinstance(source, SetAside)
    end = copied(encoder)
    start = {name: start[name].to(value.device) for name, value in end.items()}
    if not len(source.held):
        encoder.load_state_dict(between(start, end, MOST))
        return (
            f"kept weights {MOST:.0%} of the way to the trained ones, unmeasured: to compare them {FEWEST} items "
            f"of at least {2 * FEWEST} are set aside, and a batch of {run.settings.batch_size} has to be left."
        )
    states = [between(start, end, share) for share in SHARES]
    candidates = _measured(run, states, source)
    kept = best(candidates)
    rows = [(*astuple(each), int(each is kept)) for each in candidates]
    names = [each.name for each in fields(Candidate)]
    write_text(run.settings.out / TABLE, csv_text([(*names, "kept"), *rows]))
    encoder.load_state_dict(states[candidates.index(kept)])
    return _said(kept, candidates)


def _measured(run: "Run", states: Sequence[State], source: SetAside) -> list[Candidate]:
    """What the signal says of each of the weights, whose first are the start's."""
    hits, cosines, groups = [], [], []
    for its_groups, vectors in embeddings(run, states, source.held):
        hits.append(torch.stack([found(*each) for each in vectors]))
        flat = [standardised(each.flatten(0, 1)) for each in vectors]
        cosines.append(torch.stack([(each * flat[0]).sum(1).mean() for each in flat]))
        groups.append(its_groups)
    by_group = _means(torch.cat(hits, dim=1).cpu(), torch.cat(groups))
    likeness = torch.stack(cosines).mean(0).tolist()
    return [
        candidate(share, its_hits, by_group[0], alike)
        for share, its_hits, alike in zip(SHARES, by_group, likeness, strict=True)
    ]


def _means(values: Tensor, groups: Tensor) -> Tensor:
    """The mean of values (states, n) in each group, of groups (n,)."""
    _, places, counts = groups.unique(return_inverse=True, return_counts=True)
    return torch.zeros(len(values), len(counts)).index_add_(1, places, values) / counts


def _said(kept: Candidate, candidates: list[Candidate]) -> str:
    """One sentence on what was kept, and why."""
    start = candidates[0]
    if not kept.share:
        return (
            f"kept the weights of --init ({TABLE}): by them {start.found:.1%} of the views of items set aside find "
            f"their sibling, and none on the first {MOST:.0%} of the way to the trained ones do better beyond their "
            "interval."
        )
    return (
        f"kept weights {kept.share:.0%} of the way to the trained ones ({TABLE}): by them {kept.found:.1%} of the "
        f"views of items set aside find their sibling, {100 * kept.change:+.1f} ± {100 * kept.half_width:.1f} points "
        "against those of --init."
    )
