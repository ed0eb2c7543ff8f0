"""All files below a folder, without labels: recordings, and other kinds by their suffix."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from randquant.cli.terminal import printable
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.recordings import DECODED, FOREIGN, RECORDINGS
from randquant.data_prep.scan import existing_folder, file_size, visible_files
from randquant.errors import DataError

_KINDS = 20  # suffixes of other files that are counted one by one
_SUFFIXES = 12  # of those looked for that the message names
ARRAYS = (".npy",)


def plan_folder(root: str | Path, reader: Reader = RECORDINGS, *, arrays: bool = False) -> Plan:
    """All recordings below `root`, as `plan_files` finds them.

    NumPy files (.npy) hold features as often as waveforms: they are taken with `arrays`, and where nothing else is.

    Raises:
        DataError: `root` is not a folder or holds no recording.
    """
    decoded = (*DECODED, *ARRAYS) if arrays else DECODED
    try:
        return plan_files(root, decoded, reader, dataset="folder", kind="recordings", foreign=FOREIGN)
    except DataError:
        if arrays or not any(path.suffix.lower() in ARRAYS for path in visible_files(existing_folder(root))):
            raise
        return plan_files(root, ARRAYS, reader, dataset="folder", kind="recordings")


def plan_files(
    root: str | Path, suffixes: Sequence[str], reader: Reader, *, dataset: str, kind: str, foreign: Sequence[str] = ()
) -> Plan:
    """All files below `root` that have one of some suffixes, sorted by path; the rest is counted as `other_files`
    and by suffix as `other_kinds`.

    Hidden files and folders, `__MACOSX` and macOS's `._*` are skipped; symbolic links are followed.

    Args:
        root: a folder.
        suffixes: that are looked for, in lower case; files may have them in capitals.
        reader: of these files.
        dataset: what the store calls its source.
        kind: what the files are, in the plural, for the error message.
        foreign: further suffixes, of files that are planned to be reported, since they cannot be read.

    Raises:
        DataError: `root` is not a folder or holds no such file.
    """
    root = existing_folder(root)
    paths = list(visible_files(root))
    wanted = {*suffixes, *foreign}
    items = [
        Item(path.relative_to(root).as_posix(), file_size(path)) for path in paths if path.suffix.lower() in wanted
    ]
    others = Counter(path.suffix.lower() for path in paths if path.suffix.lower() not in wanted)
    if not items:
        looked_for = ", ".join(suffixes[:_SUFFIXES]) + (" or the like" if len(suffixes) > _SUFFIXES else "")
        raise DataError(f"{root} holds no {kind} among its {others.total()} files; give one with {looked_for} files.")
    items.sort(key=lambda item: item.path)
    most_common = sorted(others.items(), key=lambda entry: (-entry[1], entry[0]))
    kinds = {printable(suffix): count for suffix, count in most_common[:_KINDS]}
    source = {"dataset": dataset, "root": str(root), "other_files": others.total(), "other_kinds": kinds}
    return Plan(root, items, reader, source)
