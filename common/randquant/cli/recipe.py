"""The `--config` file: flags as lines `key: value`, checked before they are used."""

import os
import stat
import tempfile
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from randquant.cli.spelling import did_you_mean
from randquant.cli.yaml_tree import alias_in, repeated_key
from randquant.errors import UsageError
from randquant.extras import needs
from randquant.installation.recipes import recipe_named, recipes

with needs("train"):
    import yaml
    from jsonargparse import ActionConfigFile

_MOST_BYTES = 1 << 20
_MOST_BRACKETS = 1000
_PLAIN = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp"))


class ConfigFile(ActionConfigFile):
    """`--config FILE`: read once, so that it may be a pipe, and checked against the known flags.

    Attributes:
        modality: whose recipes may be given by name.
    """

    modality: str | None = None

    def __call__(self, parser: Any, cfg: Any, values: Any, option_string: str | None = None) -> None:
        """Take the flags of a file.

        Raises:
            UsageError: it cannot be read, or is not YAML of flags and their values.
        """
        text = _text(self._place(str(values)))
        flags = {name: action for action in parser._actions for name in [action.dest] if action.option_strings}
        tree = _mapping(text, str(values))
        _check(tree, flags, str(values))
        _take_as_typed(tree, flags)
        _wrap(tree, flags)
        text = yaml.serialize(tree)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            ActionConfigFile.apply_config(parser, cfg, self.dest, file.name)

    def _place(self, name: str) -> str:
        """Where a file is: as given, else in the package, which has the recipes."""
        if os.path.exists(name) and not os.path.isdir(name):
            return name
        named = recipe_named(name, self.modality)
        if named is None and self.modality and not os.path.isdir(name) and os.path.basename(name) == name:
            raise UsageError(
                f"--config {name} is neither a file of flags nor a recipe{did_you_mean(name, recipes(self.modality))}; "
                f"give a file, or one of {', '.join(recipes(self.modality))}; see --help."
            )
        return str(named or name)


def _text(name: str) -> str:
    try:
        found = Path(name).stat()
        if stat.S_ISDIR(found.st_mode):
            raise UsageError(_wrong(name, "is a folder"))
        if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode) or found.st_size > _MOST_BYTES:
            raise UsageError(_wrong(name, "is not a file of flags"))
        with open(name, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(_wrong(name, "does not exist")) from None
    except UnicodeDecodeError:
        raise UsageError(_wrong(name, "is not UTF-8 text")) from None
    except OSError as error:
        raise UsageError(_wrong(name, f"cannot be read ({(error.strerror or str(error)).lower()})")) from None
    if len(content) > _MOST_BYTES:
        raise UsageError(_wrong(name, "is not a file of flags"))
    if sum(text.count(bracket) for bracket in "[{") > _MOST_BRACKETS:  # a parser takes minutes to find out
        raise UsageError(_wrong(name, "is not YAML of the form key: value (nested too deeply)"))
    return text


def _mapping(text: str, name: str) -> yaml.MappingNode:
    """The tree of the file, without building its objects, of which aliases can stand for billions."""
    try:
        aliased = alias_in(text)
        if aliased is not None:
            raise UsageError(
                _wrong(
                    name,
                    f"repeats a value by *{aliased.anchor}; write it out",
                    aliased.start_mark.line if aliased.start_mark else None,
                )
            )
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = "is not YAML of the form key: value"
        if "found character '\\t'" in str(error):
            reason = "has a tab where YAML takes spaces"
        raise UsageError(_wrong(name, reason, mark.line if mark else None)) from None
    except RecursionError:
        raise UsageError(_wrong(name, "is not YAML of the form key: value (nested too deeply)")) from None
    if not isinstance(tree, yaml.MappingNode):
        held = "nothing" if tree is None else "a list" if isinstance(tree, yaml.SequenceNode) else "a single value"
        raise UsageError(_wrong(name, f"is not YAML of the form key: value (it holds {held})"))
    return tree


def _check(tree: yaml.MappingNode, flags: Mapping[str, Any], name: str) -> None:
    """Check that each key is a flag, occurs once, and has a value that a flag can have."""
    seen: dict[str, int] = {}
    for key, value in tree.value:
        line = key.start_mark.line
        if not isinstance(key, yaml.ScalarNode):
            raise UsageError(_wrong(name, "has a key that is not a name", line))
        flag = str(key.value)
        if flag in seen:
            raise UsageError(_wrong(name, f"gives {flag} twice, first in line {seen[flag] + 1}", line))
        known = flags.keys() - {"help", "config", "debug", "print_config"}
        if flag not in known:
            raise UsageError(
                f"--config {name} (line {line + 1}): {flag} is not known here{did_you_mean(flag, known)}; see --help."
            )
        seen[flag] = line
        _check_value(flag, value, flags[flag], name)


def _check_value(flag: str, value: yaml.Node, action: Any, name: str) -> None:
    line = value.start_mark.line
    several = action.nargs not in (None, 0)  # 0: a switch, which a file gives as true or false
    nothing = isinstance(value, yaml.ScalarNode) and value.tag == "tag:yaml.org,2002:null"
    if isinstance(value, yaml.MappingNode):
        raise UsageError(_wrong(name, f"gives {flag} keys of its own; it takes {_form(several)}", line))
    either = several and getattr(action, "takes_one", False)
    if isinstance(value, yaml.SequenceNode) is not several and not nothing and not either:
        raise UsageError(
            _wrong(name, f"gives {flag} {'one value' if several else 'a list'}; {_takes(flag, several)}", line)
        )
    for item in value.value if isinstance(value, yaml.SequenceNode) else [value]:
        if isinstance(item, yaml.MappingNode) and _takes_mappings(action):
            if (twice := repeated_key(item)) is not None:
                raise UsageError(_wrong(name, f"gives {twice.value} twice in {flag}", twice.start_mark.line))
            continue
        if not isinstance(item, yaml.ScalarNode) or item.tag not in _PLAIN:
            raise UsageError(_wrong(name, f"gives {flag} something else than {_form(several)}", line))
        if item.value == "" and item.tag != "tag:yaml.org,2002:null":
            raise UsageError(_wrong(name, f"gives {flag} an empty value", line))


def _take_as_typed(tree: yaml.MappingNode, flags: Mapping[str, Any]) -> None:
    """Make text of the values that YAML has its own reading of, so that they mean what they mean on a command line.

    YAML 1.1 reads 010 as eight, 12:30 as 750 and a folder `on` as true; the flag knows what it takes.
    """
    for key, value in tree.value:
        if flags[key.value].nargs == 0:
            continue
        for item in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if isinstance(item, yaml.ScalarNode) and item.style is None and item.tag != "tag:yaml.org,2002:null":
                item.tag = "tag:yaml.org,2002:str"


def _wrap(tree: yaml.MappingNode, flags: Mapping[str, Any]) -> None:
    """Make a list of the single values of flags that take one or several."""
    single = [
        place
        for place, (key, value) in enumerate(tree.value)
        if getattr(flags[key.value], "takes_one", False) and isinstance(value, yaml.ScalarNode)
    ]
    for place in single:
        key, value = tree.value[place]
        tree.value[place] = (key, yaml.SequenceNode("tag:yaml.org,2002:seq", [value]))


def _takes_mappings(action: Any) -> bool:
    """Whether the values of a flag may have keys of their own, as those of `views` have."""
    hints = typing.get_args(getattr(action, "_typehint", None))
    return any(typing.get_origin(hint) is dict for hint in hints)


def _form(several: bool) -> str:
    return "a list of values" if several else "one value"


def _takes(flag: str, several: bool) -> str:
    return f"write a list, as in {flag}: [1, 2]" if several else f"write one value, as in {flag}: 1"


def _wrong(name: str, reason: str, line: int | None = None) -> str:
    place = "" if line is None else f" (line {line + 1})"
    return f"--config {name} {reason}{place}; give a file of flags; see --help."
