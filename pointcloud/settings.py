"""The settings of pretraining on point clouds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from randquant.cli.ranges import Range, check_ranges, check_rising
from randquant.pointcloud.encoders.registry import ENCODERS, EncoderName
from randquant.pointcloud.points.first_points import Points, require_number
from randquant.pointcloud.points.layout import XYZ, XYZ_NORMALS, Layout
from randquant.policies.joined_names import joined_names
from randquant.policies.planned import Planned, made_once, planned, written
from randquant.policies.reading import Vocabulary
from randquant.policies.view_policy import ViewPolicy
from randquant.quantizers.choices import MOST_BINS
from randquant.ssl.registry import MethodName
from randquant.training.settings import Training, store_paths

if TYPE_CHECKING:
    from randquant.pointcloud.augment.policy import PointPolicy
    from randquant.weights.start import Start

RANGES = {
    "d": Range(8, 2**16),
    "points": Range(2, 2**20),
    "subsets": Range(1, 2**12),
    "parts": Range(1, 2**12),
    "stretch": Range(1, 100),
    "rq_bins": Range(2, MOST_BINS),
    "rq_normals_bins": Range(0, MOST_BINS),
    "rq_p": Range(0, 1),
    "rq_jitter": Range(0, 10),
    "crop_kept": Range(0, 1),
    "dropout": Range(0, 1),
    "jitter": Range(0, 10),
}
# What a view may have of its own.
_OWN = (
    *("rq_bins", "rq_p", "rq_value", "rq_shared", "rq_normals_bins", "rq_first", "rq_jitter", "rq_renormalise"),
    *("crop_kept", "dropout", "stretch", "rotate_axis", "jitter"),
)
_LOCAL_POINTS = 512
FOLDER = Path(__file__).parent / "policies"
Split = Literal["train", "valid", "test"]
PointMix = Literal["subset", "assignment"]


@dataclass
class PointPretraining(Training):
    """Pretrain an encoder of point clouds on unlabelled shapes.

    Args:
        data: stores to learn from, as `python -m scripts.prepare` writes them; labels are not read.
        splits: splits to train on; items without a split are always used.
        monitor: labelled store on whose validation split kNN follows the training; never used for training.
        augment: augmentations joined by +: geo (crop+dropout+stretch+jitter), rq (randomized quantization), crop,
            cutout, dropout, rotate, perturb (small rotations), stretch (anisotropic scale), shear, elastic (bends the
            cloud), scale, translate, jitter, resample; or none. They are applied in the order resample, crop, cutout,
            dropout, rotate, perturb, stretch, shear, elastic, scale, translate, rq, jitter, whatever the order they
            are named in.
        encoder: architecture; PointNetLite trains on a CPU, DGCNN is the common baseline, PointNeXt efficient on a
            GPU.
        d: width; the embedding of PointNetLite has 2 d numbers.
        points: N, points of a view; those of a shape with fewer are repeated. any takes all points of every shape.
        normals: the encoder reads the normals too.
        subsets: disjoint subsets of N stored points, of which the views take two; 1 takes the first N for both.
        rq_bins: bins of a coordinate's quantizer: one number, or the lowest and highest of a range.
        rq_p: probability that a view's coordinates are quantized.
        rq_value: what replaces a bin: random, midpoint or zero.
        rq_shared: one quantizer for x, y and z of a cloud instead of one each.
        rq_normals_bins: the same for normals; 0 does not quantize them.
        rq_first: quantize before everything else, along the stored axes, instead of after.
        rq_jitter: noise on quantized coordinates, as a fraction of their range.
        rq_renormalise: bring quantized clouds back to the unit sphere.
        neighbours: clean: first neighbourhoods from the stored coordinates (PointNetLite, DGCNN), faster
            with PointNetLite; view: of the points that each view keeps; auto: clean if possible.
        crop_kept: range of the share of points a crop keeps.
        dropout: range of the probability with which a point is dropped.
        stretch: largest factor of an axis; the smallest is one over it.
        rotate_axis: z is up; so3 for any rotation.
        jitter: standard deviation of the noise on coordinates, in radii: one number, or the ends of a range, drawn for
            each shape.
        mix_points: with --mix mixup and --inputmix: subset takes some points of one cloud and the rest of the other;
            assignment moves points towards those of the other that they are matched with (slow, at most 1,024 points).
            --mix cutmix exchanges a ball.
        parts: equal parts of the N points, each spread over the shape, of which the views take two; an embedding is the
            mean over all parts, so that a sparse cloud is embedded as one part of a dense one. 1 takes clouds whole.
    """

    USED_BY: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(("rq_bins", "rq_p", "rq_value", "rq_shared", "rq_first", "rq_jitter"), ("rq",)),
        **dict.fromkeys(("rq_normals_bins", "rq_renormalise"), ("rq",)),
        "crop_kept": ("crop", "geo"),
        **{name: (name, "geo") for name in ("dropout", "stretch", "jitter")},
        "rotate_axis": ("rotate",),
    }

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
    encoder: EncoderName = "PointNetLite"
    d: int = 256
    points: Points = 512
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
    jitter: float | list[float] = 0.01
    mix_points: PointMix = "subset"
    parts: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.data = store_paths(self.data)
        if isinstance(self.jitter, list) and len(self.jitter) == 1:
            self.jitter = self.jitter[0]
        names = self.augmentations()
        check_ranges(self, {name: allowed for name, allowed in RANGES.items() if getattr(self, name) != "any"})
        if self.bn_splits > 1:
            raise ValueError(
                "--bn_splits splits batches; here the points of all clouds are normalised, so leave it out."
            )
        self._require_parts(names)
        if self.subsets > 1 and "resample" in names:
            raise ValueError("--subsets and resample both choose points; give one of them.")
        check_rising(self, "rq_bins")
        if self.rq_normals_bins != [0]:
            check_ranges(self, {"rq_normals_bins": RANGES["rq_bins"]})
            check_rising(self, "rq_normals_bins")
        try:
            keeps_slots = self.policy().keeps_slots
        except ValueError as error:
            raise ValueError(
                f"--crop_kept, --dropout, --jitter, --rq_p or --rq_jitter is out of range: {error}"
            ) from None
        if self.views:
            views = self.planned()
            keeps_slots = all(each.settings.policy().keeps_slots for each in views if not each.view.local)
            self.views = written(views)
        self._resolve_neighbours(keeps_slots)

    def _require_parts(self, names: list[str]) -> None:
        """Refuse parts that cannot be."""
        if self.parts == 1:
            return
        if self.points == "any" or self.points % self.parts or self.points < 2 * self.parts:
            raise ValueError(f"--parts {self.parts} should divide --points into parts of at least two points.")
        if self.subsets > 1 or "resample" in names:
            raise ValueError("--parts says which points a view takes, as --subsets and resample do; give one of them.")

    @property
    def part(self) -> int:
        """Points of a part; 0 where clouds are taken whole."""
        return 0 if self.parts == 1 else require_number(self.points, "--parts") // self.parts

    @property
    def view_points(self) -> Points:
        """Points of a view."""
        return self.part or self.points

    def _resolve_neighbours(self, keeps_slots: bool) -> None:
        """Say where neighbourhoods are found, and refuse what cannot be."""
        if self.mix == "cutmix" and self.mix_layer != "input":
            raise ValueError("--mix cutmix exchanges balls of points, which --mix_layer input alone has; use mixup.")
        if self.points == "any":
            self._require_packed(self.augmentations())
        elif self.inputmix or (self.mix != "none" and "input" in self.mix_layer.split("+")):
            self._require_view("mixed clouds have neighbourhoods of their own")
        elif not keeps_slots:
            self._require_view("resample takes other points in each view")
        elif not ENCODERS[self.encoder].takes_neighbours:
            self._require_view(f"{self.encoder} takes no neighbourhoods found beforehand")
        elif self.neighbours == "auto":
            self.neighbours = "clean"

    def _require_packed(self, names: list[str]) -> None:
        if "resample" in names:
            raise ValueError("--points any takes all points and resample chooses among them; give one of them.")
        if self.rq_stage is not None or not set(self.mix_layer.split("+")) <= {"input", "embedding"}:
            raise ValueError("the stages of encoders are of clouds of one size; give --points a number.")
        if not ENCODERS[self.encoder].trains_packed:
            raise ValueError(f"--encoder {self.encoder} trains on clouds of one size; give --points a number.")
        self._require_view("with --points any neighbourhoods are found in each view")

    def _require_view(self, reason: str) -> None:
        if self.neighbours == "clean":
            raise ValueError(f"--neighbours clean cannot be, as {reason}; give view.")
        self.neighbours = "view"

    @staticmethod
    def open_start(name: str) -> "Start[Any]":
        """As `Training.open_start`."""
        from randquant.pointcloud.start import open_start

        return open_start(name)

    @property
    def layout(self) -> Layout:
        """The columns the encoder reads."""
        return XYZ_NORMALS if self.normals else XYZ

    def augmentations(self) -> list[str]:
        """The names in `augment`, those that geo stands for written out."""
        from randquant.pointcloud.augment.registry import AUGMENTATIONS, GEO

        return joined_names(self.augment, AUGMENTATIONS, {"geo": GEO})

    def planned(self) -> "list[Planned[PointPretraining]]":
        """Every view with the settings that it has."""
        from randquant.pointcloud.augment.registry import AUGMENTATIONS, OPERATIONS

        names = ["none", "geo", *AUGMENTATIONS]
        vocabulary = Vocabulary(PointPretraining, _OWN, ["points"], names, list(OPERATIONS), FOLDER)
        whole = self.view_points
        size = _LOCAL_POINTS if whole == "any" else min(_LOCAL_POINTS, max(whole // 2, 2))
        views = planned(self, vocabulary, {"points": size})
        for each in views:
            taken = each.settings.points
            if each.view.local and (taken == "any" or (whole != "any" and taken >= whole)):
                raise ValueError(
                    f"--views ({each.view.title}): a local view of {taken} points should have fewer than the "
                    f"{whole} of the others; lower its points."
                )
        return views

    def view_policies(self) -> "tuple[list[PointPolicy], list[PointPolicy]]":
        """The policies of the global and of the local views."""
        return made_once(self.planned(), lambda each: each.settings.view_policy(each.view))

    def view_policy(self, view: ViewPolicy) -> "PointPolicy":
        """The augmentations of a view that has these settings."""
        from randquant.pointcloud.augment.local_patch import RandomLocalPatch
        from randquant.pointcloud.augment.one_of import CLOUD_CHOICES
        from randquant.pointcloud.augment.policy import PointPolicy
        from randquant.pointcloud.augment.registry import OPERATIONS

        drawn = view.choices(lambda name, strength: OPERATIONS[name](self, strength), CLOUD_CHOICES)
        patch = [RandomLocalPatch(require_number(self.points, "a local view"))] if view.local else []
        return PointPolicy(*patch, *self.policy(), *drawn)

    def policy(self) -> "PointPolicy":
        """The augmentations that `augment` names, in the order they are applied."""
        from randquant.pointcloud.augment.policy import PointPolicy
        from randquant.pointcloud.augment.registry import AUGMENTATIONS

        made = {name: make(self) for name, make in AUGMENTATIONS.items()}  # all, so that every flag is checked
        order = [name for name in made if name in self.augmentations()]
        if self.rq_first and "rq" in order:
            order = ["rq", *(name for name in order if name != "rq")]
        return PointPolicy(*(made[name] for name in order))
