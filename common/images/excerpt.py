"""A picture on a page: a thumbnail."""

from collections.abc import Mapping
from io import BytesIO

from randquant.data.store import Store
from randquant.extras import needs
from randquant.files.json_record import Json
from randquant.images.evaluation.result import ImageResult
from randquant.images.stored_images import StoredImages
from randquant.report.media.excerpt import Thumbnail
from randquant.report.modality import Reported, Show

SIDE = 128  # the longest of a thumbnail, in pixels
_QUALITY = 80


def excerpts(store: Store) -> Show:
    """How the pictures of a store are seen."""
    pictures = StoredImages(store)

    def show(item: int) -> Thumbnail:
        with needs("images"):
            from PIL import Image

        pixels = pictures.picture(item)
        small, file = Image.fromarray(pixels), BytesIO()
        small.thumbnail((SIDE, SIDE))
        small.save(file, "WEBP", quality=_QUALITY)
        return Thumbnail(item, "image/webp", file.getvalue(), pixels.shape[1], pixels.shape[0])

    return show


def _features(result: ImageResult) -> Mapping[str, Json]:
    return {"image_size": result.image_size, "share": result.share, "mean": result.mean, "std": result.std}


REPORTED = Reported("images", "pictures", ImageResult, _features, excerpts)
