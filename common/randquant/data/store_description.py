"""store.json, checked against the expected types and against the shards."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from randquant.data.shard import KINDS, require_shard, shard_path
from randquant.data.verification import Stamp
from randquant.errors import DataError
from randquant.files.atomic import read_json
from randquant.files.store_folder import FORMAT

VERSION = 1


def require_shards(path: Path, kind: str, rows: Sequence[int]) -> tuple[tuple[int, ...], list[Stamp]]:
    """The shape of a row, the same in all shards that have any, and each shard's stamp.

    Raises:
        DataError: a shard is missing or is not what was written.
    """
    shape: tuple[int, ...] | None = None
    stamps = []
    for number, count in enumerate(rows):
        found, stamp = require_shard(shard_path(path, number), KINDS[kind], count)
        if count and shape is not None and found != shape:
            raise DataError(
                f"{shard_path(path, number)} has rows of shape {found} where the shards before have {shape}; "
                "prepare the store again."
            )
        shape = found if count else shape
        stamps.append(stamp)
    return shape or (), stamps


def read_info(path: Path, kind: str | None) -> dict[str, Any]:
    if not path.exists():
        raise DataError(f"there is no store at {path}; check the path, or write one with python -m scripts.prepare.")
    if (path / "plan.json").is_file() and not (path / "store.json").is_file():
        raise DataError(f"the store {path} is unfinished; run the command that prepares it again, it will resume.")
    if not (path / "store.json").is_file():
        raise DataError(f"{path} is not a store (it has no store.json); write one with python -m scripts.prepare.")
    info = read_json(path / "store.json")
    if info.get("format") != FORMAT:
        raise DataError(f"{path / 'store.json'} is not a store's description; check the path.")
    if info.get("version") != VERSION:
        raise DataError(
            f"{path} is a store of version {info.get('version')}, this program reads version {VERSION}; "
            "prepare it again with python -m scripts.prepare."
        )
    if kind is not None and info.get("kind") != kind:
        raise DataError(f"{path} holds {info.get('kind')} where {kind} are expected; give a store of {kind}.")
    _require_description(path / "store.json", info)
    return info


def _require_description(file: Path, info: Mapping[str, Any]) -> None:
    """Check the types of the entries in store.json.

    Raises:
        DataError: naming what is missing or something else.
    """
    for name, kind in {"kind": str, "items": int, "content_hash": str, "shards": list}.items():
        if not isinstance(info.get(name), kind):
            state = "lacks" if name not in info else "has something else for"
            raise DataError(f"{file} {state} {name}; prepare the store again.")
    if info["kind"] not in KINDS:
        raise DataError(f"{file} tells of a store of {info['kind']}; known are {', '.join(KINDS)}.")
    for number, shard in enumerate(info["shards"]):
        rows, sha = (shard.get("rows"), shard.get("sha256")) if isinstance(shard, dict) else (None, None)
        if not isinstance(rows, int) or rows < 0 or not isinstance(sha, str):
            raise DataError(f"{file} does not say how many rows shard {number} has, and their hash; prepare it again.")
