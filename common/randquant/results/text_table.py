"""A table in lines of text: aligned for a terminal, or the same with the bars that Markdown wants."""

import re
from collections.abc import Sequence

from randquant.cli.terminal import printable

_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_DONE = r"\\[\\`*_\[\]|~]|&(?:lt|gt|amp);"
_MARKUP = r"[\\`*\[\]|~<>&]|(?<![^\W_])_|_(?![^\W_])"  # an underscore inside a word is none
_TOKENS = re.compile(f"(?P<done>{_DONE})|(?P<markup>{_MARKUP})")


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool = False) -> list[str]:
    """Align columns: the first to the left, the others to the right.

    Args:
        header: titles.
        rows: cells, as many a row as there are titles.
        markdown: put bars between the cells and a rule below the header.

    >>> print("\\n".join(text_table(["task", "accuracy"], [["nsynth", "0.74"], ["us8k", "0.7"]])))
    task    accuracy
    nsynth      0.74
    us8k         0.7
    """
    cells = [[_plain(cell, markdown) for cell in row] for row in (header, *rows)]
    least = 3 if markdown else 0  # a rule needs that many characters
    widths = [max(least, *(len(row[column]) for row in cells)) for column in range(len(header))]
    lines = [_aligned(row, widths) for row in cells]
    if not markdown:
        return ["  ".join(line).rstrip() for line in lines]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:])]


def escaped(text: str) -> str:
    r"""One line that reads the same in a rendered page. Text that is escaped already stays as it is.

    >>> print(escaped("<img src=x> a|b [c](d) snake_case"))
    &lt;img src=x&gt; a\|b \[c\](d) snake_case
    >>> escaped(escaped("*\x1b<")) == escaped("*\x1b<")
    True
    """
    return _TOKENS.sub(_escape, printable(text))


def shortened(value: object) -> str:
    """A value as one word of a sentence; hashes and other long texts by their first characters."""
    text = str(value)
    return f"{text[:12]}…" if len(text) > 40 else text


def _escape(found: re.Match[str]) -> str:
    if found["done"]:
        return found["done"]
    return _ENTITIES.get(found["markup"]) or f"\\{found['markup']}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def _plain(cell: str, markdown: bool) -> str:
    line = " ".join(cell.split())
    return escaped(line) if markdown else printable(line)
