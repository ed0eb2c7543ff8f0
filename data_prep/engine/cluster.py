"""Tasks on the workers of a Dask cluster, one function call each.

Dask's own client is used rather than joblib's Dask back end: that one waits forever if a worker is killed.
"""

import asyncio
import logging
import os
import pkgutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from randquant.errors import DataError

_SECONDS = 30  # for a first worker to appear
_ANSWER = 3.0  # seconds for a scheduler's computer to take the connection; Dask itself would try for a minute
_HANDSHAKE = 5  # seconds for what took it to speak as a scheduler does
_PORT = 8786  # where none is given


def run_on_cluster(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], address: str, *, folders: Sequence[Path] = ()
) -> Iterator[Any]:
    """Call `function(*task)` for every task on the cluster's workers.

    Args:
        function: module-level, in a module that the workers can import.
        tasks: arguments, picklable.
        address: of the scheduler, as in tcp://host:8786.
        folders: absolute, that every worker must see.

    Yields:
        the results, in the order they are done. What a call raises is raised here, and the others are cancelled.

    Raises:
        DataError: Dask is not installed, the scheduler does not answer or has no workers, or a worker was
            killed, cannot import the function or does not see the folders.
    """
    try:
        from distributed import CancelledError, KilledWorker, as_completed
    except (ImportError, OSError):
        raise DataError("--dask needs Dask; install it with: pip install distributed") from None
    with _client(address) as client:
        _check_workers(client, address, function, folders)
        futures = [client.submit(function, *task, pure=False) for task in tasks]
        try:
            for future in as_completed(futures, loop=client.loop):
                yield future.result()
                future.release()
        except KilledWorker:
            raise DataError(
                f"a worker of {address} was killed again and again, most likely for want of memory; give the workers "
                "more and run the same command again: finished shards are kept."
            ) from None
        except CancelledError:
            raise DataError(
                f"the connection to the Dask scheduler {address} was lost; run the same command again once it is back: "
                "finished shards are kept."
            ) from None
        finally:
            client.cancel(futures)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    _require_answer(address)
    from distributed import Client

    for name in ("distributed", "distributed.client"):  # their tracebacks would bury the one sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        asyncio.run(_handshake(address))
        client = Client(address, timeout=_HANDSHAKE, set_as_default=False)
    except Exception as error:  # whatever answers there in another language
        raise _nobody(address, str(error).split("\n")[0].rstrip(".") or type(error).__name__) from None
    with client:
        yield client


def _require_answer(address: str) -> None:
    """Connect once, so that an unreachable address is reported within seconds."""
    try:
        place = urlsplit(address if "://" in address else f"tcp://{address}")
        if place.scheme not in ("tcp", "tls"):
            raise _nobody(address, f"it begins with {place.scheme}://")
        socket.create_connection((place.hostname or "", place.port or _PORT), timeout=_ANSWER).close()
    except (OSError, ValueError) as error:  # UnicodeError, of a name that is none, is a ValueError
        raise _nobody(address, str(getattr(error, "strerror", None) or error).lower()) from None


async def _handshake(address: str) -> None:
    """Perform the handshake with the scheduler. A client that fails in it prints an error when it closes."""
    from distributed.comm import connect

    comm = await asyncio.wait_for(connect(address, timeout=_HANDSHAKE), _HANDSHAKE + 1)
    comm.abort()


def _nobody(address: str, reason: str) -> DataError:
    return DataError(
        f"no Dask scheduler answers at {address} ({reason}); start one with dask scheduler and give its address, as in "
        "--dask tcp://HOST:8786."
    )


def _check_workers(client: Any, address: str, function: Callable[..., Any], folders: Sequence[Path]) -> None:
    try:
        client.wait_for_workers(1, timeout=_SECONDS)
    except TimeoutError:
        raise DataError(
            f"the Dask scheduler {address} has no workers; start some with: dask worker {address}"
        ) from None
    try:
        client.run(pkgutil.resolve_name, f"{function.__module__}:__name__")
    except (ImportError, AttributeError):
        raise DataError(
            f"the workers of {address} cannot import {function.__module__}; start them in a clone of this repository "
            "with the same packages installed."
        ) from None
    for folder in folders:
        blind = [worker for worker, seen in client.run(os.path.isdir, str(folder)).items() if not seen]
        if blind:
            raise DataError(
                f"the worker {blind[0]} does not see {folder}; the cluster must share that folder under the same path."
            )
