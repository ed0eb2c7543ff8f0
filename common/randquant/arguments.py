"""Arguments of augmentations, checked once in the constructor."""


def checked_probability(name: str, value: float) -> float:
    """The value as a float; ValueError where it is not in [0, 1]."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} should be a probability in [0, 1], got {value!r}.")
    return float(value)


def checked_size(name: str, value: float) -> float:
    """The value as a float; ValueError where it is negative or infinite."""
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"{name} should be a finite number >= 0, got {value!r}.")
    return float(value)


def checked_range(name: str, bounds: tuple[float, float], most: float = float("inf")) -> tuple[float, float]:
    """The bounds as floats; ValueError where they are not 0 <= low <= high <= most and finite."""
    if len(bounds) != 2 or not 0.0 <= bounds[0] <= bounds[1] <= most or bounds[1] == float("inf"):
        limit = "" if most == float("inf") else f" <= {most:g}"
        raise ValueError(f"{name} should be two numbers with 0 <= low <= high{limit}, got {bounds!r}.")
    return float(bounds[0]), float(bounds[1])


def checked_factors(name: str, bounds: tuple[float, float]) -> tuple[float, float]:
    """The bounds as floats; ValueError where they are not 0 < low <= high and finite."""
    low, high = checked_range(name, bounds)
    if low == 0.0:
        raise ValueError(f"{name} should be two factors > 0, got {bounds!r}.")
    return low, high


def checked_count(name: str, value: int, least: int = 1) -> int:
    """The value; ValueError where it is not an integer >= least."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} should be an integer >= {least}, got {value!r}.")
    return value
