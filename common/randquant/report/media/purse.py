"""How many bytes of a page are left for examples."""

from randquant.report.media.excerpt import Excerpt


class Purse:
    """A budget that excerpts are paid from; what no longer fits is counted.

    Args:
        left: bytes.
    """

    def __init__(self, left: int) -> None:
        self.left, self.refused = left, 0

    def take(self, excerpt: Excerpt | None) -> Excerpt | None:
        """The excerpt, if it fits."""
        if excerpt is None:
            return None
        if excerpt.size > self.left:
            self.refused += 1
            return None
        self.left -= excerpt.size
        return excerpt
