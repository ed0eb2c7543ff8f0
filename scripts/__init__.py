"""The commands: `python -m scripts.NAME` from the clone, `randquant NAME` where the package is installed."""

import sys
from types import TracebackType


def _interrupted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if sys.argv[:1] == ["-m"]:  # a command is being started: Ctrl-C may come while its libraries are imported
    sys.excepthook = _interrupted
