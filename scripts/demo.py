"""The whole pipeline at small scale, for sounds, shapes and pictures: store, pretraining, evaluation.

    make demo                      (or: python -m scripts.demo; --only sounds, shapes or pictures for one of them)

writes synthetic instrument notes in NSynth's layout, synthetic meshes in ModelNet's and made-up pictures in CIFAR-10's,
prepares them, pretrains an encoder of each with randomized quantization among the augmentations, and evaluates it and
the same encoder untrained. It prints every command it runs, so that you can repeat each with your own data, and ends
with a table of each and the numbers to expect. Run again, it resumes.
"""

import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from randquant.cli.command import run
from randquant.errors import DataError
from randquant.files.atomic import read_json
from randquant.installation.commands import as_typed, module_of
from randquant.results.text_table import text_table

Part = Literal["sounds", "shapes", "pictures"]


@dataclass(frozen=True)
class Expected:
    """Test accuracies to expect of a part with the defaults: measured in float32 on one and two threads.

    A processor with fast bfloat16 trains in it, others in float32, and numbers of threads round differently; over
    hundreds of steps that grows to a few hundredths.
    """

    what: str
    untrained: str
    pretrained: str
    augmentation: str


EXPECTED: dict[Part, Expected] = {
    "sounds": Expected("instrument family, 11 classes", "about 0.72", "0.77 to 0.80", "RRC + RQ"),
    "shapes": Expected("kind of shape, 15 classes", "about 0.86", "0.86 to 0.88", "crops, rotation + RQ"),
    "pictures": Expected("outline and pattern, 10 classes", "about 0.38", "0.46 to 0.47", "crops, colour + RQ"),
}


def demo(
    out: Path = Path("runs/demo"),
    only: Part | None = None,
    steps: int = 100,
    shape_steps: int = 300,
    picture_steps: int = 80,
) -> None:
    """Run the whole chain on synthetic notes, then on synthetic shapes, then on made-up pictures.

    Args:
        out: folder for everything the demo writes (about 450 MB).
        only: sounds, shapes or pictures alone.
        steps: pretraining steps of 128 pairs of crops of sound.
        shape_steps: pretraining steps of 64 pairs of views of shapes.
        picture_steps: pretraining steps of 256 pairs of views of pictures.
    """
    began = time.monotonic()
    chains: dict[Part, Callable[[], None]] = {
        "sounds": lambda: _sounds(out / "sounds", steps),
        "shapes": lambda: _shapes(out / "shapes", shape_steps),
        "pictures": lambda: _pictures(out / "pictures", picture_steps),
    }
    parts = [only] if only else list(chains)
    for part in parts:
        chains[part]()
    lines = [line for part in parts for line in table(EXPECTED[part], out / part)]
    print("\n".join([*lines, f"done in {(time.monotonic() - began) / 60:.1f} minutes; everything is in {out}"]))


def _sounds(out: Path, steps: int) -> None:
    notes, store, pretrained = out / "nsynth", out / "store", out / f"pretrained-{steps}"
    _step("prepare", "synthetic-nsynth", "--out", notes)
    _step("prepare", "nsynth", "--root", notes, "--out", store)
    _pretrain("pretrain_audio", "audio/recipes/demo.yaml", store, pretrained, steps)
    probe = ["--task", store, "--cache", out / "features"]
    _step("probe_audio", *probe, "--checkpoint", "untrained:AudioNTT2020:512", "--out", out / "untrained.json")
    _step("probe_audio", *probe, "--checkpoint", pretrained, "--out", out / "pretrained.json")


def _shapes(out: Path, steps: int) -> None:
    meshes, store, pretrained = out / "meshes", out / "store", out / f"pretrained-{steps}"
    _step("prepare", "synthetic-modelnet", "--out", meshes)
    _step("prepare", "modelnet", "--root", meshes / "ModelNet40", "--out", store)
    _pretrain("pretrain_pointcloud", "pointcloud/recipes/demo.yaml", store, pretrained, steps)
    probe = ["--store", store, "--points", 512, "--cache", out / "features"]
    _step("evaluate_modelnet", *probe, "--checkpoint", "untrained:PointNetLite:256", "--out", out / "untrained.json")
    _step("evaluate_modelnet", *probe, "--checkpoint", pretrained, "--out", out / "pretrained.json")


def _pictures(out: Path, steps: int) -> None:
    pictures, store, pretrained = out / "cifar10", out / "store", out / f"pretrained-{steps}"
    _step("prepare", "synthetic-cifar10", "--out", pictures, "--train", 4000, "--test", 1000)
    _step("prepare", "cifar10", "--root", pictures / "cifar-10-batches-py", "--out", store)
    _pretrain("pretrain_images", "common/images/recipes/cpu.yaml", store, pretrained, steps)
    probe = ["--task", store, "--probes", "linear", "--cache", out / "features"]
    _step("probe_images", *probe, "--checkpoint", "untrained:small_cnn:1", "--out", out / "untrained.json")
    _step("probe_images", *probe, "--checkpoint", pretrained, "--out", out / "pretrained.json")


def _pretrain(script: str, recipe: str, store: Path, out: Path, steps: int) -> None:
    _step(script, "--config", recipe, "--data", store, "--out", out, "--steps", steps)


def _step(script: str, *words: object) -> None:
    arguments = [*map(str, words)]
    print(as_typed(f"\n$ python -m scripts.{script} {shlex.join(arguments)}"), flush=True)
    finished = subprocess.run([sys.executable, "-m", module_of(script), *arguments], check=False)
    if finished.returncode:
        raise DataError(
            f"the demo stopped at scripts.{script} (exit code {finished.returncode}); its message is above."
        )


def table(expected: Expected, out: Path) -> list[str]:
    """What was measured of one part, beside what to expect."""
    encoders = {
        "untrained": ("untrained.json", expected.untrained),
        f"pretrained, {expected.augmentation}": ("pretrained.json", expected.pretrained),
    }
    rows = []
    for name, (file, usual) in encoders.items():
        numbers = read_json(out / file)
        rows.append([name, f"{numbers['accuracy']:.3f} ± {numbers['ci95']:.3f}", usual])
    return ["", *text_table([expected.what, "test accuracy", "to expect"], rows)]


if __name__ == "__main__":
    raise SystemExit(run(demo, description=__doc__))
