"""Stores that are given more than once, whose items then count repeatedly."""

from collections.abc import Sequence

from randquant.data.store import Store


def repeated(stores: Sequence[Store]) -> list[str]:
    """One warning for every content that --data holds several times, under any paths."""
    places: dict[str, list[str]] = {}
    for store in stores:
        places.setdefault(store.content_hash, []).append(str(store.path))
    return [
        f"--data holds the same items {len(paths)} times ({', '.join(paths)}), so each of them is trained on "
        f"{len(paths)} times an epoch; name one of them to count them once."
        for paths in places.values()
        if len(paths) > 1
    ]
