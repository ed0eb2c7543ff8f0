"""Values typed first of all, without the flag that they are of."""

from collections.abc import Sequence


def with_flag(flag: str, words: Sequence[str]) -> list[str]:
    """The command line with the flag of the values that it begins with.

    >>> with_flag("runs", ["a", "b", "--seed", "1"])
    ['--runs', 'a', 'b', '--seed', '1']
    >>> with_flag("runs", ["--seed", "1"])
    ['--seed', '1']
    """
    return [f"--{flag}", *words] if words and not words[0].startswith("-") else list(words)
