"""Views as they are written, checked: texts and mappings, names and files -> `ViewPolicy`."""

import itertools
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from randquant.cli.spelling import did_you_mean
from randquant.policies.strength import Strength
from randquant.policies.typed_value import typed_value
from randquant.policies.view_policy import RandomOperations, Step, ViewPolicy

FEWEST, MOST = 2, 8  # views
_MOST_BYTES = 1 << 16  # of a file
_DEEPEST = 20  # brackets in brackets; a table has four
_MOST_DRAWN = 16  # operations, one after the other
_KEYS = ("name", "augment", "random", "table", "local")
WrittenView = str | dict[str, Any]


@dataclass(frozen=True)
class Vocabulary:
    """What the views of a modality can say.

    Attributes:
        settings: the class of its settings.
        own: settings that a view may have of its own.
        own_local: settings that only a local view may have of its own: its size.
        augmentations: names that are joined by +.
        operations: names that are drawn from.
        folder: of named policies, NAME.yaml.
    """

    settings: type
    own: Sequence[str]
    own_local: Sequence[str]
    augmentations: Sequence[str]
    operations: Sequence[str]
    folder: Path


def read_views(written: Sequence[WrittenView], vocabulary: Vocabulary, augment: str) -> list[ViewPolicy]:
    """The views of a training, in order.

    Args:
        written: as given; none for two views of `augment`.
        vocabulary: of the modality.
        augment: of the training, for views that name no augmentations of their own and draw none.

    Raises:
        ValueError: in a sentence that names the flag.
    """
    if not written:
        return [ViewPolicy(augment)] * 2
    views = [_view(each, vocabulary, augment) for each in written]
    if not FEWEST <= len(views) <= MOST:
        raise ValueError(
            f"--views should list two to eight policies, got {len(views)}; or leave it out for two views by --augment."
        )
    if sum(not view.local for view in views) < FEWEST:
        raise ValueError(
            "--views needs at least two views that are not local: the teacher sees these alone; add "
            f"{'one' if any(not view.local for view in views) else 'two'}."
        )
    return views


def _view(written: WrittenView, vocabulary: Vocabulary, augment: str) -> ViewPolicy:
    if isinstance(written, Mapping):
        return _in_full(dict(written), vocabulary, augment, None)
    if not isinstance(written, str):
        raise ValueError(f"--views takes names and policies in full, got {written!r}.")
    file = vocabulary.folder / f"{written}.yaml"
    if written.endswith((".yaml", ".yml")):
        return _in_full(_mapping(Path(written)), vocabulary, augment, Path(written).stem)
    if "/" not in written and file.is_file():
        return _in_full(_mapping(file), vocabulary, augment, written)
    if written.startswith(("{", "[")):
        raise ValueError(f"--views {written} is not YAML of a policy in full, such as {{augment: rrc, local: true}}.")
    names = [] if written == "none" else written.split("+")
    if not set(names) <= set(vocabulary.augmentations):
        known = sorted(each.stem for each in vocabulary.folder.glob("*.yaml"))
        kinds = f"augmentations joined by + ({', '.join(vocabulary.augmentations)})"
        named = f"a policy by name ({', '.join(known)})" if known else "a policy in full"
        near = did_you_mean(written, [*known, *vocabulary.augmentations])
        raise ValueError(f"--views {written}{near} is no policy; give {kinds}, {named} or a YAML file.")
    return ViewPolicy(written)


def _in_full(said: dict[str, Any], vocabulary: Vocabulary, augment: str, name: str | None) -> ViewPolicy:
    name = typed_value(said.get("name", name), str | None, "name")
    where = f"--views ({name or said.get('augment') or 'a policy in full'})"
    local = typed_value(said.get("local", False), bool, f"{where}: local")
    random, table = _random(said.get("random"), vocabulary, where), _table(said.get("table"), vocabulary, where)
    default = "none" if random is not None or table else augment
    hints = typing.get_type_hints(vocabulary.settings)
    settings: dict[str, Any] = {}
    for key, value in said.items():
        if key in _KEYS:
            continue
        if key in vocabulary.own_local and not local:
            raise ValueError(f"{where}: {key} is the size of a local view; add local: true, or leave it out.")
        if key not in (*vocabulary.own, *vocabulary.own_local):
            keys = [*_KEYS, *vocabulary.own, *vocabulary.own_local]
            near = did_you_mean(str(key), keys)
            raise ValueError(f"{where}: a view has no {key}{near}; it has {', '.join(keys)}.")
        settings[key] = typed_value(value, hints[key], f"{where}: {key}")
    chosen = typed_value(said.get("augment", default), str, f"{where}: augment")
    return ViewPolicy(chosen, name, random, table, local, settings)


def _random(said: Any, vocabulary: Vocabulary, where: str) -> RandomOperations | None:
    if said is None:
        return None
    if not isinstance(said, Mapping) or not set(said) <= {"n", "m", "operations"} or not {"n", "m"} <= set(said):
        raise ValueError(f"{where}: random takes n and m, as in random: {{n: 2, m: 9}}, and operations, got {said!r}.")
    n = typed_value(said["n"], int, f"{where}: n")
    if not 1 <= n <= _MOST_DRAWN:
        raise ValueError(f"{where}: n should be from 1 to {_MOST_DRAWN} operations, got {n}.")
    given = said.get("operations", list(vocabulary.operations))
    operations = tuple(typed_value(given, list[str], f"{where}: operations"))
    if not operations:
        raise ValueError(f"{where}: operations should name at least one of {', '.join(vocabulary.operations)}.")
    for each in operations:
        _require_operation(each, vocabulary, where)
    return RandomOperations(n, _strength(said["m"], where), operations)


def _table(said: Any, vocabulary: Vocabulary, where: str) -> tuple[tuple[Step, ...], ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or not said or not all(isinstance(each, list) and each for each in said):
        raise ValueError(
            f"{where}: table takes a list of sub-policies, each a list of [operation, p, m], got {said!r}."
        )
    return tuple(tuple(_step(step, vocabulary, where) for step in steps) for steps in said)


def _step(said: Any, vocabulary: Vocabulary, where: str) -> Step:
    if not isinstance(said, list) or len(said) != 3:
        raise ValueError(f"{where}: table takes steps [operation, p, m], got {said!r}.")
    p = typed_value(said[1], float, f"{where}: a probability of table")
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{where}: a probability of table should be in [0, 1], got {p:g}.")
    return Step(_require_operation(said[0], vocabulary, where), p, _strength(said[2], where))


def _require_operation(name: Any, vocabulary: Vocabulary, where: str) -> str:
    if not isinstance(name, str) or name not in vocabulary.operations:
        near = did_you_mean(str(name), vocabulary.operations)
        raise ValueError(f"{where}: {name} is no operation{near}; choose from {', '.join(vocabulary.operations)}.")
    return name


def _strength(said: Any, where: str) -> float | tuple[float, float]:
    pair = isinstance(said, list | tuple)
    m = typed_value(said, tuple[float, float] if pair else float, f"{where}: m")
    try:
        Strength.of(m)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return m


def _mapping(path: Path) -> dict[str, Any]:
    """The policy in a YAML file."""
    import yaml

    from randquant.cli.yaml_tree import alias_in, repeated_key

    found: Any = None
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig") if len(content) <= _MOST_BYTES else ""
        text = text if _depth(text) <= _DEEPEST else ""  # a parser takes minutes to find out
        if alias_in(text) is not None:
            raise ValueError(f"--views {path} repeats a value by a reference (*); write it out.")
        if (twice := repeated_key(yaml.compose(text, Loader=yaml.SafeLoader))) is not None:
            raise ValueError(f"--views {path} gives {twice.value} twice; keep one.")
        found = yaml.safe_load(text)
    except FileNotFoundError:
        raise ValueError(f"--views {path} does not exist; give a YAML file of a policy.") from None
    except OSError as error:
        raise ValueError(f"--views {path} cannot be read ({(error.strerror or str(error)).lower()}).") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        pass
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise ValueError(f"--views {path} holds no policy; write lines such as augment: rrc+rq.")
    return found


def _depth(text: str) -> int:
    """How many brackets are open at once at most, quoted ones among them."""
    return max(itertools.accumulate((each in "[{") - (each in "]}") for each in text), default=0)
