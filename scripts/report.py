"""Look at results: one page with tables, charts, examples to hear and to turn, and where the numbers come from.

    python -m scripts.report results/rrc results/rrc_rq --out report.html
    python -m scripts.report results/rrc_rq runs/rrc_rq probe.json --out report.html

takes results folders and JSON files of probe_audio, evaluate_modelnet, probe_images and probe_table, and run folders,
and writes one file that needs no network. The first encoder is the one that others are compared with. Trainings that
differ in their seed alone are one row, by their mean. It prints

    report.html: 2 encoders, 3 tasks; 1.2 MB of 5 MB
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.files.atomic import write_text
from randquant.files.store_folder import require_outside_stores
from randquant.report.report import Asked, report


def write_report(
    results: list[str],
    out: Path = Path("report.html"),
    title: str | None = None,
    probe: str | None = None,
    seed: int = 0,
) -> None:
    """Write a report.

    Args:
        results: results folders, JSON files of a probe, and run folders; may be typed without the flag, first of all.
        out: the page, ending in .html.
        title: of the page; the encoders' names by default.
        probe: the results to show and compare: linear, knn, svm, ...; the first that all encoders of a task have by
            default.
        seed: of the bootstrap and of the permutations.
    """
    _require_out(out)
    if len(set(results)) < len(results):
        raise UsageError("the same results are named twice; give each once.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    made = report(Asked(results, title, probe, seed))
    write_text(out, made.html)
    say(f"{out}: {made.about}; {len(made.html.encode()) / 1e6:.1f} MB")


def _require_out(out: Path) -> None:
    require_outside_stores(out)
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder; name a file in it, such as {out / 'report.html'}.")
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out} should end in .html; rename it.")


def arguments(words: Sequence[str]) -> list[str]:
    """The command line with the flag that results typed first of all stand for.

    >>> arguments(["a", "b", "--seed", "1"])
    ['--results', 'a', 'b', '--seed', '1']
    """
    return ["--results", *words] if words and not words[0].startswith("-") else list(words)


if __name__ == "__main__":
    raise SystemExit(run(write_report, arguments(sys.argv[1:]), description=__doc__))
