"""Text for a terminal: control characters of labels and file names are escaped, and the encoding is the terminal's."""

import codecs
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from randquant.installation.commands import as_typed

_JOINERS = "\u200c\u200d"  # invisible, but part of how words and emoji are written
_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, direction and format, halves of pairs, separators of lines
_IN_ASCII = {
    "\u2026": "...",
    "\u00b1": "+-",
    "\u00d7": "x",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u2265": ">=",
    "\u2264": "<=",
    "\u2192": "->",
    "\u2020": "*",
    "\u2021": "**",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
}


def printable(text: str) -> str:
    r"""One line in which nothing steers a terminal: control characters, ANSI sequences, new lines, changes of
    direction and bytes that are not UTF-8 are written out as escapes.

    >>> print(printable("dog\x1b[2J\nbark\u202e"))
    dog\x1b[2J\nbark\u202e
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def say(*lines: str, file: TextIO | None = None) -> None:
    """Print each argument as one escaped line, to standard output by default, its commands as they are typed here."""
    for line in lines:
        print(printable(as_typed(line)), file=file)


def on_screen(stream: TextIO | None) -> TextIO:
    """The unescaped stream for a progress bar, which moves the cursor; write only `printable` text to it."""
    below = stream.stream if isinstance(stream, Screen) else stream
    return cast(TextIO, Screen(open(os.devnull, "w") if below is None else below, steering=True, quiet=True))


class Screen:
    """A stream that people read: characters that steer a terminal are escaped, those that its encoding lacks replaced.

    Args:
        stream: where the text goes.
        steering: let control characters pass.
        quiet: whether to go on without it where it cannot be written to, as with a full disk.
    """

    def __init__(self, stream: TextIO, *, steering: bool = False, quiet: bool = False) -> None:
        self.stream = stream
        self._steering, self._quiet = steering, quiet

    def write(self, text: str) -> int:
        """Write text whose new lines and tabs are meant."""
        shown = text if self._steering or text.isprintable() else "".join(map(_shown_in_text, text))
        with self._tolerated():
            self.stream.write(_encodable(shown, self.stream))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what was written."""
        with self._tolerated():
            self.stream.flush()

    @contextmanager
    def _tolerated(self) -> Iterator[None]:
        if not self._quiet:
            yield
            return
        with suppress(OSError, ValueError):
            yield

    def __eq__(self, other: object) -> bool:
        """Whether both write to one stream, by which a bar knows that a line goes where it is."""
        return isinstance(other, Screen) and self.stream is other.stream

    def __hash__(self) -> int:
        return hash(self.stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def terminal() -> Iterator[None]:
    """Within the block, standard output and error accept any text; if they are closed, output is discarded."""
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout = _screen(sys.stdout, quiet=False)
    sys.stderr = _screen(sys.stderr, quiet=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def disconnect(stream: TextIO) -> None:
    """Redirect a broken stream to the null device, so that the interpreter does not report it at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _screen(stream: TextIO | None, *, quiet: bool) -> TextIO:
    if isinstance(stream, Screen):
        return cast(TextIO, stream)
    return cast(TextIO, Screen(open(os.devnull, "w") if stream is None else stream, quiet=quiet))


def _occupy_descriptors() -> None:
    """Open the null device for closed descriptors 0, 1 and 2, so that no other file takes their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _shown(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _STEERING:
        return character
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _shown_in_text(character: str) -> str:
    return character if character in "\n\t" else _shown(character)


def _encodable(text: str, stream: TextIO) -> str:
    """The text with replacements for characters that the stream's encoding lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, _STAND_INS).decode(encoding)
    return text


def _stand_ins(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    replaced = (_IN_ASCII.get(each) or each.encode("ascii", "backslashreplace").decode("ascii") for each in characters)
    return "".join(replaced), error.end


_STAND_INS = "randquant-stand-ins"
codecs.register_error(_STAND_INS, _stand_ins)
