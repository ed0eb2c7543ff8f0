"""The commands from a dataset's tree to an accuracy, each at its smallest size."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

UNIT_SECONDS = 0.07  # eight frames: the shortest clip that leaves AudioNTT2020's three poolings something


@dataclass(frozen=True)
class Chain:
    """How one dataset is rehearsed.

    Attributes:
        writer: module and name of what makes the tree; it loads torch, so late.
        read: whether the recordings are read; otherwise the store is made up from the plan.
        probed: whether it has labels.
        shapes: it holds shapes and not recordings.
    """

    writer: str
    read: bool = True
    probed: bool = True
    shapes: bool = False

    def write(self, root: Path, items: int | None = None) -> Path:
        """Make the tree of as many items as asked, or of all; returns the root.

        Raises:
            ValueError: they are too few.
        """
        written: Path = resolve_name(f"randquant.data_prep.synthetic.{self.writer}")(root, items=items)
        return written

    def commands(self, dataset: str, root: Path, work: Path) -> Mapping[str, list[str]]:
        """Module and arguments by stage, in order; what they write lies below `work`."""
        store, run, result, cache = (str(work / name) for name in ("store", "run", "probe.json", "features"))
        train = ["--data", store, "--out", run, "--steps", "1", "--batch_size", "16", "--hidden_size", "64"]
        probe = ["--out", result, "--cache", cache, "--probes", "ridge"]
        if self.shapes:
            size = ["--points", "128"]
            training = ["scripts.pretrain_pointcloud", *train, *size, "--encoder", "PointNet", "--d", "64"]
            probing = ["scripts.evaluate_modelnet", "--store", store, "--checkpoint", "untrained:PointNet:64", *size]
        else:
            training = ["scripts.pretrain_audio", *train, "--d", "64"]
            probing = ["scripts.probe_audio", "--task", store, "--checkpoint", "untrained:AudioNTT2020:64"]
            probing += ["--unit_seconds", str(UNIT_SECONDS)]
        preparing = ["scripts.prepare", dataset, "--root", str(root), "--out", store]
        stages = {
            "doctor": ["scripts.doctor", dataset, "--root", str(root)],
            "prepare": preparing if self.read else ["scripts.rehearsal.unread", dataset, str(root), store],
            "open": ["scripts.rehearsal.opening", store],
            "train": training,
        }
        return stages | ({"probe": [*probing, *probe]} if self.probed else {})


CHAINS: dict[str, Chain] = {
    "us8k": Chain("sounds.us8k:write_published_us8k"),
    "modelnet": Chain("shapes.modelnet:write_published_modelnet", shapes=True),
    "spcv2": Chain("sounds.speech_commands:write_published_speech_commands"),
    "spcv2-12": Chain("sounds.speech_commands:write_published_speech_commands"),
    "voxceleb1": Chain("sounds.voxceleb1:write_published_voxceleb1"),
    "voxforge": Chain("sounds.voxforge:write_published_voxforge"),
    "nsynth": Chain("sounds.nsynth:write_published_nsynth"),
    "audioset": Chain("sounds.audioset:write_published_audioset", read=False, probed=False),
}
