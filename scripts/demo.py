"""Everything once, small: sounds, a store, pretraining, and what the pretraining was worth.

    make demo                      (or: python -m scripts.demo)

writes synthetic instrument notes in NSynth's own tree, prepares them, pretrains an encoder with random resize crops
and randomized quantization, and probes it beside the same encoder untrained. It prints every command it runs, so that
each can be typed again with your own data, and ends with a table and the numbers to expect. Run it again and it takes
up what is there.
"""

import shlex
import subprocess
import sys
import time
from pathlib import Path

from randquant.atomic import read_json
from randquant.command import run
from randquant.errors import DataError

# Test accuracy to expect with the defaults: seed 42, bfloat16. Other processors move it by a few hundredths.
UNTRAINED, PRETRAINED = 0.72, 0.85


def demo(out: Path = Path("runs/demo"), steps: int = 200) -> None:
    """Run the whole chain on synthetic notes.

    Args:
        out: folder for everything the demo writes (about 300 MB).
        steps: pretraining steps of 128 pairs of crops.
    """
    began = time.monotonic()
    notes, store, pretrained = out / "nsynth", out / "store", out / f"pretrained-{steps}"
    _step("prepare", "synthetic-nsynth", "--out", notes)
    _step("prepare", "nsynth", "--root", notes, "--out", store)
    _step(
        "pretrain_audio", "--config", "audio/recipes/demo.yaml", "--data", store, "--out", pretrained, "--steps", steps
    )  # fmt: skip
    probe = ["--task", store, "--cache", out / "features"]
    _step("probe_audio", *probe, "--checkpoint", "untrained:AudioNTT2020:512", "--out", out / "untrained.json")
    _step("probe_audio", *probe, "--checkpoint", pretrained, "--out", out / "pretrained.json")
    print("\n".join(_table(out, time.monotonic() - began)))


def _step(script: str, *words: object) -> None:
    command = ["-m", f"scripts.{script}", *map(str, words)]
    print(f"\n$ python {shlex.join(command)}", flush=True)
    finished = subprocess.run([sys.executable, *command], check=False)
    if finished.returncode:
        raise DataError(
            f"the demo stopped at scripts.{script} (exit code {finished.returncode}); its message is above."
        )


def _table(out: Path, seconds: float) -> list[str]:
    rows = [("untrained", UNTRAINED), ("pretrained, RRC + RQ", PRETRAINED)]
    lines = ["", f"{'instrument family, 11 classes':<32} {'test accuracy':<18} to expect"]
    for (name, expected), file in zip(rows, ("untrained.json", "pretrained.json"), strict=True):
        numbers = read_json(out / file)
        lines.append(f"{name:<32} {numbers['accuracy']:.3f} ± {numbers['ci95']:.3f}      about {expected:.2f}")
    return [*lines, f"done in {seconds / 60:.1f} minutes; everything is in {out}"]


if __name__ == "__main__":
    raise SystemExit(run(demo, description=__doc__))
