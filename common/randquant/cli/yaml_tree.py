"""What a YAML text says twice or by reference, found before anything is built from it."""

from randquant.extras import needs

with needs("train"):
    import yaml


def alias_in(text: str) -> yaml.AliasEvent | None:
    """The first value that refers to another one, since a few of these can stand for billions; None without.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    return next((event for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent)), None)


def repeated_key(node: yaml.Node | None) -> yaml.ScalarNode | None:
    """The first key that a mapping of the tree has twice, of which a reader would take the last; None without."""
    if isinstance(node, yaml.SequenceNode):
        return next((found for each in node.value if (found := repeated_key(each)) is not None), None)
    if not isinstance(node, yaml.MappingNode):
        return None
    seen: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                return key
            seen.add(key.value)
        if (found := repeated_key(value)) is not None:
            return found
    return None
