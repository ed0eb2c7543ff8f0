"""The augmentations that a setting such as `rrc+rq` names."""

from collections.abc import Collection, Mapping, Sequence

_NO_GROUPS: Mapping[str, Sequence[str]] = {}


def joined_names(augment: str, known: Collection[str], groups: Mapping[str, Sequence[str]] = _NO_GROUPS) -> list[str]:
    """The names in a setting, in its order; those that a group stands for are written out.

    Raises:
        ValueError: one that is unknown or repeated.

    >>> joined_names("geo+rq", ["crop", "jitter", "rq"], {"geo": ["crop", "jitter"]})
    ['crop', 'jitter', 'rq']
    """
    given = [] if augment == "none" else augment.split("+")
    names = [each for name in given for each in groups.get(name, (name,))]
    if not set(names) <= set(known) or len(set(names)) < len(names):
        raise ValueError(
            f"--augment should be none or a choice of {', '.join([*groups, *known])} joined by +, each once, "
            f"got {augment!r}."
        )
    return names
