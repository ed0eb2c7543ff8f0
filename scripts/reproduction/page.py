"""A page that answers questions with commands, as RESULTS.md does: its questions, and their commands typed again."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.errors import DataError, UsageError
from randquant.scripts.reproduction.places import Places

_ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("common", "audio", "pointcloud", "data_prep", "scripts")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LEFT_OPEN = re.compile(r"(?<!\w)\.\.\./[\w/]*")


@dataclass(frozen=True)
class Question:
    """A heading of a page.

    Attributes:
        title: without its marks.
        commands: the bash blocks below it, one after the other; empty where it has none.
    """

    title: str
    commands: str

    def __str__(self) -> str:
        return f"{self.title} ({counted(self.commands.count('python -m'), 'commands')})"


def questions(page: Path) -> list[Question]:
    """The headings of second level of a page in Markdown that have commands, in their order.

    Raises:
        DataError: it has none.
    """
    _, *parts = _HEADING.split(page.read_text(encoding="utf-8"))
    asked = [
        Question(title, "".join(_BLOCK.findall(text))) for title, text in zip(parts[::2], parts[1::2], strict=True)
    ]
    found = [each for each in asked if each.commands]
    if not found:
        raise DataError(f"{page} holds no commands below a heading; give RESULTS.md, or a page like it.")
    return found


def chosen(found: Sequence[Question], only: Sequence[str], page: Path) -> list[Question]:
    """The questions that words stand for, in the order of the words.

    Args:
        found: all of a page.
        only: a part of a title each, in any case.
        page: for what is said.

    Raises:
        UsageError: a word is in no title, or in several.
    """
    return [_named(found, words, page) for words in only]


def type_again(asked: Sequence[Question], places: Places, out: Path) -> None:
    """Run the commands of questions in bash, in a folder of their own.

    Args:
        asked: one after the other; each is a script of its own, which its first command that fails ends.
        places: folders that stand for those that the page leaves to its reader.
        out: the folder, in which relative paths of the commands lie. A training there goes on where it was ended.

    Raises:
        UsageError: the page leaves a folder to its reader that `places` does not have.
        DataError: a command failed.
    """
    scripts = [_moved(each.commands, places) for each in asked]
    out.mkdir(parents=True, exist_ok=True)
    for folder in _FOLDERS:  # that `python -m scripts` and the paths of recipes are those of this clone
        if not (out / folder).exists():
            (out / folder).symlink_to(_ROOT / folder)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for number, (question, script) in enumerate(zip(asked, scripts, strict=True), 1):
        say(f"[{number}/{len(asked)}] {question.title}", *(f"    {line}" for line in script.splitlines()))
        sys.stdout.flush()
        code = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script], cwd=out, env={**os.environ, "PATH": path}, check=False
        ).returncode
        if code:
            raise DataError(f"a command of {question.title!r} failed, exit code {code}; see above and run this again.")


def _named(found: Sequence[Question], words: str, page: Path) -> Question:
    named = [each for each in found if words.lower() in each.title.lower()]
    if len(named) == 1:
        return named[0]
    held = "; ".join(each.title for each in named or found)
    raise UsageError(f"--only {words} should be a part of one title of {page}, and is of {len(named)} ({held}).")


def _moved(script: str, places: Places) -> str:
    for old, new in places.moved:
        here = str(new.resolve())
        if re.search(r"[^\w./+:@%-]", here):
            raise UsageError(f"--data {here} has characters that the commands do not quote; give a link to it.")
        script = re.sub(rf"(?<![\w./-]){re.escape(str(old))}(?=[/\s\"';)]|$)", here, script)
    if left := _LEFT_OPEN.search(script):
        raise UsageError(f"the page leaves {left[0]} to its reader; say where it is, as in --data {left[0]}=FOLDER.")
    return script
