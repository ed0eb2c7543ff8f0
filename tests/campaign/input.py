"""One bad input, and what is wrong with what became of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.campaign.child import Commands, Outcome

Check = Callable[[Path, Outcome], str | None]

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\udc80-\udcff]")
_BAR = re.compile(r"\r[^\r\n]*")  # a progress bar starts its line again
_TOLD = re.compile(r"(?:note|warning): |.*(?:going on after step|starting; |is finished already)")


@dataclass(frozen=True)
class Input:
    """A command line with something wrong in it or in what it names.

    Attributes:
        title: for people.
        group: inputs of one group are alike; a part of the campaign takes from all groups evenly.
        script, argv: what is typed; "{folder}" stands for the input's own folder.
        refused: whether it must end with an error.
        make: makes `folder/path` beforehand.
        check: says what is wrong with a command that ended well, None where nothing is.
    """

    title: str
    group: str
    script: str
    argv: list[str]
    refused: bool = True
    make: Callable[[Path], object] | None = None
    check: Check | None = None

    def run(self, commands: Commands, folder: Path) -> str | None:
        """Type it; what is wrong with the answer, None where nothing is."""
        folder.mkdir(parents=True)
        if self.make is not None:
            self.make(folder / "path")
        outcome = commands.run(self.script, [word.replace("{folder}", str(folder)) for word in self.argv], folder)
        fault = fault_of(outcome, refused=self.refused)
        if fault is None and outcome.code == 0 and self.check is not None:
            fault = self.check(folder, outcome)
        return None if fault is None else f"{self.title}: {fault}"


def controls_in(text: str) -> str | None:
    """The first character that would steer a terminal; new lines and tabs are none."""
    found = _CONTROLS.search(text)
    return found.group() if found else None


def fault_of(outcome: Outcome, *, refused: bool) -> str | None:
    """What no command may do, whatever it was given."""
    shown = f"\n    {outcome.err[-600:]!r}"
    if outcome.timed_out or outcome.code == -24:
        return "takes forever"
    if outcome.code < 0:
        return f"killed by signal {-outcome.code}{shown}"
    if "Traceback" in outcome.out + outcome.err or outcome.code not in (0, 1, 2):
        return f"traceback (exit code {outcome.code}){shown}"
    if found := controls_in(_BAR.sub("", outcome.out + outcome.err)):
        return f"control character {found!r}{shown}"
    lines = [line for line in _BAR.sub("", outcome.err).splitlines() if line and not _TOLD.match(line)]
    errors = [line for line in lines if line.startswith("error: ")]
    if outcome.code and len(errors) != 1:
        return f"{len(errors)} errors in place of one sentence{shown}"
    if len(lines) != len(errors):
        return f"something beside the error{shown}"
    if outcome.code == 0 and refused:
        return f"taken, exit code 0; prints {outcome.out[-200:]!r}"
    return None
