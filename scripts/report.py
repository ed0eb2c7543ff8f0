"""Look at results: one page with tables, charts, examples to hear and to turn, and where the numbers come from.

    python -m scripts.report results/rrc results/rrc_rq --out report.html
    python -m scripts.report results/rrc_rq runs/rrc_rq probe.json --out report.html

takes results folders and JSON files of probe_audio, evaluate_modelnet, probe_images and probe_table, and run folders,
and writes one file that needs no network. The first encoder is the one that others are compared with. Trainings that
differ in their seed alone are one row, by their mean. It prints

    report.html: 2 encoders, 3 tasks; 1.2 MB of 5 MB

Sounds, shapes, pictures and rows come from the stores that were probed, and what is near what from the features that
the probes left in their cache (--cache); where these are gone, the page says so.
"""

import sys
from functools import partial
from pathlib import Path

from randquant.cli.command import run
from randquant.cli.first_words import with_flag
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.files.atomic import write_text
from randquant.files.store_folder import require_outside_stores
from randquant.maps.projection import Projection


def write_report(
    results: list[str],
    out: Path = Path("report.html"),
    title: str | None = None,
    probe: str | None = None,
    budget: float = 5.0,
    cache: list[Path] | None = None,
    projection: Projection = "auto",
    seed: int = 0,
) -> None:
    """Write a report.

    Args:
        results: results folders, JSON files of a probe, and run folders; may be typed without the flag, first of all.
        out: the page, ending in .html.
        title: of the page; the encoders' names by default.
        probe: the results to show and compare: linear, knn, svm, ...; the first that all encoders of a task have by
            default.
        budget: megabytes that the page may have; examples that do not fit are named only.
        cache: folders of features that probes have left; ${RANDQUANT_CACHE:-~/.cache/randquant}/features, and
            "features" beside each results folder, are looked into anyway.
        projection: of the map of embeddings: umap, pca, or auto: umap where it is installed.
        seed: of the bootstrap, of permutations, and of what is drawn at random.
    """
    from randquant.report.report import Asked, report  # late, since it loads torch, which --help does not need

    _require_out(out)
    if len(set(results)) < len(results):
        raise UsageError("the same results are named twice; give each once.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    if not 0 < budget <= 1_000:
        raise UsageError(f"--budget {budget:g} should be above 0 and at most 1,000 megabytes.")
    beside = [Path(path).parent / "features" for path in results]
    caches = [*(cache or ()), *beside]
    asked = Asked(results, title, probe, seed, round(budget * 1e6), caches, projection)
    made = report(asked, lambda step: say(f"{step} ...", file=sys.stderr))
    write_text(out, made.html)
    size = len(made.html.encode()) / 1e6
    say(f"{out}: {made.about}; {size:.1f} MB of {budget:g} MB", *made.notes)


def _require_out(out: Path) -> None:
    require_outside_stores(out)
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder; name a file in it, such as {out / 'report.html'}.")
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out} should end in .html; rename it.")


arguments = partial(with_flag, "results")


if __name__ == "__main__":
    raise SystemExit(run(write_report, arguments(sys.argv[1:]), description=__doc__))
