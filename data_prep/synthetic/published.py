"""Numbers of items in the published datasets, so that a synthetic tree can be as large as the real one.

Sources: the datasets' own pages and papers (NSynth, UrbanSound8K, ModelNet), table 2 of Warden (arXiv 1804.03209), and
the headers of AudioSet's lists. Where the numbers of a split by class are not published, `apportion` spreads them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key")


def _counts(table: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"(\w+) (\d+)", table)}


NSYNTH_FAMILIES = _counts("""
    bass 68955  brass 13830  flute 9423  guitar 35423  keyboard 54991  mallet 35066  organ 36577  reed 14911
    string 20594  synth_lead 5501  vocal 10708
""")
US8K_FOLDS = (873, 888, 925, 990, 936, 823, 838, 806, 816, 837)
US8K_CLASSES = (1000, 429, 1000, 1000, 1000, 1000, 374, 1000, 929, 1000)
SPEECH_COMMANDS = _counts("""
    backward 1664  bed 2014  bird 2064  cat 2031  dog 2128  down 3917  eight 3787  five 4052  follow 1579
    forward 1557  four 3728  go 3880  happy 2054  house 2113  learn 1575  left 3801  marvin 2100  nine 3934
    no 3941  off 3745  on 3845  one 3890  right 3778  seven 3998  sheila 2022  six 3860  stop 3872  three 3727
    tree 1759  two 3880  up 3723  visual 1592  wow 2123  yes 4044  zero 4052
""")
SPEECH_COMMANDS_SPEAKERS = 2_618
SPEECH_COMMANDS_TEST = _counts("""
    down 406  go 402  left 412  no 405  off 402  on 396  right 396  stop 411  up 425  yes 419
    _silence_ 408  _unknown_ 408
""")
# Segments that the lists name; videos vanish, so that every copy holds fewer.
AUDIOSET_LISTED = {"balanced_train": 22_160, "unbalanced_train": 2_041_789, "eval": 20_371}
# Shapes of train and of test.
_SHAPES = """
    airplane 626/100  bathtub 106/50  bed 515/100  bench 173/20  bookshelf 572/100  bottle 335/100  bowl 64/20
    car 197/100  chair 889/100  cone 167/20  cup 79/20  curtain 138/20  desk 200/86  door 109/20  dresser 200/86
    flower_pot 149/20  glass_box 171/100  guitar 155/100  keyboard 145/20  lamp 124/20  laptop 149/20
    mantel 284/100  monitor 465/100  night_stand 200/86  person 88/20  piano 231/100  plant 240/100  radio 104/20
    range_hood 115/100  sink 128/20  sofa 680/100  stairs 124/20  stool 90/20  table 392/100  tent 163/20
    toilet 344/100  tv_stand 267/100  vase 475/100  wardrobe 87/20  xbox 103/20
"""
MODELNET40 = {name: (int(train), int(test)) for name, train, test in re.findall(r"(\w+) (\d+)/(\d+)", _SHAPES)}


def apportion(total: int, weights: Sequence[float], *, least: int = 0) -> list[int]:
    """Integers that sum to `total` in proportion to `weights`, none below `least` (largest remainder method).

    >>> apportion(10, [1, 1, 2]), apportion(10, [1, 0, 98], least=1)
    ([3, 2, 5], [1, 1, 8])

    Raises:
        ValueError: `total` is too small for as many times `least`.
    """
    free = total - least * len(weights)
    if free < 0:
        raise ValueError(f"{total} cannot be shared among {len(weights)} with {least} each")
    whole = sum(weights)
    shares = [free * weight / whole for weight in weights]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(weights)), key=lambda place: counts[place] - shares[place])
    for place in by_remainder[: free - sum(counts)]:
        counts[place] += 1
    return [least + count for count in counts]


def scaled(counts: Mapping[Key, int], total: int | None) -> dict[Key, int]:
    """Scale `counts` to sum to `total`, each at least 1; unchanged if `total` is None.

    >>> scaled({"train": 900, "test": 100}, 20)
    {'train': 17, 'test': 3}
    """
    if total is None:
        return dict(counts)
    return dict(zip(counts, apportion(total, list(counts.values()), least=1), strict=True))
