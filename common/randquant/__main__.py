"""`randquant COMMAND ...`: the commands without a clone; alone it shows versions, devices and what is installed.

    randquant                                     the same as python -m randquant
    randquant --help                              every command in a line
    randquant prepare folder --root RECORDINGS --out STORE
    randquant embed --help

`randquant COMMAND` is `python -m scripts.COMMAND` of the clone.
"""

import runpy
import sys

from randquant import __version__
from randquant.cli.spelling import did_you_mean
from randquant.cli.terminal import say, terminal
from randquant.errors import DataError, UsageError
from randquant.extras import names_extra
from randquant.installation.commands import commands, summary
from randquant.installation.overview import overview


def main() -> int:
    """Run the command that the first word names.

    Returns:
        The exit code: 2 where there is no such command, 1 where a library that it needs is missing, 130 where it is
        interrupted.
    """
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    name = first.replace("-", "_") if not first.startswith("-") else first
    with terminal():
        if name in ("", "--help", "-h", "--version"):
            say(*{"": _alone, "--version": lambda: [__version__]}.get(name, _help)())
            return 0
        if name not in commands():
            near = did_you_mean(name, commands())
            say(f"error: {first} is not a command{near}; randquant --help lists them.", file=sys.stderr)
            return UsageError.exit_code
    sys.argv = [sys.argv[0], *sys.argv[2:]]
    try:
        runpy.run_module(f"randquant.scripts.{name}", run_name="__main__", alter_sys=True)
    except ImportError as error:
        if not names_extra(error):
            raise
        say(f"error: {error}.", file=sys.stderr)
        return DataError.exit_code
    except KeyboardInterrupt:  # while its libraries are imported; later the command itself says more
        say("interrupted.", file=sys.stderr)
        return 130
    return 0


def _alone() -> list[str]:
    return [*overview(), "", "randquant --help lists the commands, randquant COMMAND --help explains one."]


def _help() -> list[str]:
    width = max(map(len, commands()))
    lines = [f"  {name:<{width}}  {summary(name)}" for name in commands()]
    return ["usage: randquant COMMAND [FLAGS], or randquant alone for what is installed", "", *lines]


if __name__ == "__main__":
    raise SystemExit(main())
