"""Optional libraries: what to install where one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

_REMEDY = "is not installed; type: pip install 'randquant"


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports inside the block that fail say which extra brings the library.

    >>> with needs("train"):
    ...     import no_such_library
    Traceback (most recent call last):
    ImportError: no_such_library is not installed; type: pip install 'randquant[train]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(f"{error.name} {_REMEDY}[{extra}]'", name=error.name) from None


def names_extra(error: BaseException) -> bool:
    """Whether an error is one that `needs` raises, so that its message is the whole answer."""
    return isinstance(error, ImportError) and _REMEDY in str(error)
