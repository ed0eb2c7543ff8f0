"""Published accuracies on pictures, in %, each read in the README, the paper or the table it is said to be from."""

from randquant.results.published import PublishedRow, PublishedTable

COLUMNS = {"imagenet": "ImageNet", "cifar10": "CIFAR-10"}

_RQ = "README of Wu et al., Randomized Quantization (ICCV 2023)"
_MOCO = "README of MoCo v3 (Chen, Xie and He, ICCV 2021)"
_MASSRL = "README of MA-SSRL"
_MODIFIED = "spreadsheet in the repository of Modified-MoCo"


def _imagenet(name: str, accuracy: float, epochs: int, source: str, note: str = "ResNet-50") -> PublishedRow:
    return PublishedRow(name, {"imagenet": accuracy}, "moco-v3", source, f"{note}, {epochs} epochs")


def _cifar(name: str, accuracy: float) -> PublishedRow:
    return PublishedRow(name, {"cifar10": accuracy}, "modified-moco", _MODIFIED, "ResNet-18, 200 epochs, best epoch")


PUBLISHED_ROWS = (
    _imagenet("RQ alone in MoCo v3", 42.9, 100, _RQ),
    _imagenet("RRC + RQ in MoCo v3", 67.9, 100, _RQ),
    _imagenet("RRC + RQ in MoCo v3", 71.6, 300, _RQ),
    _imagenet("RRC + RQ in MoCo v3", 72.1, 800, _RQ),
    _imagenet("MoCo v3", 68.9, 100, _MOCO),
    _imagenet("MoCo v3", 72.8, 300, _MOCO),
    _imagenet("MoCo v3", 74.6, 1000, _MOCO),
    PublishedRow("MA-SSRL, BYOL by four policies", {"imagenet": 73.8}, "MA-SSRL", _MASSRL, "ResNet-50, 300 epochs"),
    _cifar("MoCo v1 + Solarize", 83.9),
    _cifar("MoCo v1 + CLAHE", 83.8),
    _cifar("MoCo v1 + brightness and contrast", 83.3),
    _cifar("MoCo v1 + all three", 85.15),
)

NOTES = (
    "Rows of moco-v3 are linear evaluations trained on random crops; ours are trained on features of each picture's "
    "middle, so read them as close and not as the same.",
    "Rows of modified-moco are the best epoch by accuracy on the test set; ours is the last epoch's.",
    f"Sources: {_RQ}; {_MOCO}; {_MASSRL}; {_MODIFIED}.",
)

PUBLISHED = PublishedTable(COLUMNS, PUBLISHED_ROWS, NOTES)
