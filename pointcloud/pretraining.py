"""What point clouds bring to the training loop: subsets of stored points, augmented views, an encoder.

    stored rows (V, B, N, C) -> unit sphere -> a policy a view -> CloudBatch(points, neighbours, kept) -> encoder

With clean neighbours these are found on the stored coordinates, by PointNetLite once for each cloud and before the
first step; whatever moves points afterwards, randomized quantization among them, changes the features and not who is
whose neighbour. In the encoders that find neighbours again in every layer this holds for the first one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pointcloud.augment.dropping import RandomCrop, RandomCutout, RandomDropout
from pointcloud.augment.jitter import RandomJitter
from pointcloud.augment.policy import PointPolicy
from pointcloud.augment.quantize import PointQuantization, Quantizer
from pointcloud.augment.resample import RandomResample
from pointcloud.augment.rotation import RandomRotation, RandomRotationPerturbation
from pointcloud.augment.scale import RandomAnisotropicScale, RandomScale
from pointcloud.augment.translation import RandomTranslation
from pointcloud.cloud_batch import CloudBatch
from pointcloud.encoders.pointnet_lite import PointNetLite
from pointcloud.encoders.registry import ENCODERS, PointEncoder
from pointcloud.encoders.weights import save_encoder
from pointcloud.geometry import unit_sphere
from pointcloud.layout import XYZ, XYZ_NORMALS, Layout
from randquant.augmentation import Augmentation
from randquant.cli.progress import progress
from randquant.cli.ranges import Range, check_ranges
from randquant.data.repeated_stores import repeated
from randquant.data.store import Store
from randquant.draws import fractions
from randquant.errors import DataError, UsageError
from randquant.quantize import MOST_BINS
from randquant.ssl.registry import MethodName
from randquant.training.memory import require_memory
from randquant.training.monitor import KnnMonitor
from randquant.training.settings import Training
from randquant.training.task import Task

# The order in which what --augment names is applied; rq comes before it, or between translate and jitter.
GEOMETRY = ("resample", "crop", "cutout", "dropout", "rotate", "perturb", "stretch", "scale", "translate", "jitter")
GEO = ("crop", "dropout", "stretch", "jitter")  # what "geo" stands for
RANGES = {
    "d": Range(8, 2**16),
    "points": Range(2, 2**20),
    "subsets": Range(1, 2**12),
    "stretch": Range(1, 100),
    "rq_bins": Range(2, MOST_BINS),
    "rq_normals_bins": Range(0, MOST_BINS),
    "rq_p": Range(0, 1),
    "rq_jitter": Range(0, 10),
    "crop_kept": Range(0, 1),
    "dropout": Range(0, 1),
    "jitter": Range(0, 10),
}
Split = Literal["train", "valid", "test"]
Finder = Callable[[Tensor], Tensor]  # coordinates (B, N, 3) -> neighbourhoods (B, M, k)


@dataclass
class PointPretraining(Training):
    """Pretrain an encoder of point clouds on unlabelled shapes.

    Args:
        data: stores to learn from, as `python -m scripts.prepare` writes them; labels are not read.
        splits: which of their items are learnt from; items without a split always are.
        monitor: labelled store on whose validation split kNN follows the training; never enters it.
        augment: augmentations joined by +: geo (crop+dropout+stretch+jitter), rq (randomized quantization), crop,
            cutout, dropout, rotate, perturb (small rotations), stretch (anisotropic scale), scale, translate, jitter,
            resample; or none. They are applied in the order resample, crop, cutout, dropout, rotate, perturb, stretch,
            scale, translate, rq, jitter, whatever the order they are named in.
        encoder: architecture; PointNetLite trains on a CPU, DGCNN is what others compare with, PointNeXt the efficient
            choice on a GPU.
        d: width; the embedding of PointNetLite has 2 d numbers.
        points: N, points of a view.
        normals: the encoder reads the normals too.
        subsets: disjoint subsets of N stored points, of which the views take two; 1 takes the first N for both.
        rq_bins: bins of a coordinate's quantizer: one number, or the lowest and highest of a range.
        rq_p: probability that a view's coordinates are quantized.
        rq_value: what replaces a bin: random, midpoint or zero.
        rq_shared: one quantizer for x, y and z of a cloud instead of one each.
        rq_normals_bins: the same for normals; 0 leaves them alone.
        rq_first: quantize before everything else, along the stored axes, instead of after.
        rq_jitter: noise on quantized coordinates, as a fraction of their range.
        rq_renormalise: bring quantized clouds back to the unit sphere.
        neighbours: clean: the first neighbourhoods are those of the stored coordinates (PointNetLite, DGCNN), faster
            with PointNetLite; view: of the points that each view keeps; auto: clean where it can be.
        crop_kept: range of the share of points a crop keeps.
        dropout: range of the probability with which a point is dropped.
        stretch: largest factor of an axis; the smallest is one over it.
        rotate_axis: z is up; so3 for any rotation.
        jitter: standard deviation of the noise on coordinates.
    """

    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 20
    schedule: Literal["constant", "cosine"] = "cosine"
    method: MethodName = "simclr"
    hidden_size: int = 512
    projection_size: int = 128
    data: list[Path] = field(default_factory=list)
    splits: list[Split] = field(default_factory=lambda: ["train", "valid"])
    monitor: Path | None = None
    augment: str = "geo+rq"
    encoder: Literal["PointNetLite", "PointNet", "DGCNN", "PointNeXt"] = "PointNetLite"
    d: int = 256
    points: int = 512
    normals: bool = False
    subsets: int = 1
    rq_bins: list[int] = field(default_factory=lambda: [16, 64])
    rq_p: float = 1.0
    rq_value: Literal["random", "midpoint", "zero"] = "random"
    rq_shared: bool = False
    rq_normals_bins: list[int] = field(default_factory=lambda: [8])
    rq_first: bool = False
    rq_jitter: float = 0.0
    rq_renormalise: bool = False
    neighbours: Literal["auto", "clean", "view"] = "auto"
    crop_kept: tuple[float, float] = (0.5, 1.0)
    dropout: tuple[float, float] = (0.0, 0.5)
    stretch: float = 1.3
    rotate_axis: Literal["x", "y", "z", "so3"] = "z"
    jitter: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        self.data = [Path(store) for store in self.data]
        if not self.data:
            raise ValueError("--data must name at least one store.")
        names = [] if self.augment == "none" else self.augment.split("+")
        unknown = [name for name in names if name not in ("geo", "rq", *GEOMETRY)]
        if unknown or len(set(self.augmentations())) < len(self.augmentations()):
            raise ValueError(
                f"--augment should be none or a choice of geo, rq, {', '.join(GEOMETRY)} joined by +, each once, "
                f"got {self.augment!r}."
            )
        check_ranges(self, RANGES)
        if self.subsets > 1 and "resample" in names:
            raise ValueError("--subsets and resample both choose points; give one of them.")
        for name in ("rq_bins", "rq_normals_bins"):
            _check_bins(name, getattr(self, name))
        try:
            keeps_slots = self.policy().keeps_slots
        except ValueError as error:
            raise ValueError(
                f"--crop_kept, --dropout, --jitter, --rq_p or --rq_jitter is out of range: {error}"
            ) from None
        if not keeps_slots:
            self._require_view("resample takes other points in each view")
        elif not ENCODERS[self.encoder].takes_neighbours:
            self._require_view(f"{self.encoder} takes no neighbourhoods found beforehand")
        elif self.neighbours == "auto":
            self.neighbours = "clean"

    def _require_view(self, reason: str) -> None:
        if self.neighbours == "clean":
            raise ValueError(f"--neighbours clean cannot be, as {reason}; give view.")
        self.neighbours = "view"

    @property
    def layout(self) -> Layout:
        """The columns the encoder reads."""
        return XYZ_NORMALS if self.normals else XYZ

    def augmentations(self) -> list[str]:
        """The names in `augment`, those that geo stands for written out."""
        names = [] if self.augment == "none" else self.augment.split("+")
        return [each for name in names for each in (GEO if name == "geo" else (name,))]

    def policy(self) -> PointPolicy:
        """The augmentations of one view, in the order they are applied."""
        layout = self.layout
        made: dict[str, Augmentation] = {
            "resample": RandomResample(self.points),
            "crop": RandomCrop(kept=self.crop_kept),
            "cutout": RandomCutout(p=0.5),
            "dropout": RandomDropout(self.dropout),
            "rotate": RandomRotation(self.rotate_axis, layout=layout),
            "perturb": RandomRotationPerturbation(layout=layout),
            "stretch": RandomAnisotropicScale((1.0 / self.stretch, self.stretch), layout=layout),
            "scale": RandomScale(),
            "translate": RandomTranslation(),
            "rq": self._quantization(),
            "jitter": RandomJitter(self.jitter, clip=5 * self.jitter),
        }
        order = [name for name in made if name in self.augmentations()]
        if self.rq_first and "rq" in order:
            order = ["rq", *(name for name in order if name != "rq")]
        return PointPolicy(*(made[name] for name in order))

    def _quantization(self) -> PointQuantization:
        coordinates = Quantizer(_bins(self.rq_bins), self.rq_p, value=self.rq_value)
        normals = None
        if self.normals and self.rq_normals_bins != [0]:
            normals = Quantizer(_bins(self.rq_normals_bins), self.rq_p, value=self.rq_value)
        return PointQuantization(
            coordinates,
            normals,
            layout=self.layout,
            shared=self.rq_shared,
            jitter=self.rq_jitter,
            renormalise=self.rq_renormalise,
        )


def build_task(settings: PointPretraining, device: torch.device) -> Task:
    """Everything the loop needs; called once the device is known and the seed is set.

    Raises:
        DataError: a store is missing, empty, not of points, lacks normals that are asked for, or has shapes of fewer
            points than are asked for.
        UsageError: a size the encoder cannot have.
    """
    require_memory(settings, lambda: _encoder(settings), device)
    stores = [Store.open(path, kind="points") for path in settings.data]
    encoder = _encoder(settings)
    find = encoder.neighbourhoods if settings.neighbours == "clean" else None
    # A table of PointNetLite's neighbourhoods takes 10 KB a shape; DGCNN's, of every point, would take 80.
    source = StoredClouds(stores, settings, find if isinstance(encoder, PointNetLite) else None)

    def save(path: Path, trained: nn.Module, step: int) -> None:
        about = {"step": step, "method": settings.method, "augment": settings.augment, "seed": settings.seed}
        about["splits"] = " ".join(settings.splits)
        assert isinstance(trained, PointEncoder)
        save_encoder(path, trained, points=settings.points, metadata=about)

    make_views = CloudViews([settings.policy()] * 2, find)
    monitor = None if settings.monitor is None else knn_monitor(settings, device)
    data = {"stores": [store.content_hash for store in stores]}
    return Task(source, make_views, encoder, encoder.embedding_size(), save, monitor, data, repeated(stores))


class StoredClouds:
    """Subsets of stored points, as bytes: (views, B, N, C) float32, with neighbourhoods (views, B, M, k) int16.

    Subset s of S holds the stored rows s, s + S, s + 2 S, ...: as rows lie in farthest-point order, every subset is
    spread over the shape, and so is the beginning of each.
    """

    def __init__(self, stores: Sequence[Store], settings: PointPretraining, find: Finder | None) -> None:
        self.stores, self.seed = stores, settings.seed
        self.points, self.subsets = settings.points, settings.subsets
        self.views = 1 if settings.subsets == 1 else 2
        self.stored_points = settings.points * settings.subsets
        if "resample" in settings.augmentations():  # chooses among as many points as all shapes have
            self.stored_points = max(settings.points, min(int(store.lengths.min()) for store in stores))
        self.items = [(store, item) for store in stores for item in _learnt(store, settings.splits)]
        if not self.items:
            raise DataError(f"{_named(stores)} hold no shapes of --splits {' '.join(settings.splits)}; give others.")
        self.columns = {store.path: _columns(store, settings.layout) for store in stores}
        for store in stores:
            _require_points(store, self.stored_points)
        self.neighbours = None if find is None else self._all_neighbourhoods(find)

    def __len__(self) -> int:
        return len(self.items)

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """A permutation of the shapes."""
        return generator.permutation(len(self.items))

    def groups(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every shape is its own group."""
        return positions

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor | tuple[Tensor, ...]:
        """Subsets of these shapes for the epoch: points, and neighbourhoods where they are found beforehand."""
        subsets = self._subsets(positions, epoch)
        clouds = np.stack(
            [[self.cloud(int(at), int(part)) for at, part in zip(positions, drawn, strict=True)] for drawn in subsets]
        )
        if self.neighbours is None:
            return torch.from_numpy(clouds)
        neighbours = np.stack([self.neighbours[positions, drawn] for drawn in subsets])
        return torch.from_numpy(clouds), torch.from_numpy(neighbours)

    def cloud(self, position: int, subset: int = 0) -> NDArray[np.float32]:
        """One subset of one shape: (N, C) float32."""
        store, item = self.items[position]
        rows = store.rows(item, 0, self.stored_points)
        return rows[subset :: self.subsets, self.columns[store.path]]

    def _subsets(self, positions: NDArray[np.int64], epoch: int) -> list[NDArray[np.int64]]:
        """The subset that each view takes of each shape, never the same one twice."""
        if self.views == 1:
            return [np.zeros_like(positions)]
        first = self._drawn(positions, 2 * epoch, self.subsets)
        return [first, (first + 1 + self._drawn(positions, 2 * epoch + 1, self.subsets - 1)) % self.subsets]

    def _drawn(self, positions: NDArray[np.int64], counter: int, below: int) -> NDArray[np.int64]:
        return np.floor(fractions(positions, seed=self.seed, epoch=counter) * below).astype(np.int64)

    def _all_neighbourhoods(self, find: Finder) -> NDArray[np.integer]:
        """(items, subsets, M, k): found once, 10 KB for each subset of a shape with the usual M and k."""
        found: list[NDArray[np.integer]] = []
        slots = np.int16 if self.points <= 2**15 else np.int32
        for position in progress(range(len(self)), label="neighbourhoods", unit="shapes", total=len(self)):
            clouds = np.stack([self.cloud(position, subset)[:, :3] for subset in range(self.subsets)])
            found.append(find(torch.from_numpy(clouds)).numpy().astype(slots))
        return np.stack(found)


class CloudViews(nn.Module):
    """Raw subsets -> augmented clouds; view i is made from subset i, or all from the only one.

    Args:
        policies: of each view.
        find: coordinates (B, N, 3) -> neighbourhoods (B, M, k) of clean clouds, for batches that come without.
    """

    def __init__(self, policies: Sequence[PointPolicy], find: Finder | None = None) -> None:
        super().__init__()
        self.policies = nn.ModuleList(policies)
        self.find = find

    def forward(self, batch: Tensor | tuple[Tensor, Tensor], *, generator: torch.Generator) -> list[CloudBatch]:
        """Views of points (V, B, N, C), with neighbourhoods (V, B, M, k) or without."""
        points, neighbours = batch if isinstance(batch, tuple) else (batch, None)
        points = torch.cat([unit_sphere(points[..., :3]), points[..., 3:]], dim=-1)
        if neighbours is None and self.find is not None:
            neighbours = torch.stack([self.find(clouds[..., :3]) for clouds in points])
        views = []
        for number, policy in enumerate(self.policies):
            which = number % len(points)
            clean = CloudBatch(points[which], None if neighbours is None else neighbours[which].long())
            views.append(policy(clean, generator=generator))
        return views


def knn_monitor(settings: PointPretraining, device: torch.device) -> KnnMonitor:
    """kNN on the validation split of `settings.monitor`, the first points of each shape."""
    store = Store.open(settings.monitor or Path(), kind="points")
    columns = _columns(store, settings.layout)
    _require_points(store, settings.points)

    def load(items: NDArray[np.int64]) -> list[Tensor]:
        clouds = torch.from_numpy(np.stack([store.rows(int(item), 0, settings.points)[:, columns] for item in items]))
        clouds[..., :3] = unit_sphere(clouds[..., :3])
        return list(clouds.to(device).split(64))

    return KnnMonitor(store, seed=settings.seed, load=load)


def _encoder(settings: PointPretraining) -> PointEncoder:
    try:
        return ENCODERS[settings.encoder](d=settings.d, channels=len(settings.layout))  # type: ignore[call-arg]
    except ValueError as error:
        raise UsageError(f"--encoder {settings.encoder} --d {settings.d}: {error}") from None


def _learnt(store: Store, splits: Sequence[Split]) -> list[int]:
    return [item for item, split in enumerate(store.column("split")) if split is None or split in splits]


def _columns(store: Store, layout: Layout) -> slice:
    held = tuple(store.info.get("channels", ()))
    if held[: len(layout)] != layout.channels:
        raise DataError(
            f"{store.path} begins with the columns {', '.join(held) or 'none'}, but {', '.join(layout.channels)} are "
            "asked for; prepare it with them, or leave out --normals."
        )
    return slice(0, len(layout))


def _require_points(store: Store, points: int) -> None:
    fewest = int(store.lengths.min())
    if fewest < points:
        raise DataError(
            f"{points:,} points a shape are asked for (--points times --subsets), but {store.path} has shapes of "
            f"{fewest:,}; lower them, or prepare it with more --points."
        )


def _named(stores: Sequence[Store]) -> str:
    return ", ".join(str(store.path) for store in stores)


def _bins(numbers: list[int]) -> int | tuple[int, int]:
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _check_bins(name: str, numbers: list[int]) -> None:
    if name == "rq_normals_bins" and numbers == [0]:
        return
    if len(numbers) not in (1, 2) or not 2 <= numbers[0] <= numbers[-1]:
        shown = " ".join(map(str, numbers)) or "none"
        raise ValueError(f"--{name} takes one number from 2 on, or two with the lower one first, got {shown}.")
