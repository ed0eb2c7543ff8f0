"""The processes of one training: started, monitored and ended together, with messages from one of them.

Local rank 0 of a node starts the others by the same command, in a process group of their own, so that Ctrl-C reaches
rank 0 alone and it decides for all. The others end with it, even if it is killed. Where torchrun or SLURM starts
the processes, they are only watched.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import torch

from randquant.cli.explanation import INTERRUPTED
from randquant.errors import DataError, UsageError, UserError
from randquant.training.processes.orphans import end_with_parent

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_STARTER = "RANDQUANT_STARTED_BY"  # process id of the rank that started this one
_ADDRESS = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
_GRACE = 10.0  # seconds in which a process ends by itself after another one has
_LOST = re.compile(
    r"gloo|NCCL|Connection (closed|reset|refused)|Broken pipe|ProcessGroup|TCPStore|Dist\w+Error|timed out"
)
Result = TypeVar("Result")


@contextmanager
def together(fabric: "Fabric", *, devices: int, nodes: int) -> Iterator[None]:
    """Start the other processes of this node and connect all; if one of them ends inside the block, all end.

    Raises:
        UsageError: several nodes without a common address.
        DataError: another process ended.
    """
    if devices * nodes == 1:
        fabric.launch()
        yield
        return
    if _STARTER in os.environ:
        end_with_parent(int(os.environ[_STARTER]))
    environment, others = dict(os.environ), _Others()
    try:
        if not fabric.strategy.cluster_environment.creates_processes_externally:  # type: ignore[attr-defined]
            _meet(fabric, nodes)
            others.start(devices)
        fabric.launch()
        yield
        others.finish()
    except KeyboardInterrupt:
        if fabric.local_rank != 0:
            raise SystemExit(INTERRUPTED) from None  # one of them says it
        raise
    except RuntimeError as error:  # what a collective raises when a process at its other end is gone
        if not _LOST.search(f"{type(error).__name__} {error}"):
            raise
        if fabric.local_rank != 0:
            raise SystemExit(DataError.exit_code) from None
        lost = f"the processes of the training lost each other ({_reason(error)})"
        remedy = "run the same command again: it goes on from the last checkpoint."
        raise DataError(others.ended() or f"{lost}; {remedy}") from None
    finally:
        others.end()
        os.environ.clear()
        os.environ.update(environment)


def agreed(fabric: "Fabric", do: Callable[[], Result]) -> Result:
    """What `do` gives, once it has given it in every process; where it fails in one, one says so and all end.

    Raises:
        UserError: of the first process that has one.
        SystemExit: in the processes that print nothing.
    """
    if fabric.world_size == 1:
        return do()
    error: UserError | None = None
    try:
        result = do()
    except UserError as raised:
        error = raised
    except OSError as raised:
        error = DataError(_reason(raised))
    errors: list[UserError | None] = [None] * fabric.world_size
    torch.distributed.all_gather_object(errors, error)
    error = next((each for each in errors if each is not None), None)
    if error is None:
        return result
    raise raised_once(fabric, error)


def raised_once(fabric: "Fabric", error: UserError) -> BaseException:
    """What each process raises for an error that all of them have, so that it is printed once per node."""
    return error if fabric.local_rank == 0 else SystemExit(error.exit_code)


def any_process(fabric: "Fabric", flag: bool) -> bool:
    """Whether the flag is set in one of the processes."""
    if fabric.world_size == 1:
        return flag
    return bool(fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="sum"))


def joint_mean(fabric: "Fabric", value: torch.Tensor) -> torch.Tensor:
    """The mean of a value over the processes: of a mean over each one's items, that over the joint batch."""
    if fabric.world_size == 1:
        return value
    mean = fabric.all_reduce(value, reduce_op="mean")
    assert isinstance(mean, torch.Tensor)
    return mean


def _meet(fabric: "Fabric", nodes: int) -> None:
    """Set the address at which the processes meet; with several nodes, print it."""
    environment = fabric.strategy.cluster_environment  # type: ignore[attr-defined]
    if nodes > 1:
        missing = [name for name in _ADDRESS if not os.environ.get(name)]
        if missing:
            raise UsageError(
                f"--nodes {nodes} waits for {nodes} nodes, which find each other by the environment variables "
                f"{', '.join(_ADDRESS)}, but {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set; "
                "run the same command on every node after MASTER_ADDR=address of the first MASTER_PORT=29500 "
                f"NODE_RANK=0 to {nodes - 1}, or start it by torchrun or SLURM."
            )
        port, rank = os.environ["MASTER_PORT"], os.environ["NODE_RANK"]
        if not port.isdecimal() or not 0 < int(port) < 2**16 or not rank.isdecimal() or not int(rank) < nodes:
            raise UsageError(
                f"MASTER_PORT should be a port and NODE_RANK from 0 to {nodes - 1}, got {port!r} and {rank!r}."
            )
        print(
            f"node {rank} of {nodes} (NODE_RANK): waiting at {os.environ['MASTER_ADDR']}:{port} (MASTER_ADDR, "
            f"MASTER_PORT) until all {nodes} nodes have started the same command.",
            file=sys.stderr,
        )
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = environment.main_address, str(environment.main_port)
    os.environ["NODE_RANK"], os.environ["LOCAL_RANK"] = str(environment.node_rank()), "0"
    os.environ["WORLD_SIZE"] = str(fabric.world_size)


class _Others:
    """The processes that this one has started."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.ending = False  # this process has noticed by itself

    def start(self, devices: int) -> None:
        """The same command once more for every other device, and a watch over them."""
        self.processes = [_started(rank) for rank in range(1, devices)]
        threading.Thread(target=self._watch, daemon=True).start()

    def finish(self) -> None:
        """Wait for those that have done their work."""
        self.ending = True
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)

    def end(self) -> None:
        """Let none of them live on."""
        self.ending = True
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.wait()

    def ended(self) -> str:
        """A sentence on the one that ended too early; empty where none has."""
        time.sleep(0.2)  # it may still be ending
        rank, code = next(((rank, code) for rank, code in enumerate(self._codes(), 1) if code), (0, 0))
        if not code:
            return ""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return (
            f"process {rank} of the training (of 0 to {len(self.processes)}) {how}, so all were stopped; run the same "
            "command again: it goes on from the last checkpoint."
        )

    def _codes(self) -> list[int | None]:
        return [process.poll() for process in self.processes]

    def _watch(self) -> None:
        """End this process where it does not notice that another one has, as it waits for it in a collective."""
        while not any(self._codes()):
            if self.ending:
                return
            time.sleep(0.5)
        time.sleep(_GRACE)
        if not self.ending:
            print(f"error: {self.ended()}", file=sys.stderr, flush=True)
            self.end()
            os._exit(DataError.exit_code)


def _started(local_rank: int) -> "subprocess.Popen[bytes]":
    """The same command once more, as another rank, where Ctrl-C does not reach it."""
    module = getattr(sys.modules["__main__"], "__spec__", None)
    script = ["-m", module.name] if module is not None else [os.path.abspath(sys.argv[0])]
    environment = {**os.environ, "LOCAL_RANK": str(local_rank), _STARTER: str(os.getpid())}
    return subprocess.Popen([sys.executable, *script, *sys.argv[1:]], env=environment, process_group=0)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
