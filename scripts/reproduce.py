"""Run results again from what they say of themselves, and say what is equal.

    python -m scripts.reproduce results/rrc_rq
    python -m scripts.reproduce probe.json --only nsynth svm --data /old/stores=/new/stores
    python -m scripts.reproduce RUN --out again
    python -m scripts.reproduce RESULTS.md
    python -m scripts.reproduce RESULTS.md --only "are the data" mixup --data .../data=/my/data --out again

Every row of a results folder, or of a JSON file of a probe, names its command with all settings, its checkpoint and its
store. The command is run again, by the same functions, and prints

    task        probe   stated   again  state
    fsdd_digit  linear  0.7148  0.7148  equal
    fsdd_digit  knn     0.9000  0.6567  differs
    fsdd_digit knn: accuracy 0.9 -> 0.656667; the predictions are equal, so these numbers were changed, or are ...
    2 rows: 1 equal, 1 differs

Equal means: the same weights and data, and every number and prediction to the bit. Other versions, another device or
number of threads are told too. Features come from the cache, whose entries go by the hashes of weights and
data; --fresh makes them again. The exit code is 0 where all rows are equal, else 1.

A run folder is trained again, which takes as long as it took: the cost is said first. The weights are then compared.

Of a page, such as RESULTS.md, the questions are listed; with --only, which takes a part of a title each, the commands
below them are shown and run by bash in --out. Where a page says .../data, --data says what that is here.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from randquant.cli.command import run
from randquant.cli.first_words import with_flag
from randquant.cli.terminal import say
from randquant.errors import DataError, UsageError
from randquant.files.store_folder import require_outside_stores
from randquant.scripts.reproduction.places import Places
from randquant.training.run_folder import FINISHED
from randquant.training.run_settings import is_run

if TYPE_CHECKING:
    from randquant.results.record import Result


def reproduce(
    results: str,
    only: list[str] | None = None,
    data: list[str] | None = None,
    out: Path | None = None,
    fresh: bool = False,
    cache: Path | None = None,
) -> int:
    """Run every row of a result again, or train a run again.

    Args:
        results: results folder, JSON file of a probe, run folder, or page; may be typed without the flag, first of all.
        only: rows of these tasks and probes: the name of a task, of a probe, or TASK/PROBE; of a page, questions.
        data: OLD=NEW, where stores and checkpoints are now; OLD may be a folder above them.
        out: folder for what is made again; by default it is deleted in the end, but for runs and pages, which need it.
        fresh: make all features again.
        cache: folder of features; ${RANDQUANT_CACHE:-~/.cache/randquant}/features by default.
    """
    path = Path(results)
    if not path.exists():
        raise DataError(
            f"{results} does not exist; give a results folder, a JSON file of a probe, a run folder or a page."
        )
    if out is not None:
        require_outside_stores(out)
    places = Places.of(data or [], path / "inside" if path.is_dir() else path)
    if path.suffix == ".md":
        return _page(path, only, places, out)
    if is_run(path):
        if only is not None or fresh:
            raise UsageError(f"--only and --fresh are of results, but {results} is a run; leave them out.")
        return _training(path, places, out)
    with _folder(out) as folder:
        return _rows(results, only, places, folder, folder / "features" if fresh else cache)


def _rows(results: str, only: Sequence[str] | None, places: Places, out: Path, cache: Path | None) -> int:
    from randquant.data.features import default_cache
    from randquant.results.compare import read_results
    from randquant.scripts.reproduction.lines import closing_lines, lacking
    from randquant.scripts.reproduction.rows import Row, groups, run_again

    kept, stated = read_results(results)
    chosen = _chosen(stated, only, results)
    rows = []
    todo = groups(chosen)
    for number, group in enumerate(todo):
        first = group.rows[0]
        probes = ", ".join(each.probe for each in group.rows)
        say(f"[{number + 1}/{len(todo)}] {group.command.name} on {first.task}: {probes}", file=sys.stderr)
        rows += run_again(group, places, out / f"{number + 1:02d}", cache or default_cache(), kept)
    silent = [each for each in chosen if each.command is None]
    reason = "its record does not name its command, as those of earlier versions"
    rows += [Row(each, reason=reason) for each in silent]
    say(*closing_lines(rows), *lacking(silent))
    return 0 if all(row.state == "equal" for row in rows) else DataError.exit_code


def _chosen(stated: Sequence["Result"], only: Sequence[str] | None, results: str) -> list["Result"]:
    if only is None:
        return list(stated)
    names = [{each.task, each.probe, f"{each.task}/{each.probe}"} for each in stated]
    unknown = [name for name in only if not any(name in known for known in names)]
    if unknown:
        held = ", ".join(f"{each.task}/{each.probe}" for each in stated)
        raise UsageError(f"--only {unknown[0]} is no task or probe of {results} (it holds: {held}).")
    return [each for each, known in zip(stated, names, strict=True) if known & set(only)]


def _page(page: Path, only: Sequence[str] | None, places: Places, out: Path | None) -> int:
    from randquant.scripts.reproduction.page import chosen, questions, type_again

    found = questions(page)
    if only is None:
        say(*map(str, found), "choose with --only, which takes a part of a title, and --out, the folder to work in.")
        return 0
    if out is None:
        raise UsageError(f"{page} is a page; give --out, the folder to run its commands in.")
    type_again(chosen(found, only, page), places, out)
    return 0


def _training(path: Path, places: Places, out: Path | None) -> int:
    from randquant.scripts.reproduction.trainings import Trained, in_words, origin_changes, train_again, weight_changes

    if out is None:
        raise UsageError(f"{path} is a run; give --out, the folder to train it again in.")
    if (out / FINISHED).exists():
        raise UsageError(f"--out {out} holds a finished run; give a new folder.")
    stated = Trained.open(path)
    say(f"{path}: training again, {stated.cost()}", file=sys.stderr)
    again = train_again(stated, places, out)
    differing, origin = weight_changes(stated, again), origin_changes(stated, again)
    if origin:
        say(f"made otherwise: {in_words(origin)}")
    if not differing:
        say(f"equal: {path} and {out} hold the same encoder, {stated.weights.sha256}")
        return 0
    say(f"differs: {path} and {out} hold other encoders: {'; '.join(differing)}")
    return DataError.exit_code


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The folder for what is made again; one that is deleted in the end where none is named."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="reproduce-") as temporary:
        yield Path(temporary)


arguments = partial(with_flag, "results")


if __name__ == "__main__":
    raise SystemExit(run(reproduce, arguments(sys.argv[1:]), description=__doc__))
