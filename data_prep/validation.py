"""A validation split for datasets that publish train and test only, so that nothing is chosen on test.

In every class the same share of train is held out: the shapes whose names have the smallest hashes. No generator and no
order of files is involved, so the split is the same on every computer, and the same for two releases of a dataset that
call their shapes alike.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from randquant.cli.terminal import printable
from randquant.data_prep.engine.plan import Item
from randquant.errors import UsageError

SHARE = 0.1  # of train, unless told otherwise
TEST_SHARE = 0.2  # of everything, where nothing is parted
_SHOWN = 5  # classes that a remark names


def check_share(share: float, *, flag: str = "--validation") -> None:
    """Refuse a share of train outside the allowed range.

    Raises:
        UsageError: it is not in [0, 1).
    """
    if not 0 <= share < 1:
        raise UsageError(f"{flag} should be at least 0 and below 1, got {share:g}.")


def with_validation(
    items: Sequence[Item], share: float = SHARE, *, names: Sequence[str] | None = None, split: str = "valid"
) -> list[Item]:
    """The items in their order, with some of train moved to valid.

    Args:
        items: with labels and splits; those in other splits than train stay as they are.
        share: of each class of train, in [0, 1); 0 leaves all as it is.
        names: of the items, unique within a class; their names in the store where None.
        split: what they are moved to.

    Returns:
        Of a class of n items in train, `round(share * n)` are in valid, yet at least one where n is 2 or more, and
        never all.

    Raises:
        UsageError: `share` is out of range.
    """
    check_share(share)
    called = [item.name for item in items] if names is None else names
    train: dict[str | None, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        if item.split == "train":
            train[item.label].append(index)
    held_out: set[int] = set()
    for label, members in train.items():
        keys = (f"{label}/{called[index]}".encode(errors="surrogateescape") for index in members)
        ranked = sorted(zip((hashlib.sha256(key).digest() for key in keys), members, strict=True))
        count = min(max(round(share * len(members)), 1), len(members) - 1) if share else 0
        held_out.update(index for _, index in ranked[:count])
    return [replace(item, split=split) if index in held_out else item for index, item in enumerate(items)]


def splits_in_words(source: str, share: float) -> str:
    """The origin of the splits, in words.

    >>> splits_in_words("folders", 0.1), splits_in_words("folders", 0)
    ('folders, valid is 10 % of each class of train', 'folders')
    """
    return f"{source}, valid is {100 * share:g} % of each class of train" if share else source


def class_remarks(items: Sequence[Item], remedy: str) -> Iterator[str]:
    """What is odd about the classes of items; `remedy` says what to do about a lone one."""
    labels = sorted({item.label for item in items if item.label is not None})
    if len(labels) == 1:
        yield f"one class only ({printable(labels[0])}), so no probe can be trained on it; {remedy}"
    learnt = {item.label for item in items if item.split == "train"}
    unlearnt = [printable(label) for label in labels if label not in learnt]
    if unlearnt:
        shown = ", ".join(unlearnt[:_SHOWN]) + (", …" if len(unlearnt) > _SHOWN else "")
        yield f"classes that never occur in train, so cannot be learnt: {len(unlearnt):,} ({shown})"
