"""Open every item of a dataset in parallel to find what is missing, unreadable or irregular."""

from collections.abc import Sequence
from pathlib import Path

from randquant.cli.progress import bar
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.memory_budget import memory_budget, within_memory
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.preparation import read_item
from randquant.data_prep.engine.processes import in_processes
from randquant.data_prep.examine.examination import Examination
from randquant.data_prep.examine.oddities import Findings, inspect_picture, inspect_shape
from randquant.data_prep.formats.whole_file import stand_in
from randquant.errors import DataError, UsageError
from randquant.files.file_names import utf8_name

_BATCH = 256  # items a task
# Below it, by whether they are decoded, starting processes costs more than it saves.
_FEW = {False: 20_000, True: 4_000}


def examine(dataset: Dataset, plan: Plan, *, decode: bool = False, workers: int | None = None) -> Examination:
    """Open every recording of a plan, in parallel.

    Args:
        dataset: what should be there.
        plan: what to open, as the dataset's `plan` makes it.
        decode: read each recording to its end, which finds damage in the middle; otherwise its header alone, which
            finds what is missing, empty, truncated or no recording. Shapes are always read to their end.
        workers: processes; one a core where None.

    Raises:
        UsageError: `workers` below 1.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers should be at least 1, got {workers}.")
    decode = decode or plan.reader.kind == "points"
    faults: Faults = {}
    findings: dict[str, Findings] = {}
    starts = range(0, len(plan.items), _BATCH)
    batches = [(plan.root, plan.items[start : start + _BATCH], plan.reader, decode) for start in starts]
    workers = 1 if len(plan.items) < _FEW[decode] else workers
    with bar(label="decoding" if decode else "opening", unit="files", total=len(plan.items)) as display:
        for count, lost, found in in_processes(_check_batch, batches, workers):
            faults.update(lost)
            findings.update(found)
            display.update(count)
    absent = [name for name, (there, _) in faults.items() if not there]
    named = plan.missing or plan.source.get("missing_first", ())
    absent += sorted({utf8_name(name) for name in named} - set(absent))
    unreadable = {name: reason for name, (there, reason) in faults.items() if there}
    return Examination(dataset, plan, absent, unreadable, decode, findings)


Faults = dict[str, tuple[bool, str]]  # by name: whether the file is there, and what is wrong
Checked = tuple[int, Faults, dict[str, Findings]]  # the number of items in a batch, and what was found


def _check_batch(root: Path, items: Sequence[Item], reader: Reader, decode: bool) -> Checked:
    faults: Faults = {}
    findings: dict[str, Findings] = {}
    for item in items:
        name = utf8_name(item.name)
        try:
            with memory_budget(), within_memory(name):
                if reader.kind == "points":
                    findings[name] = inspect_shape(root, item, reader)
                    continue
                if reader.kind == "images" and decode:
                    findings[name] = inspect_picture(root, item, reader)
                    continue
                _, blocks = read_item(root, item, reader)
                for _block in blocks if decode else ():
                    pass
        except DataError as error:
            path = root / item.path
            faults[name] = (path.exists(), stand_in(path) or str(error))
    return len(items), faults, findings
