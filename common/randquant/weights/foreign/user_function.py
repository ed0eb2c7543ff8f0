"""A function of the user's, as named on the command line: found, called, and told apart from any other."""

import importlib
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from randquant.errors import UsageError, UserError, one_line

PREFIX = "python:"
_NAME = re.compile(r"python:(?P<module>[^:]+):(?P<function>[^:]+)(?::(?P<argument>.*))?", re.DOTALL)


@dataclass(frozen=True)
class UserFunction:
    """A function that makes an encoder.

    Attributes:
        name: as typed.
        function: what is called.
        argument: given to it as its only one; None to call it without.
        module: its dotted name.
        source: the file of that module.
    """

    name: str
    function: Callable[..., Any]
    argument: str | None
    module: str
    source: Path

    def encoder(self, seed: int) -> Any:
        """What the function returns, called once for a seed; the global random state is untouched.

        Raises:
            UsageError: it fails; the sentence says at which line.
        """
        return _called(self, seed)

    def says(self) -> dict[str, Any]:
        """JSON-ready: which function it is."""
        return {"module": self.module, "function": self.function.__qualname__, "argument": self.argument}


def user_function(name: str) -> UserFunction:
    """Find `python:module:function` or `python:module:function:ARGUMENT`; importing it runs the user's code.

    The module is looked for in the current folder first, as Python does with a script there, then among those that
    are installed.

    Raises:
        UsageError: the name has another form, there is no such module or function, or importing it fails.
    """
    said = _NAME.fullmatch(name)
    if said is None:
        raise UsageError(
            f"--checkpoint {name} should say python:MODULE:FUNCTION, or python:MODULE:FUNCTION:ARGUMENT for a function "
            "of one text, as in python:my_encoders:make for make() in my_encoders.py of the current folder."
        )
    if not all(map(str.isidentifier, said["module"].split("."))):
        raise UsageError(
            f"--checkpoint {name}: {said['module']!r} is no name of a module; go to the folder of your file and give "
            "its name without .py, with points between folders."
        )
    module = _imported(name, said["module"])
    function: Any = module
    for part in said["function"].split("."):
        function = getattr(function, part, None)
    if not callable(function):
        found = "no" if function is None else "something else called"
        raise UsageError(f"--checkpoint {name}: {module.__file__} has {found} {said['function']}; give a function.")
    return UserFunction(name, function, said["argument"], said["module"], Path(module.__file__ or said["module"]))


def _imported(name: str, module: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise UsageError(
                f"--checkpoint {name}: there is no module {error.name}, neither in {here} nor installed; give the "
                f"name of a file of yours without its .py, or of an installed package."
            ) from None
        raise _failed(name, error) from None
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(name, error) from None


@lru_cache(maxsize=1)
def _called(user: UserFunction, seed: int) -> Any:
    import torch  # late, since --help does not need it

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return user.function() if user.argument is None else user.function(user.argument)
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # sys.exit would end without a word
            raise _failed(user.name, error) from None


def _failed(name: str, error: BaseException) -> UsageError:
    """The user's code failed: what it says, and at the last line that is theirs."""
    return UsageError(
        f"--checkpoint {name}: your code failed{place_of(error)}: {type(error).__name__}: {one_line(error)}."
    )


def place_of(error: BaseException) -> str:
    """Where an error of foreign code was raised, as " at line N of FILE"; a syntax error says that itself."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(("<", str(Path(__file__).parents[3])))]
    own = [frame for frame in theirs if "site-packages" not in frame.filename and "importlib" not in frame.filename]
    found = own or theirs
    if not found or isinstance(error, SyntaxError):
        return ""
    return f" at line {found[-1].lineno} of {found[-1].filename}"
