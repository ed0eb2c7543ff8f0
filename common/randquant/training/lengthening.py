"""Going on with a run beyond the end that it was given, where a longer run passes through the same states anyway."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from randquant.training.run_folder import snapshot_file

_LENGTHS = ("steps", "epochs")


def lengthened(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> set[str]:
    """The setting of the length, where that alone was raised and nothing before the end depends on it.

    That is so where the rate and a teacher's momentum stay constant, and no weights are chosen between a start and the
    end.

    Args:
        stored: settings of a run, plain values.
        wanted: those asked for now.
    """
    differing = [each for each in _LENGTHS if stored[each] != wanted[each]]
    constant = wanted["schedule"] == wanted["momentum_schedule"] == "constant"
    if len(differing) != 1 or not constant or wanted["init"] is not None:
        return set()
    (name,) = differing
    decides = name == "steps" or not wanted["steps"]
    return {name} if decides and 0 < (stored[name] or 0) < (wanted[name] or 0) else set()


def make_snapshot(finished: Path, step: int) -> None:
    """Move the encoder of a shorter run, if there is one, to the snapshots: it should not pass for the longer one's.

    Args:
        finished: the encoder of the run.
        step: that it is of.
    """
    if finished.exists():
        kept = snapshot_file(finished.parent, step)
        kept.parent.mkdir(exist_ok=True)
        finished.replace(kept)
