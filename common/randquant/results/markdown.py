"""Escape text for a Markdown page, as neither markup nor HTML."""

import re

from randquant.cli.terminal import printable

_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_DONE = r"\\[\\`*_\[\]|~]|&(?:lt|gt|amp);"
_MARKUP = r"[\\`*\[\]|~<>&]|(?<![^\W_])_|_(?![^\W_])"  # an underscore inside a word is none
_TOKENS = re.compile(f"(?P<done>{_DONE})|(?P<markup>{_MARKUP})")


def escaped(text: str) -> str:
    r"""One line that reads the same in a rendered page. Text that is escaped already stays as it is.

    >>> print(escaped("<img src=x> a|b [c](d) snake_case"))
    &lt;img src=x&gt; a\|b \[c\](d) snake_case
    >>> escaped(escaped("*\x1b<")) == escaped("*\x1b<")
    True
    """
    return _TOKENS.sub(_escape, printable(text))


def _escape(found: re.Match[str]) -> str:
    if found["done"]:
        return found["done"]
    return _ENTITIES.get(found["markup"]) or f"\\{found['markup']}"
