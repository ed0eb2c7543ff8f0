"""Numbers out of text, exactly as they are written."""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled

_EXACT = 2**53  # integers up to it, and powers of ten up to the 22nd, are numbers of double precision
_POWERS = np.array([10.0**power for power in range(23)])


@compiled
def decimals(text: Any, found: Any) -> int:
    """Fill `found` with the numbers in the bytes of a text, blanks between them; how many there are.

    -1 where a word is no decimal number, or one that a product or quotient of two exact numbers does not give.
    """
    at, end, count = 0, len(text), 0
    while True:
        while at < end and (text[at] == 32 or 9 <= text[at] <= 13):
            at += 1
        if at == end:
            return count
        negative = text[at] == 45
        if negative or text[at] == 43:
            at += 1
        digits, power, number, point = 0, 0, 0, False
        while at < end:
            if 48 <= text[at] <= 57:
                number = 10 * number + text[at] - 48
                digits, power = digits + 1, power - point
            elif text[at] == 46 and not point:
                point = True
            else:
                break
            at += 1
        if not 0 < digits <= 18:
            return -1
        if at < end and (text[at] == 69 or text[at] == 101):
            at += 1
            down = at < end and text[at] == 45
            if at < end and (down or text[at] == 43):
                at += 1
            start, exponent = at, 0
            while at < end and at < start + 4 and 48 <= text[at] <= 57:
                exponent = 10 * exponent + text[at] - 48
                at += 1
            if at == start:
                return -1
            power += -exponent if down else exponent
        if at < end and not (text[at] == 32 or 9 <= text[at] <= 13):
            return -1
        if number > _EXACT or not -22 <= power <= 22:
            return -1
        value = float(number)
        value = value * _POWERS[power] if power >= 0 else value / _POWERS[-power]
        found[count] = -value if negative else value
        count += 1


@compiled
def integers(text: Any, found: Any) -> int:
    """The same of whole numbers; -1 where a word is none, or has more than 18 digits."""
    at, end, count = 0, len(text), 0
    while True:
        while at < end and (text[at] == 32 or 9 <= text[at] <= 13):
            at += 1
        if at == end:
            return count
        negative = text[at] == 45
        if negative or text[at] == 43:
            at += 1
        start, number = at, 0
        while at < end and 48 <= text[at] <= 57:
            number = 10 * number + text[at] - 48
            at += 1
        if not 0 < at - start <= 18 or (at < end and not (text[at] == 32 or 9 <= text[at] <= 13)):
            return -1
        found[count] = -number if negative else number
        count += 1
