"""The kinds of data that pages are about, each with a folder: RUN is one of sounds here, of shapes there."""

import re

# Each by words that only its commands have; what has none is of the kind of the line above.
_WORDS = {
    "tables": r"tables?\b|covtype|TABLE|COVTYPE|modality tables",
    "pictures": r"images|cifar|CIFAR|stl10|STL10|IMAGENET|PICTURES|pictures",
    "shapes": r"pointcloud|modelnet|meshes|clouds|_points|shapes|MESHES|CLOUDS|PointNet",
    "sounds": r"audio|folder|labelled|us8k|nsynth|RECORDINGS|AudioNTT",
}


def kind_of(text: str) -> str | None:
    """The kind that a page's path, or a command's words are about; None if that is left open."""
    return next((kind for kind, words in _WORDS.items() if re.search(words, text)), None)
