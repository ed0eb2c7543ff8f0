"""Sections of a long help page: flags that belong together stand together, the first asked first."""

from collections.abc import Iterable, Mapping

# What is in no section goes where this stands.
REST = "*"
Sections = Mapping[str, tuple[str, ...]]


def in_sections(names: Iterable[str], sections: Sections) -> dict[str, list[str]]:
    """The flags `names` by title of their section, in the order of the sections; empty sections are left out.

    >>> in_sections(["seed", "width", "out", "bins"], {"Data": ("out",), "Views": ("*",), "Machine": ("seed", "nodes")})
    {'Data': ['out'], 'Views': ['width', 'bins'], 'Machine': ['seed']}
    """
    given = list(names)
    named = {name for section in sections.values() for name in section}
    rest = [name for name in given if name not in named]
    found = {
        title: [name for each in section for name in (rest if each == REST else [each] if each in given else [])]
        for title, section in sections.items()
    }
    return {title: section for title, section in found.items() if section}
