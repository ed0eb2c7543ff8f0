"""Suggestions for misspelt words."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """A suggestion in brackets, or "" if no known word is similar.

    >>> did_you_mean("metod", ["method", "seed"])
    ' (did you mean method?)'
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {prefix}{close[0]}?)" if close else ""
