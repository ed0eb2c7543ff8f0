"""Errors for the user: one sentence with what was expected, what was found, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something the user can fix. The message is the whole answer; the command line prints it without a traceback."""

    exit_code = 1


class UsageError(UserError):
    """The command was typed wrongly: an unknown flag, a value out of range, flags that contradict each other."""

    exit_code = 2


class DataError(UserError):
    """A file or folder is missing, broken, of another version, or does not hold what the command needs."""

    exit_code = 1


@contextmanager
def without_flags() -> Iterator[None]:
    """Called from Python no flag was typed: an error that begins with one, such as --device, names it without dashes.

    What follows --checkpoint is a name that speaks for itself.

    >>> with without_flags():
    ...     raise UsageError("--device gpu cannot be used here.")
    Traceback (most recent call last):
    randquant.errors.UsageError: device gpu cannot be used here.
    """
    try:
        yield
    except UserError as error:
        raise type(error)(str(error).removeprefix("--checkpoint ").removeprefix("--")) from None


def one_line(error: BaseException) -> str:
    """A library's error message on one line, without its full stop."""
    return " ".join(str(error).split()).rstrip(".")
