"""Numbers out of text, exactly as they are written."""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled

_EXACT = 2**53  # integers up to it, and powers of ten up to the 22nd, are numbers of double precision
_POWERS = np.array([10.0**power for power in range(23)])


@compiled
def numbers(text: Any, found: Any, whole: bool) -> int:
    """Fill `found` with the numbers in the bytes of a text, blanks between them; how many there are.

    -1 where a word is no number, or one that `number_at` does not tell exactly; with `whole`, where one is not written
    as a whole number.
    """
    at, end, count = 0, len(text), 0
    while True:
        while at < end and is_blank(text[at]):
            at += 1
        if at == end:
            return count
        at, number, value = number_at(text, at, end, whole)
        if at < 0 or (at < end and not is_blank(text[at])):
            return -1
        if whole:
            found[count] = number
        else:
            found[count] = value
        count += 1


@compiled
def is_blank(byte: int) -> bool:
    """Whether it stands between words."""
    return byte == 32 or 9 <= byte <= 13


@compiled
def number_at(text: Any, at: int, end: int, whole: bool) -> Any:
    """The place behind a number that begins here, and the number: as int64 where it is `whole`, else as float64.

    The place is -1 where there is none, or one of more than 18 digits, or one that a product or quotient of two exact
    numbers does not give.
    """
    negative = text[at] == 45
    if negative or text[at] == 43:
        at += 1
    digits, power, number, point = 0, 0, 0, False
    while at < end:
        if 48 <= text[at] <= 57:
            number = 10 * number + text[at] - 48
            digits, power = digits + 1, power - point
        elif text[at] == 46 and not (point or whole):
            point = True
        else:
            break
        at += 1
    if not 0 < digits <= 18:
        return -1, 0, 0.0
    if whole:
        return at, -number if negative else number, 0.0
    if at < end and (text[at] == 69 or text[at] == 101):
        at, exponent = _exponent_at(text, at + 1, end)
        power += exponent
    if at < 0 or number > _EXACT or not -22 <= power <= 22:
        return -1, 0, 0.0
    value = float(number)
    value = value * _POWERS[power] if power >= 0 else value / _POWERS[-power]
    return at, 0, -value if negative else value


@compiled
def _exponent_at(text: Any, at: int, end: int) -> Any:
    """The place behind up to four digits and their sign, -1 where there are none, and the exponent."""
    down = at < end and text[at] == 45
    if at < end and (down or text[at] == 43):
        at += 1
    start, exponent = at, 0
    while at < end and at < start + 4 and 48 <= text[at] <= 57:
        exponent = 10 * exponent + text[at] - 48
        at += 1
    return (at if at > start else -1), (-exponent if down else exponent)
