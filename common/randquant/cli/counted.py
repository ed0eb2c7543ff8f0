"""A number with its noun, in the singular or plural."""


def counted(count: int, things: str, thing: str | None = None) -> str:
    """A count in words.

    Args:
        count: of the things.
        things: what they are, in the plural.
        thing: in the singular; the plural without its s where None.

    >>> counted(1, "shards"), counted(1200, "shards"), counted(1, "classes", "class")
    ('1 shard', '1,200 shards', '1 class')
    """
    return f"{count:,} {(thing or things.removesuffix('s')) if count == 1 else things}"
