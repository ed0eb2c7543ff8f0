"""Figures without a window, written as PNG, PDF or SVG."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from randquant.errors import UsageError
from randquant.files.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")
DOTS = 200  # an inch


def require_picture(out: Path) -> None:
    """Refuse the name of a picture in another format.

    Raises:
        UsageError: it is.
    """
    if out.suffix.lower() not in FORMATS:
        raise UsageError(f"--out {out} should end in {', '.join(FORMATS)}; rename it.")


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of a size in inches.

    Raises:
        UsageError: matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except (ImportError, OSError):
        raise UsageError("the picture needs matplotlib; install it with `pip install matplotlib`.") from None
    return Figure(figsize=(width, height))


def panels(rows: Sequence[str], columns: Sequence[str], *, width: float, height: float) -> tuple["Figure", Any]:
    """A figure of empty panels under the titles of their columns and beside those of their rows.

    Args:
        rows: R titles.
        columns: C titles.
        width, height: of a panel, in inches.

    Returns:
        The figure, and its panels, an array (R, C) of matplotlib's axes.

    Raises:
        UsageError: matplotlib is missing.
    """
    figure = new_figure(width * len(columns) + 0.6, height * len(rows) + 0.3)
    drawn = figure.subplots(len(rows), len(columns), squeeze=False)
    for panel, title in zip(drawn[0], columns, strict=True):
        panel.set_title(title, fontsize=7)
    for panel, title in zip(drawn[:, 0], rows, strict=True):
        panel.set_ylabel(title, fontsize=7)
    left = 0.35 / figure.get_figwidth() + 0.01
    figure.subplots_adjust(left=left, right=0.998, bottom=0.03, top=0.94, wspace=0.0, hspace=0.12)
    return figure, drawn


def write_figure(figure: "Figure", out: Path, *, dots: int = DOTS) -> None:
    """Write a figure in the format its name says, atomically."""
    with atomic_path(out) as temporary:
        figure.savefig(temporary, dpi=dots, format=out.suffix[1:].lower())
