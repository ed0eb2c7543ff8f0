"""The writer of a store (`randquant.data.store`): shard by shard, in any order, resumable."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from randquant.data.content_hash import ContentHash, file_sha256, item_count
from randquant.data.shard import KINDS, ShardWriter, record_path, shard_path
from randquant.data.store_description import VERSION
from randquant.data.verification import Stamp, rows_sha256, stamp, stamp_of
from randquant.errors import DataError
from randquant.files.atomic import atomic_path, flush, read_json, write_json
from randquant.files.lock import locked
from randquant.files.store_folder import FORMAT

if TYPE_CHECKING:
    from randquant.data.store import Store

_PLANS = 2  # of plan.json: another way to cut a plan into shards is another version


class StoreWriter:
    """Writes a store shard by shard, in any order, from any number of processes at once.

    The object is small and picklable. One process calls `begin` and, in its block, `finish` when all shards
    are written; any process may write a shard in between. Stopping at any moment loses at most the shards
    being written.

    Args:
        path: the store's folder; created where absent.
        kind: one of `randquant.data.shard.KINDS`.
        plan: a hash of what the store will hold, so that another plan does not continue this one.
        about: JSON values that tell people what the plan is; kept in plan.json.
    """

    def __init__(self, path: str | Path, *, kind: str, plan: str, about: Mapping[str, Any] | None = None) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind should be one of {', '.join(KINDS)}, got {kind!r}")
        self.path = Path(path)
        self.kind = kind
        self.plan = plan
        self.about = dict(about or {})

    @contextmanager
    def begin(self) -> Iterator[bool]:
        """Create the folder or take up an unfinished store of the same plan; inside, no second run may begin.

        Yields:
            whether the store is complete already.

        Raises:
            DataError: the folder holds something else or a store of another plan, or another run is writing
                it.
        """
        if self.path.exists() and not self.path.is_dir():
            raise DataError(f"{self.path} is a file, but a store is a folder; choose another --out.")
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path):
            self._remove_partial()
            try:
                yield self._take_up()
            finally:
                self._remove_partial()

    def _remove_partial(self) -> None:
        for leftover in [*self.path.glob(".*.partial*"), *self.path.glob("shards/.*.partial*")]:
            leftover.unlink(missing_ok=True)

    def is_written(self, number: int) -> bool:
        """Whether a shard of this plan is already there, whole."""
        try:
            described = self.described(number)
        except DataError:
            return False
        path = shard_path(self.path, number)
        whole = path.is_file() and described.get("stamp", [None])[0] == path.stat().st_size
        return whole and described.get("plan") == self.plan

    @contextmanager
    def shard(self, number: int) -> Iterator["ShardWriter"]:
        """A shard to append items to; it appears when the block ends, and not at all if the block fails.

        Raises:
            DataError: the store was removed meanwhile, or another plan's lies in its place.
        """
        with self.draft(number) as writer:
            yield writer
        self.place(number)

    @contextmanager
    def draft(self, number: int) -> Iterator["ShardWriter"]:
        """As `shard`, but not written until it is placed, by this process or another one on this computer.

        So whoever computes does not wait for the disk.
        """
        self._require_plan()
        try:
            with (
                atomic_path(shard_path(self.path, number), parents=False, flushed=False) as temporary,
                open(temporary, "w+b") as file,
            ):
                writer = ShardWriter(file, KINDS[self.kind])
                yield writer
                writer.close()
                self._require_plan()
            stamped = stamp_of(shard_path(self.path, number))
            description = {"plan": self.plan, "stamp": stamped, **writer.description()}
            self._drafted(number).write_text(json.dumps(description), encoding="utf-8")
        except FileNotFoundError:
            self._require_plan()
            raise

    def place(self, number: int) -> None:
        """Make a drafted shard a written one, once its rows are on the disk; the one wait for it that a shard needs.

        Its description is not waited for: where a failing computer leaves none, or a damaged one, the shard counts as
        not written.

        Raises:
            DataError: as `shard`.
        """
        try:
            flush(shard_path(self.path, number))
            self._drafted(number).replace(record_path(self.path, number))
        except FileNotFoundError:
            self._require_plan()
            raise

    def _drafted(self, number: int) -> Path:
        return self.path / "shards" / f".{number:05d}.partial.json"

    def described(self, number: int) -> dict[str, Any]:
        """What a written shard holds: its `items`, its `skipped`, number of `rows` and their `sha256`, its `sources`.

        Raises:
            DataError: it is not written.
        """
        return read_json(record_path(self.path, number))

    def _require_plan(self) -> None:
        """Refuse to write into a store of another plan, as a process that outlives its run might."""
        try:
            record = read_json(self.path / "plan.json")
        except DataError:
            record = {}
        if record.get("plan") != self.plan:
            raise DataError(f"{self.path} was removed or replaced while it was written; run the same command again.")

    def finish(self, shards: int, info: Mapping[str, Any], *, beside: Callable[[], None] | None = None) -> "Store":
        """Write the manifest, then store.json, once all shards 0 … shards - 1 are written.

        Args:
            shards: how many there are.
            info: what store.json says besides.
            beside: writes further files into the folder, before store.json.

        Raises:
            DataError: no item is left; the folder is emptied, since there is nothing in it to keep.
        """
        from randquant.data.manifest import own_columns, write_manifest  # late, since it loads pyarrow
        from randquant.data.store import Store  # late: that module offers this class too

        parts: list[dict[str, Any]] = []
        skipped: list[dict[str, str]] = []
        columns, stamps = [], []
        count = 0
        for number in range(shards):
            described = self.described(number)
            parts.append({name: described[name] for name in ("rows", "sha256")})
            columns.append(own_columns(described["items"]))
            skipped += described["skipped"]
            count += item_count(described["items"])
            stamps.append(self._whole(number, described))
        if not count:
            self.discard()
            first = skipped[0]["reason"].rstrip(".") if skipped else "there were none"
            raise DataError(
                f"none of the {len(skipped)} files could be read (the first: {first}), so no store was written."
            )
        if beside is not None:
            beside()
        content = ContentHash(self.kind, [part["sha256"] for part in parts])
        items = (content.add(number, self.described(number)["items"]) for number in range(shards))
        write_manifest(self.path / "manifest.parquet", columns, items)
        stamp(self.path, stamps)
        flush(self.path / "shards")
        write_json(
            self.path / "store.json",
            {
                "format": FORMAT,
                "version": VERSION,
                "kind": self.kind,
                **info,
                "items": count,
                "content_hash": content.hexdigest(),
                "manifest_sha256": file_sha256(self.path / "manifest.parquet"),
                "plan": self.plan,
                "skipped": skipped,
                "shards": parts,
            },
        )
        self._tidy(shards)
        return Store.open(self.path)

    def _whole(self, number: int, described: Mapping[str, Any]) -> Stamp:
        """A shard's stamp, after verifying its content again.

        Raises:
            DataError: it is not; it is written again by the next run.
        """
        path = shard_path(self.path, number)
        now = stamp_of(path)
        if described.get("plan") != self.plan or (
            tuple(described["stamp"]) != now and rows_sha256(path) != described["sha256"]
        ):
            record_path(self.path, number).unlink()
            raise DataError(f"{path} was changed while the store was written; run the same command again to fix it.")
        return now

    def discard(self) -> None:
        """Remove everything written so far."""
        shutil.rmtree(self.path / "shards", ignore_errors=True)
        (self.path / "plan.json").unlink(missing_ok=True)

    def _tidy(self, shards: int) -> None:
        """Remove files that only an unfinished store needs, or that another plan left."""
        (self.path / "plan.json").unlink(missing_ok=True)
        kept = {shard_path(self.path, number) for number in range(shards)}
        for path in (self.path / "shards").iterdir():
            if path not in kept:
                path.unlink()

    def _take_up(self) -> bool:
        for name, state, version in (("store.json", "a complete", VERSION), ("plan.json", "an unfinished", _PLANS)):
            if not (self.path / name).is_file():
                continue
            record = read_json(self.path / name)
            if (record.get("version"), record.get("plan")) != (version, self.plan):
                raise DataError(
                    f"{self.path} holds {state} store of other files or settings; "
                    "choose a new --out, or delete that folder."
                )
            if name == "store.json":
                self._tidy(len(record["shards"]))
                return True
            (self.path / "shards").mkdir(exist_ok=True)
            return False
        if any(self.path.iterdir()):
            raise DataError(f"{self.path} is not empty and holds no store; choose a new folder for --out.")
        write_json(
            self.path / "plan.json", {"format": FORMAT, "version": _PLANS, "plan": self.plan, "about": self.about}
        )
        (self.path / "shards").mkdir()
        return False
