"""Prepare a dataset: decode every recording once, to 16 kHz mono, into a store that training memory-maps.

    python -m scripts.prepare folder --root RECORDINGS --out STORE                    any tree of recordings
    python -m scripts.prepare labelled --csv TASK.csv --root RECORDINGS --out STORE   path,label,group,split
    python -m scripts.prepare nsynth --root NSYNTH --out STORE                        NSynth as unpacked
    python -m scripts.prepare synthetic-nsynth --out NSYNTH                           a small made-up NSynth

Stop it whenever you like: the same command goes on from there. Files that cannot be read are listed at the
end. It closes with

    STORE: 3,000 recordings, 0.36 hours, 0 skipped
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from data_prep.folder import plan_folder
from data_prep.labelled import plan_labelled
from data_prep.nsynth import plan_nsynth
from data_prep.preparation import Plan, prepare
from data_prep.synthetic import write_nsynth
from randquant.command import run
from randquant.errors import UsageError
from randquant.store import SPLITS, Store

_SHOWN = 20  # labels and skipped files in the summary; store.json has them all


def folder(root: Path, out: Path, workers: int | None = None, strict: bool = False) -> None:
    """Prepare every recording below a folder, without labels.

    Args:
        root: folder of recordings, at any depth; WAV, FLAC, OGG, MP3 and others, any rate, any number of
            channels.
        out: store to write.
        workers: processes; one a core by default.
        strict: stop at the first unreadable file instead of listing it at the end.
    """
    _prepare(plan_folder(root), out, workers, strict)


def labelled(csv: Path, root: Path, out: Path, workers: int | None = None, strict: bool = False) -> None:
    """Prepare the recordings a CSV file names, with their labels and splits.

    Args:
        csv: table with the columns path,label,group,split; group is optional, split is train, valid or test.
        root: folder the paths in the table start from.
        out: store to write.
        workers: processes; one a core by default.
        strict: stop at the first unreadable file instead of listing it at the end.
    """
    _prepare(plan_labelled(csv, root), out, workers, strict)


def nsynth(root: Path, out: Path, workers: int | None = None, strict: bool = False) -> None:
    """Prepare NSynth, labelled with the instrument family.

    Args:
        root: folder that holds nsynth-train, nsynth-valid and nsynth-test as unpacked.
        out: store to write.
        workers: processes; one a core by default.
        strict: stop at the first unreadable file instead of listing it at the end.
    """
    _prepare(plan_nsynth(root), out, workers, strict)


def synthetic_nsynth(out: Path, instruments: int = 6, notes_per_instrument: int = 9, seed: int = 0) -> None:
    """Write a small set of synthetic notes in NSynth's tree, to prepare with `nsynth`.

    Args:
        out: folder to write nsynth-train, nsynth-valid and nsynth-test into.
        instruments: per family, in train; valid and test have a third of it each, other ones.
        notes_per_instrument: notes each instrument plays, at most 25.
        seed: of everything that is drawn.
    """
    if instruments < 1 or not 1 <= notes_per_instrument <= 25 or seed < 0:
        raise UsageError(
            "--instruments should be at least 1, --notes_per_instrument 1 to 25 and --seed at least 0, "
            f"got {instruments}, {notes_per_instrument} and {seed}."
        )
    write_nsynth(
        out,
        train_instruments=instruments,
        held_out_instruments=max(1, instruments // 3),
        notes_per_instrument=notes_per_instrument,
        seed=seed,
    )
    print(f"{out}: prepare it with python -m scripts.prepare nsynth --root {out} --out STORE")


def _prepare(plan: Plan, out: Path, workers: int | None, strict: bool) -> None:
    complete = Store.exists(out)
    store = prepare(plan, out, workers=workers, strict=strict)
    if complete:
        print(f"{out} is complete already; nothing was done.")
    print("\n".join(summary(store)))


def summary(store: Store) -> list[str]:
    """What a store holds and what was left out, in lines."""
    skipped = store.info["skipped"]
    hours = float(store.lengths.sum()) / store.info["sample_rate"] / 3600
    lines = [f"{store.path}: {len(store):,} recordings, {hours:.2f} hours, {len(skipped):,} skipped"]
    lines += _source_lines(store.info["source"])
    lines += _table(store)
    lines += [f"skipped {entry['path']}: {entry['reason']}" for entry in skipped[:_SHOWN]]
    if len(skipped) > _SHOWN:
        lines.append(f"… and {len(skipped) - _SHOWN:,} more; store.json lists them all")
    return lines


def _source_lines(source: dict) -> list[str]:
    lines = []
    if source.get("other_files"):
        lines.append(f"passed over {source['other_files']:,} files without a suffix of a recording")
    if source.get("missing_splits"):
        lines.append(f"absent: {', '.join(f'nsynth-{split}' for split in source['missing_splits'])}")
    return lines


def _table(store: Store) -> list[str]:
    """Recordings by label and split."""
    counts = Counter(zip(store.column("label"), store.column("split"), strict=True))
    labels = sorted({label for label, _ in counts if label is not None})
    if not labels:
        return []
    width = max(len("label"), *(len(label) for label in labels[:_SHOWN]))
    lines = [f"  {'label':<{width}}" + "".join(f"{split:>9}" for split in SPLITS)]
    for label in labels[:_SHOWN]:
        lines.append(f"  {label:<{width}}" + "".join(f"{counts[label, split]:>9,}" for split in SPLITS))
    if len(labels) > _SHOWN:
        lines.append(f"  … and {len(labels) - _SHOWN:,} more labels")
    totals = [sum(count for (_, found), count in counts.items() if found == split) for split in SPLITS]
    return [*lines, f"  {'all':<{width}}" + "".join(f"{total:>9,}" for total in totals)]


COMMANDS: dict[str, Callable[..., None]] = {
    "folder": folder,
    "labelled": labelled,
    "nsynth": nsynth,
    "synthetic-nsynth": synthetic_nsynth,
}

if __name__ == "__main__":
    raise SystemExit(run(COMMANDS, description=__doc__))
