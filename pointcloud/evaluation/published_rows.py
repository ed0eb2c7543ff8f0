"""Published accuracies of linear SVMs on frozen shape features, in %.

Only numbers read in a paper's repository, its issues or a public page are here.
"""

from randquant.results.published import PublishedRow, PublishedTable

COLUMNS = {"modelnet40": "ModelNet40", "scanobjectnn-obj_bg": "ScanObjectNN"}

_POINTM2AE = "Point-M2AE's public README"


def _row(
    name: str, protocol: str, source: str, modelnet40: float, note: str = "", *, scanobjectnn: float | None = None
) -> PublishedRow:
    numbers = {"modelnet40": modelnet40}
    if scanobjectnn is not None:
        numbers["scanobjectnn-obj_bg"] = scanobjectnn
    return PublishedRow(name, numbers, protocol, source, note)


PUBLISHED_ROWS = (
    _row("CrossPoint, DGCNN", "crosspoint", "CrossPoint's code and issues", 91.2, "best on test", scanobjectnn=81.24),
    _row("OcCo, PointNet", "SVC, C 1", "OcCo's issues", 88.7),
    _row("Jigsaw, PointNet", "SVC, C 1", "OcCo's issues", 87.5),
    _row("Point-M2AE", "m2ae", _POINTM2AE, 92.9, "C tuned on test", scanobjectnn=84.12),
    _row("I2P-MAE", "SVC, C 0.0093", "I2P-MAE's public README", 93.4, "C tuned, trained with images"),
    _row("ReCon", "recon", "ReCon's public README", 93.4, "trained with images and text"),
    _row("Point-MAE", "LinearSVC, C 1", _POINTM2AE, 91.0),
    _row("Point-BERT", "LinearSVC, C 1", _POINTM2AE, 87.4),
    _row("IAE, DGCNN", "LinearSVC, C 1", "IAE's issues", 92.1),
    _row("FoldingNet", "unstated", "a public table of results", 88.4),
    _row("MM-Point", "unstated", "MM-Point's public page", 92.4, "trained with images"),
)

NOTES = (
    "A row stands under the preset that was made after its code; others name the classifier of theirs. C, the epoch or "
    "both were chosen on test for several.",
    "Others could not reproduce some of them: CrossPoint retrained gives 89.7 to 90.3, OcCo 85.5, and Point-MAE 1 to 2 "
    "points less, since its pooling and C are unstated.",
    "Training data differ too: most of these encoders were pretrained on some 50,000 shapes of ShapeNet, several with "
    "rendered images or text.",
    "ModelNet40 comes with 9,843 training shapes or, as HDF5, with 9,840; the published rows mix the two.",
    "ScanObjectNN is OBJ_BG: objects with their background.",
    "There is no published number for randomized quantization on shapes.",
)

PUBLISHED = PublishedTable(COLUMNS, PUBLISHED_ROWS, NOTES)
