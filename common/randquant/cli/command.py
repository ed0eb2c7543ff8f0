"""From a typed function to a command: its signature is the flags, the YAML keys and the help (through jsonargparse).

    def prepare(root: Path, out: Path, workers: int = 0) -> None:
        '''Pack a folder.

        Args:
            root: folder of recordings.
            out: store to write.
            workers: processes; 0 means one a core.
        '''

    if __name__ == "__main__":
        raise SystemExit(run(prepare))

gives `--root --out --workers --config FILE.yaml --debug --help`. What the user can fix ends in one sentence and exit
code 2 (the command line) or 1 (the data); anything else is a bug and keeps its traceback.
"""

import argparse
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, is_dataclass
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar

from randquant.cli.compilation import compilation_said
from randquant.cli.explanation import explained
from randquant.cli.flag_values import at_home, require_values, require_words
from randquant.cli.help_page import HelpPage, names_of
from randquant.cli.interruption import terminable
from randquant.cli.late_commands import line_of
from randquant.cli.recipe import ConfigFile
from randquant.cli.sections import REST, in_sections
from randquant.cli.spelling import did_you_mean
from randquant.cli.terminal import disconnect, say, terminal
from randquant.errors import DataError, UsageError
from randquant.extras import needs
from randquant.files.store_folder import require_outside_stores
from randquant.installation.commands import program
from randquant.installation.recipes import modality_of, recipes

with needs("train"):
    import docstring_parser
    from jsonargparse import ActionYesNo, ArgumentError, ArgumentParser, Namespace

T = TypeVar("T")


def run(
    commands: Callable[..., Any] | Mapping[str, Callable[..., Any]],
    argv: Sequence[str] | None = None,
    description: str | None = None,
) -> int:
    """Parse the command line, call the function it names and turn errors into one sentence.

    Args:
        commands: a function, or functions by subcommand name. A function's parameters are its flags; a single
            parameter that is a dataclass stands for that dataclass's fields. `list[...]` and `Sequence[...]`
            parameters take several values after one flag.
        argv: arguments; `sys.argv[1:]` where None.
        description: what `--help` opens with, usually the script's `__doc__`; a lone function's docstring otherwise.

    Returns:
        The exit code: 0, 1 (data), 2 (usage) or 130 (interrupted).
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with terminal():
        try:
            call, values = _parse(commands, arguments, description)
            if values.get("out") is not None:
                require_outside_stores(values["out"], itself=False)  # a store itself is what `prepare` writes
            with terminable(), compilation_said():
                result = call(**values)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader of our output, such as `head`, has closed it
            disconnect(sys.stdout)
            return DataError.exit_code
        except (Exception, KeyboardInterrupt) as error:
            return _failed(error, debug="--debug" in arguments)
    return result if isinstance(result, int) else 0


def settings_from(configuration: type[T], argv: Sequence[str]) -> T:
    """The settings that a command with these flags would be called with.

    Args:
        configuration: a dataclass, whose fields are the flags.
        argv: arguments; `--config FILE` among them.

    Raises:
        UsageError: as the command would say it.
    """
    values = _values(_parser(configuration, None), [*argv], source=configuration)
    require_values(values, _hints(configuration))
    return _constructed(configuration, values)


def call_of(command: Callable[..., Any], argv: Sequence[str]) -> Callable[[], Any]:
    """What a command line calls; nothing is called yet, and its errors are raised.

    Args:
        command: a function, as `run` takes it.
        argv: arguments.

    Raises:
        UsageError: as the command would say it.
    """
    call, values = _parse(command, [*argv], None)
    return partial(call, **values)


def call_with(command: Callable[..., Any], settings: Mapping[str, Any]) -> Callable[[], Any]:
    """As `call_of`, of the values of flags, such as a record keeps.

    Args:
        command: a function, as `run` takes it.
        settings: JSON values by flag.

    Raises:
        UsageError: a flag is not known, or a value is not one of its own.
    """
    parser = _parser(command, None)
    try:
        parsed = parser.parse_object(dict(settings))
    except (ArgumentError, argparse.ArgumentError, TypeError, ValueError) as error:
        raise UsageError(_sentence(str(error), parser, [], [])) from None
    call, values = _call(command, _plain(parsed))
    return partial(call, **values)


def _failed(error: BaseException, *, debug: bool) -> int:
    """Say what went wrong in one sentence; a bug, or any error with --debug, keeps its traceback."""
    explanation = None if debug else explained(error)
    if explanation is None:
        raise error
    code, sentence = explanation
    try:
        sys.stdout.flush()
    except OSError:
        disconnect(sys.stdout)
    say(sentence, file=sys.stderr)
    return code


def _parse(
    commands: Callable[..., Any] | Mapping[str, Callable[..., Any]], argv: list[str], description: str | None
) -> tuple[Callable[..., Any], dict[str, Any]]:
    if not isinstance(commands, Mapping):
        parser = _parser(commands, description)
        return _call(commands, _values(parser, argv, source=_signature_source(commands)))
    parser = _empty_parser(description)
    subcommands = parser.add_subcommands(required=True, metavar="COMMAND")
    for name in commands:
        # Flags take milliseconds each to declare: those of other commands are left out.
        subparser = _parser(commands[name], None) if name in argv else _empty_parser(None)
        subcommands.add_subcommand(name, subparser, help=line_of(commands, name))
    values = _values(parser, argv, subcommands=list(commands))
    chosen = values["subcommand"]
    return _call(commands[chosen], values[chosen])


def _call(function: Callable[..., Any], values: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """What to call, and its values, of which none is one that no flag takes."""
    source = _signature_source(function)
    values = {name: at_home(value) for name, value in values.items()}
    require_values(values, _hints(source))
    if source is function:
        return function, values
    return lambda **given: function(_constructed(source, given)), values


def _hints(source: Any) -> dict[str, Any]:
    return typing.get_type_hints(source.__init__ if inspect.isclass(source) else source)


def _values(
    parser: ArgumentParser, argv: list[str], subcommands: Sequence[str] = (), *, source: Any = None
) -> dict[str, Any]:
    """The values by flag; of a source that completes what was typed, which defaults would hide, those that were."""
    require_words(argv)
    printed = any(word.startswith("--print_config") for word in argv)
    try:
        parsed = parser.parse_args(argv, defaults=printed or not hasattr(source, "completed"))
    except (ArgumentError, argparse.ArgumentError, TypeError, ValueError) as error:
        raise UsageError(_sentence(str(error), parser, argv, subcommands)) from None
    return _plain(parsed)


def _plain(value: Any) -> Any:
    if isinstance(value, Namespace):
        return {key: _plain(inner) for key, inner in vars(value).items() if key not in ("config", "debug", "__path__")}
    return value


def _empty_parser(description: str | None) -> ArgumentParser:
    script = Path(sys.argv[0])
    named = f"python -m {script.parent.name}.{script.stem}" if script.suffix == ".py" else script.name
    return ArgumentParser(
        prog=program() or named,
        description=textwrap.dedent(description or "").strip(),
        formatter_class=HelpPage,
        exit_on_error=False,
        allow_abbrev=False,
    )


def _parser(function: Callable[..., Any], description: str | None) -> ArgumentParser:
    parser = _empty_parser(description or _long_description(function))
    source = _signature_source(function)
    modality = modality_of(source)
    known = f", or a recipe by name ({', '.join(recipes(modality))})" if modality else ""
    config = parser.add_argument(
        "--config", action=ConfigFile, help=f"YAML file of flags{known}; flags typed after it win"
    )
    config.modality = modality
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    hints = _hints(source)
    helps = _parameter_helps(source)
    parameters = inspect.signature(source).parameters
    sections = getattr(source, "SECTIONS", None)
    if sections is not None:  # there are too many flags to read them all in the first line
        parser.usage = "%(prog)s [--config FILE] [FLAGS], as listed below"
    for title, names in in_sections(parameters, sections or {"": (REST,)}).items():
        holder = parser.add_argument_group(title) if title else parser
        for name in names:
            _add_flag(holder, name, hints[name], _default(source, name, parameters[name]), helps.get(name, ""))
    return parser


def _default(source: Any, name: str, parameter: inspect.Parameter) -> Any:
    """The default value; for a dataclass field with a factory, what the factory makes."""
    factory = source.__dataclass_fields__[name].default_factory if is_dataclass(source) else MISSING
    return parameter.default if factory is MISSING else factory()


def _add_flag(parser: Any, name: str, hint: Any, default: Any, text: str) -> None:
    required = default is inspect.Parameter.empty
    options: dict[str, Any] = {"help": text or None, "required": required}
    if not required:
        options["default"] = list(default) if isinstance(default, tuple) else default
    if hint is bool:
        parser.add_argument(f"--{name}", action=ActionYesNo(yes_prefix="", no_prefix="no_"), **options)
    elif _item_type(hint) is not None:
        takes_one = isinstance(hint, UnionType) and _item_type(hint) in hint.__args__  # float | list[float]
        if takes_one and not required:
            options["default"] = [default]
        parser.add_argument(f"--{name}", type=_item_type(hint), nargs="+", **options).takes_one = takes_one
    elif typing.get_origin(hint) is tuple:
        parser.add_argument(f"--{name}", type=typing.get_args(hint)[0], nargs=len(typing.get_args(hint)), **options)
    else:
        parser.add_argument(f"--{name}", type=hint, **options)


def _item_type(hint: Any) -> Any:
    """The item type of `list[X]`, `Sequence[X]` or either `| None`; None for anything else."""
    for option in (hint, *typing.get_args(hint)):
        if typing.get_origin(option) in (list, Sequence):
            return typing.get_args(option)[0]
    return None


def _signature_source(function: Callable[..., Any]) -> Any:
    """The function itself, or the dataclass that is its one parameter."""
    hints = typing.get_type_hints(function)
    parameters = list(inspect.signature(function).parameters)
    lone = hints.get(parameters[0]) if len(parameters) == 1 else None
    return lone if is_dataclass(lone) else function


def _constructed(configuration: Any, values: dict[str, Any]) -> Any:
    """Build the dataclass, which may complete what was typed; what its own checks refuse is a usage error."""
    try:
        return configuration(**getattr(configuration, "completed", dict)(values))
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from None


def _parameter_helps(source: Any) -> dict[str, str]:
    """Parameter descriptions from the docstring, base classes first so that a subclass may override them."""
    holders = reversed(source.__mro__) if inspect.isclass(source) else [source]
    entries = [entry for holder in holders for entry in docstring_parser.parse(holder.__doc__ or "").params]
    return {entry.arg_name: " ".join((entry.description or "").split()) for entry in entries}


def _long_description(function: Callable[..., Any]) -> str:
    parsed = docstring_parser.parse(function.__doc__ or "")
    return "\n\n".join(part for part in (parsed.short_description, parsed.long_description) if part)


def _sentence(message: str, parser: ArgumentParser, argv: list[str], subcommands: Sequence[str]) -> str:
    """Reduce a parser's message to one sentence that names the flag and the remedy."""
    text = " ".join(message.split()).removesuffix(".")
    if subcommands and not any(word in subcommands for word in argv):
        given = next((word for word in argv if not word.startswith("-")), None)
        problem = "a command is required" if given is None else f"{given} is not a command"
        near = did_you_mean(given or "", subcommands)
        return f"{problem}{near}: give one of {', '.join(subcommands)}; see --help."
    missing = re.search(r"arguments are required: (.+)", text)
    if missing:
        names = [f"--{name.rsplit('.', 1)[-1]}" for name in missing.group(1).split(", ")]
        return f"{' and '.join(names)} must be given{_meant(names, parser, argv)}; see --help."
    unknown = re.search(r"[Uu]nrecognized arguments: (\S+)", text) or re.search(r"(?:O|o)ption '([\w.]+)'", text)
    if unknown:
        return f"{unknown.group(1)} is not known here{_nearest(unknown.group(1), parser, argv)}; see --help."
    value = re.search(
        r'(?:Parser key "|argument --)([\w.]+)"?(?: element \d+)?: .*?(?:Given value|Got value|value): (\S+)', text
    )
    if value:
        name = f"--{value.group(1).rsplit('.', 1)[-1]}"
        return f"{name} does not take the value {value.group(2)}{_expected(_actions(parser, argv), name)}; see --help."
    alone = re.search(r"argument --([\w.]+): expected (?:one|at least one) argument", text)
    if alone:
        name = f"--{alone.group(1)}"
        return f"{name} needs a value; one that begins with a dash is written {name}=./-NAME; see --help."
    unread = re.search(r'Parser key "([\w.]+)"', text)
    if unread:
        name = f"--{unread.group(1).rsplit('.', 1)[-1]}"
        return f"{name} does not take its value; a name of brackets is written {name} './{{0}}'; see --help."
    return f"{text}; see --help."


def _meant(names: Sequence[str], parser: ArgumentParser, argv: list[str]) -> str:
    """What a lone flag stands for, as the first words of its help say."""
    helps = (action.help or "" for action in _actions(parser, argv) if names[0] in action.option_strings)
    said = re.split(r"[;(]|\.(?: |$)", next(helps, ""))[0].strip() if len(names) == 1 else ""
    return f" ({said})" if said else ""


def _expected(actions: list[argparse.Action], flag: str) -> str:
    """What a flag takes, in the words of the help page."""
    typehint = next((getattr(action, "_typehint", None) for action in actions if flag in action.option_strings), None)
    if typehint is None:
        return ""
    if typing.get_origin(typehint) is typing.Literal:
        return f" (expected one of {', '.join(map(str, typing.get_args(typehint)))})"
    if typing.get_origin(typehint) is typing.Union:
        return f" (expected {' or '.join(each for part in typing.get_args(typehint) for each in names_of(part))})"
    return f" (expected {typehint.__name__ if inspect.isclass(typehint) else typehint})"


def _nearest(unknown: str, parser: ArgumentParser, argv: list[str]) -> str:
    flags = [flag.lstrip("-") for action in _actions(parser, argv) for flag in action.option_strings]
    typed = unknown.lstrip("-").split("=")[0].rsplit(".", 1)[-1]
    return did_you_mean(typed, flags, prefix="--" if unknown.startswith("-") else "")


def _actions(parser: ArgumentParser, argv: list[str]) -> list[argparse.Action]:
    """The parser's own flags and those of the subcommand that was typed."""
    actions = list(parser._actions)
    for action in parser._actions:
        choices = action.choices
        if isinstance(choices, Mapping):
            actions += [inner for word in argv if word in choices for inner in choices[word]._actions]
    return actions
