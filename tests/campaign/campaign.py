"""All bad inputs, or a part of them that takes from every group."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.campaign.batch import Damaged, batch_faults
from tests.campaign.child import Commands
from tests.campaign.flags import flag_inputs
from tests.campaign.input import Input
from tests.campaign.lists import list_inputs
from tests.campaign.material import Material, build
from tests.campaign.pieces import piece_inputs
from tests.campaign.shapes import damaged_shapes
from tests.campaign.sounds import damaged_sounds


def drawn(inputs: Iterable[Input], count: int, seed: int) -> list[Input]:
    """`count` of the inputs, evenly from their groups; the same for the same seed."""
    groups: dict[str, list[Input]] = defaultdict(list)
    for each in inputs:
        groups[each.group].append(each)
    draw = random.Random(seed)
    for group in groups.values():
        draw.shuffle(group)
    names = sorted(groups)
    draw.shuffle(names)
    turns = max((len(group) for group in groups.values()), default=0)
    ordered = [groups[name][turn] for turn in range(turns) for name in names if turn < len(groups[name])]
    return ordered[:count]


def faults(inputs: Sequence[Input], commands: Commands, folder: Path) -> list[str]:
    """What is wrong, a line an input."""
    found = []
    for place, each in enumerate(inputs):
        fault = each.run(commands, folder / f"{place:05}")
        if fault is not None:
            found.append(fault)
    return found


def campaign(commands: Commands, folder: Path, *, inputs: int, seed: int) -> Iterator[tuple[str, int, list[str]]]:
    """The whole: two thirds of `inputs` are damaged files of others, a sixth flags, the rest pieces of our own.

    Yields:
        the name of a part, how many inputs it has, and what is wrong.
    """
    material = build(folder / "good", commands)
    for name, files in file_parts(inputs, seed).items():
        yield name, len(files), list(batch_faults(files, commands, folder / name.replace(" ", "_")))
    for name, chosen in command_parts(material, inputs, seed).items():
        yield name, len(chosen), faults(chosen, commands, folder / name)


def file_parts(inputs: int, seed: int) -> dict[str, list[Damaged]]:
    """Damaged files by command and format."""
    each = max(4, inputs * 2 // 3 // 23 - 16)
    draw = random.Random(seed)
    parts: dict[str, list[Damaged]] = defaultdict(list)
    for file in [*damaged_sounds(draw, each), *damaged_shapes(draw, each)]:
        parts[f"{file.format.command} {file.suffix}"].append(file)
    return parts


def command_parts(material: Material, inputs: int, seed: int) -> dict[str, list[Input]]:
    """Mistyped flags, and damaged lists of datasets, stores, runs, results, tables and recipes."""
    draw = random.Random(seed)
    pieces = drawn(piece_inputs(material, draw, max(4, inputs // 100)), inputs // 10, seed)
    lists = drawn(list_inputs(draw, max(4, inputs // 100)), inputs // 20, seed)
    return {"lists": lists, "pieces": pieces, "flags": drawn(flag_inputs(material), inputs // 7, seed)}
