"""What somebody may have meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """A hint in brackets, or nothing where no known word is like it.

    >>> did_you_mean("metod", ["method", "seed"])
    ' (did you mean method?)'
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {prefix}{close[0]}?)" if close else ""
