"""JSON inside a page of HTML."""

import json
from typing import Any


def embedded_json(value: Any) -> str:
    """JSON inside a script element, which it cannot end, whatever its texts are.

    Raises:
        ValueError: it holds a NaN or an infinity.

    >>> print(embedded_json(["</script>"]))
    ["\\u003c/script\\u003e"]
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace").decode()
