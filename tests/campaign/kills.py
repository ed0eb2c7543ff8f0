"""Kill prepare, pretrain, probe and embed with SIGKILL, run them again, and compare what they leave bit by bit.

    python -m tests.campaign.kills --kills 200 --seed 0

takes about twenty minutes on two free cores and prints one line a job and a last one,

    200 kills: 200 exact, 0 not

with exit code 0 only if all are exact. Half of the kills come before a file operation (opening for writing, renaming,
removing, making a folder, flushing to disk), each of a job's operations in turn; half come at a random moment. A trial
begins with an empty output folder and is killed once or twice before it may finish. Its files then have to be those
of a run that nobody killed, wall-clock times apart, and neither partial files, locks, temporary files, processes nor
shared memory may be left. `--verbose` names every kill; `--only` names jobs.

A job runs in a fork of this process, which has loaded all libraries, so a trial costs seconds instead of a minute.
"""

import argparse
import functools
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from randquant.scripts.embed import embed
from randquant.scripts.evaluate_modelnet import evaluate
from randquant.scripts.prepare import COMMANDS as PREPARE
from randquant.scripts.pretrain_audio import pretrain_audio
from randquant.scripts.pretrain_pointcloud import pretrain_pointcloud
from randquant.scripts.probe_audio import probe
from tests.campaign.trial import Job, Kill, Reference, attempt, refer

_TRAINING = "--steps 6 --checkpoint_every 2 --log_every 1 --snapshot_every 3 --monitor_every 4 --accelerator cpu"
_SMALL = "--hidden_size 16 --projection_size 8 --batch_size 8"
JOBS = [
    Job("prepare audio", PREPARE, "folder --root IN/sounds --out OUT/store --workers 1"),
    Job("prepare points", PREPARE, "meshes --root IN/meshes --out OUT/store --points 64 --workers 1"),
    Job("prepare by workers", PREPARE, "folder --root IN/sounds --out OUT/store --workers 2"),
    Job(
        "pretrain audio",
        pretrain_audio,
        f"--data IN/audio --out OUT/run --d 16 --augment rrc+rq+mixup {_TRAINING} {_SMALL} --monitor IN/audio",
    ),
    Job(
        "pretrain points",
        pretrain_pointcloud,
        f"--data IN/points --out OUT/run --d 16 --points 48 --method moco --queue_size 16 {_TRAINING} {_SMALL}",
    ),
    Job(
        "pretrain by loaders",
        pretrain_pointcloud,
        f"--data IN/points --out OUT/run --d 16 --points 48 --workers 2 {_TRAINING} {_SMALL}",
    ),
    Job(
        "probe audio",
        probe,
        "--checkpoint untrained:AudioNTT2020:16 --task IN/audio --out OUT/results/ --cache OUT/cache --seeds 2 "
        "--probes linear knn --device cpu",
    ),
    Job(
        "fine-tune points",
        evaluate,
        "--checkpoint untrained:PointNetLite:16 --store IN/points --out OUT/results/ --cache OUT/cache --points 48 "
        "--probes svm knn --seeds 1 --finetune --finetune_epochs 12 --votes 1 --device cpu",
    ),
    Job(
        "embed audio",
        embed,
        "--checkpoint untrained:AudioNTT2020:16 --input IN/sounds --out OUT/table.parquet --workers 1 --device cpu",
    ),
    Job(
        "embed meshes",
        embed,
        "--checkpoint untrained:PointNetLite:16 --input IN/meshes --out OUT/table.parquet --workers 1 --device cpu",
    ),
]


@dataclass
class Tally:
    """What came of the kills."""

    exact: int = 0
    faults: list[str] = field(default_factory=list)


def make_inputs(folder: Path) -> None:
    """Sounds and meshes as files, and one labelled store of each kind."""
    import soundfile

    from randquant.data.store import StoreWriter

    generator = np.random.default_rng(0)
    (folder / "sounds").mkdir(parents=True)
    (folder / "meshes").mkdir()
    for number in range(12):
        noise = generator.normal(0.0, 0.1, 4_000 + 500 * number)
        soundfile.write(folder / "sounds" / f"{number}.wav", noise, 16_000)
        corners = "\n".join(" ".join(f"{value:.5f}" for value in corner) for corner in generator.normal(size=(4, 3)))
        faces = "3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"
        (folder / "meshes" / f"{number}.off").write_text(f"OFF\n4 4 6\n{corners}\n{faces}")
    for kind, info in (("audio", {"sample_rate": 16_000}), ("points", {"channels": ["x", "y", "z"], "points": 64})):
        writer = StoreWriter(folder / kind, kind=kind, plan="campaign")
        with writer.begin(), writer.shard(0) as shard:
            for item in range(32):
                rows = (generator.normal(size=4_000) * 3_000).astype("<i2")
                if kind == "points":
                    rows = generator.normal(size=(64, 3)).astype("<f4")
                split = ("train", "train", "valid", "test")[item // 2 % 4]
                shard.append([rows], {"path": f"{item}", "label": "ab"[item % 2], "split": split, "group": None})
        with writer.begin():
            writer.finish(1, {**info, "up": "z", "source": {"dataset": kind}})


def schedule(job: Job, reference: Reference, count: int, choose: random.Random) -> Iterator[list[Kill]]:
    """Kills before each operation in turn and at random moments, half of each; every fourth trial dies twice."""
    operations = list(range(1, reference.operations + 1))
    choose.shuffle(operations)

    def at_random() -> Kill:
        return Kill(seconds=choose.uniform(0.0, reference.seconds))

    for number in range(count):
        before_one = number % 2 == 0 and operations
        first = Kill(operation=operations[number // 2 % len(operations)]) if before_one else at_random()
        yield [first, at_random()] if number % 4 == 3 else [first]


def campaign(jobs: list[Job], kills: int, seed: int, folder: Path, say: Callable[[str], None]) -> Tally:
    """All kills, spread evenly over the jobs."""
    inputs = folder / "inputs"
    make_inputs(inputs)
    shares = [kills // len(jobs) for _ in jobs]
    for number in range(kills - sum(shares)):
        shares[number % len(jobs)] += 1
    tally, choose = Tally(), random.Random(seed)
    for job, share in zip(jobs, shares, strict=True):
        if not share:
            continue
        reference = refer(job, inputs, folder / "trial")
        counted: Counter[str] = Counter()
        done = 0
        for planned in schedule(job, reference, share, choose):
            planned = planned[: share - done]
            if not planned:
                break
            complaint = attempt(job, reference, planned, inputs, folder / "trial")
            done += len(planned)
            counted["exact" if not complaint else "faulty"] += len(planned)
            say(f"  {job.name}, killed {' and '.join(map(str, planned))}: {complaint or 'exact'}")
            if complaint:
                tally.faults.append(f"{job.name}, killed {' and '.join(map(str, planned))}: {complaint}")
            else:
                tally.exact += len(planned)
        print(
            f"{job.name}: {done} kills, {counted['exact']} exact; {reference.operations} file operations, "
            f"{reference.seconds:.1f} s uninterrupted",
            flush=True,
        )
    return tally


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="in all")
    parser.add_argument("--seed", type=int, default=0, help="of moments")
    parser.add_argument("--only", nargs="+", help="names of jobs")
    parser.add_argument("--verbose", action="store_true", help="a line a trial")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    from lightning_fabric import Fabric  # noqa: F401  loaded once for all forks
    from torch.utils.tensorboard import SummaryWriter  # noqa: F401

    from randquant.data_prep.engine import plan, preparation
    from randquant.pointcloud.evaluation import classifier_training

    classifier_training._SAVE_EVERY = 0.0  # a state an epoch, so that there are some
    plan._SHARD_ITEMS, preparation._SMALL_ITEMS = 4, 0  # several shards, and workers for them
    jobs = [job for job in JOBS if arguments.only is None or job.name in arguments.only]
    say = functools.partial(print, flush=True) if arguments.verbose else lambda _: None
    with tempfile.TemporaryDirectory() as folder:
        tally = campaign(jobs, arguments.kills, arguments.seed, Path(folder), say)
    for fault in tally.faults:
        print(fault)
    print(f"{arguments.kills} kills: {tally.exact} exact, {arguments.kills - tally.exact} not")
    return 0 if not tally.faults else 1


if __name__ == "__main__":
    raise SystemExit(main())
