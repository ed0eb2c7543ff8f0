"""From vectors to places on a plane: UMAP, or PCA where it is not installed.

Source: McInnes, Healy and Melville, "UMAP", arXiv 1802.03426.
"""

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from randquant.errors import UsageError

Projection = Literal["auto", "umap", "pca"]
FEWEST = 5  # rows that UMAP takes


def projected(
    vectors: NDArray[np.float32], how: Projection, *, neighbours: int, metric: str, seed: int
) -> tuple[NDArray[np.float64], str]:
    """Places (n, 2), and what was done in a few words.

    Args:
        vectors: (n, D), finite.
        how: auto is UMAP where it is installed and there are rows enough.
        neighbours: of UMAP: more keep the whole shape, fewer the detail.
        metric: of UMAP, cosine or euclidean.
        seed: of UMAP; with it, it runs on one core.

    Raises:
        UsageError: umap is asked for and cannot be.
    """
    if how == "pca" or (how == "auto" and len(vectors) < FEWEST):
        return _principal(vectors), "PCA"
    if len(vectors) < FEWEST:
        raise UsageError(f"--projection umap needs at least {FEWEST} rows, got {len(vectors)}; give pca.")
    try:
        from umap import UMAP
    except (ImportError, OSError):
        if how == "umap":
            raise UsageError("umap is not installed; type: pip install 'randquant[report]'") from None
        return _principal(vectors), "PCA, as umap is not installed (pip install 'randquant[report]')"
    near = min(neighbours, len(vectors) - 1)
    model = UMAP(n_neighbors=near, metric=metric, random_state=seed, n_jobs=1, init=_start(vectors))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about one core, and about points without neighbours
        places = model.fit_transform(vectors)
    places = np.nan_to_num(np.asarray(places, dtype=np.float64))
    return places, f"UMAP of {near} neighbours ({metric}, seed {seed})"


def _principal(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """The first two principal components; the largest entry of each axis is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred) if centred.shape[1] <= len(centred) else (None, _row_space(centred))
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    places = centred @ axes
    return np.pad(places, [(0, 0), (0, 2 - places.shape[1])])


def _row_space(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Principal axes, ascending, of fewer rows than columns."""
    return np.linalg.svd(centred, full_matrices=False)[2].T[:, ::-1]


def _start(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where UMAP begins: the principal components, in a range of 20, as its own start has."""
    places = _principal(vectors)
    reach = np.abs(places).max() or 1.0
    noise = np.random.default_rng(0).normal(scale=1e-3, size=places.shape)  # equal rows must not stay equal
    return np.asarray(10.0 * places / reach + noise, dtype=np.float32)
