"""Registries whose entries load when they are used: the names alone, as flags list them, load nothing."""

from collections.abc import Iterator, Mapping, MutableMapping
from pkgutil import resolve_name
from typing import TypeVar

T = TypeVar("T")


class LateRegistry(MutableMapping[str, T]):
    """Things by name, in the order of their lines; each is imported when it is first asked for.

    Args:
        package: that the modules lie in.
        places: by name `module:attribute`.

    >>> functions = LateRegistry("os", {"join": "path:join", "split": "path:split"})
    >>> list(functions), functions["join"]("a", "b")
    (['join', 'split'], 'a/b')
    """

    def __init__(self, package: str, places: Mapping[str, str]) -> None:
        self._places = {name: f"{package}.{place}" for name, place in places.items()}
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            self._loaded[name] = resolve_name(self._places[name])
        return self._loaded[name]

    def __setitem__(self, name: str, thing: T) -> None:
        self._places.setdefault(name, "")
        self._loaded[name] = thing

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._loaded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
