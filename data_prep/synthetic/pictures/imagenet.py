"""Made-up pictures in ImageNet's tree, of many sizes, with what real files have: gray, CMYK, PNG named JPEG."""

from functools import partial
from itertools import cycle
from pathlib import Path

import torch

from randquant.data_prep.datasets.pictures.imagenet_labels import DEVKIT, META, TRUTH
from randquant.data_prep.synthetic.pictures.scenes import draw_picture, looks
from randquant.data_prep.synthetic.sounds.waves import uniform
from randquant.data_prep.synthetic.tree import check_counts, torch_generator, write_parts
from randquant.extras import needs

FOLDER = "ILSVRC2012"
WORDNET = tuple(f"n{number:08d}" for number in (1440764, 1443537, 1484850, 1491361, 1494475, 1496331, 1498041, 1514668))
# Of the pictures in turn; most are plain, as in the real set.
_KINDS = ("RGB", "RGB", "L", "RGB", "CMYK", "RGB", "turned", "PNG")
_TURNED = 6  # EXIF's orientation of a phone held upright


def write_imagenet(root: Path, *, train: int = 48, val: int = 16, flat: bool = True, seed: int = 0) -> Path:
    """Write `ILSVRC2012/train/<wnid>/*.JPEG`, `val`, and the devkit's list and table of classes, eight classes.

    Args:
        root: folder to write into.
        train, val: pictures, of each class as many.
        flat: the pictures of val in one folder, as the archive has them; otherwise in folders of classes.
        seed: of everything that is drawn.
    """
    check_counts(train=train, val=val)
    parameters = {"dataset": "imagenet", "train": train, "val": val, "flat": flat, "seed": seed}
    return write_parts(root, "ImageNet", parameters, {FOLDER: partial(_write, train, val, flat, seed)}) / FOLDER


def _write(train: int, val: int, flat: bool, seed: int, folder: Path) -> None:
    kinds = cycle(_KINDS)
    for place in range(train):
        wnid = WORDNET[place % len(WORDNET)]
        path = folder / "train" / wnid / f"{wnid}_{place // len(WORDNET) + 1}.JPEG"
        _write_picture(path, place % len(WORDNET), next(kinds), torch_generator(seed, "train", place))
    order = torch.randperm(val, generator=torch_generator(seed, "order"))
    labels = (order % len(WORDNET)).tolist()
    for place, label in enumerate(labels):
        below = folder / "val" if flat else folder / "val" / WORDNET[label]
        path = below / f"ILSVRC2012_val_{place + 1:08d}.JPEG"
        _write_picture(path, label, next(kinds), torch_generator(seed, "val", place))
    _write_devkit(folder / DEVKIT / "data", [label + 1 for label in labels])


def _write_picture(path: Path, label: int, kind: str, generator: torch.Generator) -> None:
    with needs("images"):
        from PIL import Image
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = (round(uniform((90, 260), generator)) for _ in range(2))
    pixels = draw_picture(looks(len(WORDNET))[label], height=height, width=width, generator=generator)
    image, exif = Image.fromarray(pixels), Image.Exif()
    if kind == "turned":
        image, exif[0x0112] = image.transpose(Image.Transpose.ROTATE_90), _TURNED
    elif kind in ("L", "CMYK"):
        image = image.convert(kind)
    image.save(path, "PNG" if kind == "PNG" else "JPEG", quality=90, exif=exif)


def _write_devkit(folder: Path, numbers: list[int]) -> None:
    import numpy as np
    from scipy.io import savemat

    folder.mkdir(parents=True)
    (folder / TRUTH).write_text("".join(f"{number}\n" for number in numbers))
    synsets = np.zeros((len(WORDNET), 1), dtype=[("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)])
    for place, wnid in enumerate(WORDNET):
        synsets[place, 0] = (np.float64(place + 1), wnid, np.float64(0))
    savemat(folder / META, {"synsets": synsets}, do_compression=True)
