"""The recipes that come with the package, by name."""

from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]


def recipes(modality: str | None = None) -> dict[str, Path]:
    """Files by name, such as `byola_rq` of sound; without a modality `audio/byola_rq`, of all."""
    files = sorted(_PACKAGE.glob(f"{modality or '*'}/recipes/*.yaml"))
    return {file.stem if modality else f"{file.parts[-3]}/{file.stem}": file for file in files}


def recipe_named(name: str, modality: str | None = None) -> Path | None:
    """The file of a recipe; None where there is none of that name.

    Args:
        name: `byola_rq` where the modality is known, `audio/byola_rq`, or its place in a clone,
            audio/recipes/byola_rq.yaml.
        modality: of the command, as its folder in the package is called.
    """
    key = name.removeprefix("common/").removesuffix(".yaml").replace("/recipes/", "/")
    return (recipes(modality).get(key) if modality else None) or recipes().get(key)


def modality_of(source: Any) -> str | None:
    """The folder of the package whose recipes a command takes: the one that its settings, or their bases, are from."""
    folders = {name.partition("/")[0] for name in recipes()}
    for holder in getattr(source, "__mro__", [source]):
        _, _, inner = holder.__module__.partition("randquant.")
        if inner.partition(".")[0] in folders:
            return inner.partition(".")[0]
    return None
