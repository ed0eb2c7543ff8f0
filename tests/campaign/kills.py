"""Kill prepare, pretrain, probe and embed with SIGKILL, run them again, and compare what they leave bit by bit.

    python -m tests.campaign.kills --kills 200 --seed 0

takes about twenty minutes on two cores and prints one line a job and a last one,

    200 kills: 200 exact, 0 differing, 0 left something behind

with exit code 0 only if all are exact. Half of the kills come before a file operation (opening for writing, renaming,
removing, making a folder, flushing to disk), each of a job's operations in turn; half come at a random moment. A trial
begins with an empty output folder and is killed once or twice before it may finish. Its files then have to be those
of a run that nobody killed, wall-clock times apart, and neither partial files, locks, temporary files, processes nor
shared memory may be left. `--verbose` names every kill; `--only` names jobs.

A job runs in a fork of this process, which has loaded all libraries, so a trial costs seconds instead of a minute.
"""

import argparse
import contextlib
import functools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randquant.command import run
from scripts.embed import embed
from scripts.evaluate_modelnet import evaluate
from scripts.prepare import COMMANDS as PREPARE
from scripts.pretrain_audio import pretrain_audio
from scripts.pretrain_pointcloud import pretrain_pointcloud
from scripts.probe_audio import probe

WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "shutil.rmtree"}
TIMES = {"seconds", "created", "date", "time"}  # fields that no two runs share
LIMIT = 120.0  # seconds a run may take


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        name: of the job.
        commands: as `randquant.command.run` takes them.
        words: its arguments; IN and OUT stand for the folders of inputs and of the trial.
        processes: whether it starts processes of its own, which loads everything anew and so takes longer.
    """

    name: str
    commands: Any
    words: str
    processes: bool = False


_TRAINING = "--steps 6 --checkpoint_every 2 --log_every 1 --snapshot_every 3 --monitor_every 4 --accelerator cpu"
_SMALL = "--hidden_size 16 --projection_size 8 --batch_size 8"
JOBS = [
    Job("prepare audio", PREPARE, "folder --root IN/sounds --out OUT/store --workers 1"),
    Job("prepare points", PREPARE, "meshes --root IN/meshes --out OUT/store --points 64 --workers 1"),
    Job("prepare by two", PREPARE, "folder --root IN/sounds --out OUT/store --workers 2", processes=True),
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
class Kill:
    """When a run is killed: before its n-th file operation, or some seconds after it began."""

    operation: int | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        return f"before operation {self.operation}" if self.seconds is None else f"after {self.seconds:.2f} s"


@dataclass
class Reference:
    """What a job does where nobody kills it."""

    files: dict[str, Any]
    operations: int
    seconds: float


@dataclass
class Tally:
    """What came of the kills."""

    exact: int = 0
    faults: list[str] = field(default_factory=list)


def make_inputs(folder: Path) -> None:
    """Sounds and meshes as files, and one labelled store of each kind."""
    import soundfile

    from randquant.store import StoreWriter

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


def count_operations(stop_at: int | None, places: tuple[str, ...]) -> list[int]:
    """Count this process's file operations below `places`, and kill it before number `stop_at`, from 1."""
    count = [0]
    flush = os.fsync

    def operation() -> None:
        count[0] += 1
        if count[0] == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in WATCHED or not str(arguments[0]).startswith(places):
            return
        if event == "open" and not _writes(*arguments[1:]):
            return
        operation()

    def flushed(descriptor: Any) -> None:
        operation()
        flush(descriptor)

    os.fsync = flushed  # type: ignore[assignment]
    sys.addaudithook(hook)
    return count


def _writes(mode: Any, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if mode is None else any(c in mode for c in "wax+")


def start(job: Job, inputs: Path, out: Path, kill_before: int | None, report: Path | None) -> int:
    """The job in a fork of this process, in a session of its own; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        log = os.open(out.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        temporary = out.parent / "temporary"
        temporary.mkdir(exist_ok=True)
        os.environ["TMPDIR"] = str(temporary)
        tempfile.tempdir = None
        count = count_operations(kill_before, (str(out), str(temporary)))
        words = job.words.replace("IN/", f"{inputs}/").replace("OUT/", f"{out}/").split()
        code = run(job.commands, words)
        if report is not None:
            report.write_text(str(count[0]))
        sys.stdout.flush()
    finally:
        os._exit(code)
    raise AssertionError


def wait(child: int, limit: float) -> int | None:
    """The exit code, negative for a signal; None where it still runs after `limit` seconds."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def finish(job: Job, inputs: Path, out: Path, report: Path | None = None) -> str:
    """Run the job to its end; a complaint, or nothing."""
    child = start(job, inputs, out, None, report)
    code = wait(child, LIMIT)
    if code is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return f"did not end within {LIMIT:.0f} s"
    return "" if code == 0 else f"ended with {code}: {(out.parent / 'log.txt').read_text()[-400:]}"


def content(out: Path) -> dict[str, Any]:
    """Every file below a folder, without what depends on the clock."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_dir():
            found[name + "/"] = None
        elif "tensorboard" not in path.parts:  # an event file for every start
            found[name] = _timeless(path)
    return found


def _timeless(path: Path) -> Any:
    data = path.read_bytes()
    if path.suffix == ".pt":  # equal values may be pickled in several ways
        return _plain(torch.load(path, weights_only=True))
    if path.suffix == ".json":
        return _without_times(json.loads(data))
    if path.name == "log.csv":
        return [line.rpartition(b",")[0] for line in data.splitlines()]
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.dtype, tuple(value.shape), value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(each) for key, each in value.items() if key not in TIMES}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def refer(job: Job, inputs: Path, folder: Path) -> Reference:
    """Run a job twice, uninterrupted: both have to leave the same."""
    left = []
    for _ in range(2):
        out, report = _fresh(folder), folder / "operations"
        began = time.monotonic()
        complaint = finish(job, inputs, out, report)
        if complaint:
            raise SystemExit(f"{job.name}: {complaint}")
        left.append(content(out))
    if differing := _differences(*left):
        raise SystemExit(f"{job.name}: two uninterrupted runs differ in {differing}")
    return Reference(left[0], int(report.read_text()), time.monotonic() - began)


def attempt(job: Job, reference: Reference, kills: list[Kill], inputs: Path, folder: Path) -> str:
    """Kill a job at these moments, let it finish, and look at what there is; a complaint, or nothing."""
    out = _fresh(folder)
    shared = set(os.listdir("/dev/shm"))
    sessions = []
    for kill in kills:
        child = start(job, inputs, out, kill.operation, None)
        sessions.append(child)
        if wait(child, LIMIT if kill.seconds is None else kill.seconds) is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    complaint = finish(job, inputs, out)
    if complaint:
        return complaint
    if differing := _differences(reference.files, content(out)):
        return f"differs in {differing}"
    return _left_behind(sessions, out.parent / "temporary", shared)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder / "out"


def _differences(one: dict[str, Any], other: dict[str, Any]) -> str:
    return ", ".join(name for name in sorted(one.keys() | other.keys()) if one.get(name, 0) != other.get(name, 0))


def _left_behind(sessions: list[int], temporary: Path, shared: set[str]) -> str:
    for _ in range(200):  # loaders and workers look for their parent every few seconds
        alive = [session for session in sessions if _members(session)]
        if not alive:
            break
        time.sleep(0.1)
    else:
        return f"left processes of sessions {alive}"
    if left := [path.name for path in temporary.rglob("*")]:
        return f"left temporary files {left}"
    mine = [name for name in set(os.listdir("/dev/shm")) - shared if _is_mine(name, sessions)]
    return f"left shared memory {mine}" if mine else ""


def _is_mine(name: str, sessions: list[int]) -> bool:
    return any(f"_{session}" in name or str(session) in name.split("_") for session in sessions)


def _members(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            state, _parent, _group, its, *_ = entry.read_text().rpartition(")")[2].split()
            if int(its) == session and state not in "ZX":
                found.append(int(entry.parent.name))
    return found


def schedule(job: Job, reference: Reference, count: int, choose: random.Random) -> Iterator[list[Kill]]:
    """Kills before each operation in turn and at random moments, half of each; every fourth trial dies twice."""
    operations = list(range(1, reference.operations + 1))
    choose.shuffle(operations)

    def at_random() -> Kill:
        return Kill(seconds=choose.uniform(0.0, reference.seconds))

    for number in range(count):
        before_one = number % 2 == 0 and operations and not job.processes
        first = Kill(operation=operations[number // 2 % len(operations)]) if before_one else at_random()
        yield [first, at_random()] if number % 4 == 3 else [first]


def campaign(jobs: list[Job], kills: int, seed: int, folder: Path, say: Callable[[str], None]) -> Tally:
    """All kills, spread over the jobs; those with processes of their own get a third of the others' share."""
    inputs = folder / "inputs"
    make_inputs(inputs)
    weights = [1 if job.processes else 3 for job in jobs]
    shares = [kills * weight // sum(weights) for weight in weights]
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

    from pointcloud import finetune

    finetune._SAVE_EVERY = 0.0  # a state an epoch, so that there are some
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
