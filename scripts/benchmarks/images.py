"""Pictures: a batch of 32 px at once against torchvision's transforms, one PIL picture after the other."""

from collections.abc import Iterator

import torch

from randquant.augmentation import Augmentation
from randquant.extras import needs
from randquant.images.augment.automatic.randaugment import RandAugment
from randquant.images.augment.blur import RandomBlur
from randquant.images.augment.colour import ColourJitter
from randquant.images.augment.gray import RandomGray
from randquant.images.augment.resize_crop import RandomResizedCrop
from randquant.quantize import RandomizedQuantization
from randquant.scripts.measuring.pair import Pair
from randquant.views import Policy

SIDE, COUNT = 32, 256


def image_augmentations(device: str) -> Iterator[Pair]:
    """What a view of a small picture goes through, from bytes to floating-point numbers."""
    with needs("images"):
        from torchvision.transforms import v2
    coarse = torch.rand(COUNT, 3, 6, 6)
    stored = (torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear") * 255).to(torch.uint8)
    files = [v2.functional.to_pil_image(each) for each in stored]
    on_device = stored.to(device)
    tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    crop, quantize = RandomResizedCrop(SIDE, flip=0.5), RandomizedQuantization(bins=8, dim=(-2, -1))
    theirs = [v2.RandomResizedCrop(SIDE), v2.RandomHorizontalFlip()]
    jitter = v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8)
    blur = v2.RandomApply([v2.GaussianBlur(13, (0.1, 2.0))], p=0.5)
    colour = [ColourJitter(0.4, 0.4, 0.4, 0.1), RandomGray(), RandomBlur()]
    pairs: dict[str, tuple[list[Augmentation], list[torch.nn.Module]]] = {
        "RRC + flip + RQ": ([crop, quantize], [*theirs, *tensor, quantize]),
        "RRC + flip": ([crop], [*theirs, *tensor]),
        "MoCo v2's view": ([crop, *colour], [*theirs, jitter, v2.RandomGrayscale(0.2), blur, *tensor]),
        "RandAugment(2, 9)": ([RandAugment(2, 9)], [v2.RandAugment(2, 27), *tensor]),
    }
    for name, (ours, one_by_one) in pairs.items():
        policy, compose = Policy(*ours), v2.Compose(one_by_one)
        yield Pair(
            f"{name} of {COUNT} x 3 x {SIDE} x {SIDE}",
            lambda policy=policy: policy(on_device.float() / 255),  # type: ignore[misc]
            lambda compose=compose: torch.stack([compose(each) for each in files]),  # type: ignore[misc]
            "torchvision, picture by picture",
            COUNT,
        )
