"""Archives come out whole or not at all, whatever they hold; what is wrong is one sentence that names them."""

import bz2
import errno
import gzip
import io
import lzma
import os
import random
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.fetching import archives, members
from randquant.data_prep.fetching.archives import DiskFull, archives_in, stem, unpack, unpacked_root
from randquant.data_prep.fetching.joined_files import JoinedFiles
from randquant.data_prep.fetching.members import Limits
from randquant.errors import DataError

FILES = {"wav/a/1.wav": b"one" * 400, "wav/b/2.wav": b"", "list.txt": bytes(range(256)) * 30}


def tar(path: Path, files: Mapping[str, bytes] = FILES, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            add(archive, name, content)
    return path


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **fields: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(content))


def zipped(path: Path, files: Mapping[str, bytes] = FILES) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, without the markers of what is unpacked."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: content for name, content in found.items() if not name.startswith(".unpacked/")}


def nothing_left(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars(tmp_path: Path, mode: str, form: int) -> None:
    files = {**FILES, "wav/" + "long" * 50 + ".wav": b"long", "wav/ü.wav": b"u"}
    path = tmp_path / "whatever.name"
    if form == tarfile.USTAR_FORMAT:
        files = FILES
    with tarfile.open(path, mode, format=form) as archive:  # type: ignore[call-overload]
        add(archive, "./", type=tarfile.DIRTYPE)
        for name, content in files.items():
            add(archive, f"./{name}", content)
    assert unpack(path, tmp_path / "out", show=False)
    assert contents(tmp_path / "out") == files


def test_zip(tmp_path: Path) -> None:
    unpack(zipped(tmp_path / "a.zip"), tmp_path / "out")
    assert contents(tmp_path / "out") == FILES


def test_an_empty_zip(tmp_path: Path) -> None:
    assert unpack(zipped(tmp_path / "a.zip", {}), tmp_path / "out")
    assert contents(tmp_path / "out") == {}


def test_a_second_run_skips_and_another_archive_joins(tmp_path: Path) -> None:
    first, second, out = tar(tmp_path / "a.tgz"), tmp_path / "b.tgz", tmp_path / "out"
    assert unpack(first, out)
    (out / "wav/a/1.wav").write_bytes(b"changed")
    assert not unpack(first, out)
    tar(second, {"wav/a/3.wav": b"3", "wav/c/4.wav": b"4"})
    assert unpack(second, out)
    assert contents(out) == {**FILES, "wav/a/1.wav": b"changed", "wav/a/3.wav": b"3", "wav/c/4.wav": b"4"}
    tar(first, {"wav/a/1.wav": b"a new version of it"})
    assert unpack(first, out)
    assert contents(out)["wav/a/1.wav"] == b"a new version of it"


def test_folders(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "a.tgz"), tmp_path / "out", folder="a")
    assert contents(tmp_path / "out") == {f"a/{name}": content for name, content in FILES.items()}
    unpack(tar(tmp_path / "b.tgz", {"b/wav/1.wav": b"1", "b/etc/x": b"x"}), tmp_path / "out", folder="b")
    assert contents(tmp_path / "out" / "b") == {"wav/1.wav": b"1", "etc/x": b"x"}


def test_litter_is_passed_over(tmp_path: Path) -> None:
    litter = {"._list.txt": b"x", "wav/._1.wav": b"x", "__MACOSX/wav/1.wav": b"x", "wav/.DS_Store": b"x"}
    unpack(tar(tmp_path / "a.tgz", {**litter, **FILES}), tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    unpack(zipped(tmp_path / "a.zip", {**litter, **FILES}), tmp_path / "zip")
    assert contents(tmp_path / "zip") == FILES


def test_parts_are_one_file(tmp_path: Path) -> None:
    data = random.Random(0).randbytes(5000)
    cuts = [0, 1, 1, 1700, 1701, 4999, 5000]
    paths = []
    for number, (start, stop) in enumerate(pairwise(cuts)):
        paths.append(tmp_path / f"{number}")
        paths[-1].write_bytes(data[start:stop])
    whole, draw = io.BytesIO(data), random.Random(1)
    with JoinedFiles(paths) as parts, io.BufferedReader(JoinedFiles(paths), 64) as buffered:
        for file in (parts, buffered):
            whole.seek(0)
            assert file.read() == whole.read()
            for _ in range(300):
                place = draw.choice([(draw.randint(0, 5100), 0), (-draw.randint(0, 5000), 2)])
                assert file.seek(*place) == whole.seek(*place)
                count = draw.randint(0, 3000)
                expected = whole.read(count)
                got = b""
                while len(got) < len(expected):  # a raw file may give less than it is asked for
                    got += file.read(len(expected) - len(got)) or b""
                assert got == expected
                assert file.tell() == whole.tell()
        with pytest.raises(OSError, match="seek"):
            parts.seek(-1)


def test_a_zip_in_parts(tmp_path: Path) -> None:
    files = {f"wav/{number}.wav": random.Random(number).randbytes(999) for number in range(40)}
    data = zipped(tmp_path / "whole.zip", files).read_bytes()
    parts = [tmp_path / f"whole_parta{letter}" for letter in "abcd"]
    for number, part in enumerate(parts):
        part.write_bytes(data[number * 12_000 : (number + 1) * 12_000])
    unpack(parts, tmp_path / "out")
    assert contents(tmp_path / "out") == files
    for lost in range(4):
        with pytest.raises(DataError, match=r"whole_part.* are all parts there\?"):
            unpack(parts[:lost] + parts[lost + 1 :], tmp_path / f"lost{lost}")
        assert nothing_left(tmp_path / f"lost{lost}")


HOSTILE: dict[str, Callable[[tarfile.TarFile], None]] = {
    "leads out": lambda archive: add(archive, "wav/../../escaped", b"x"),
    "absolute path": lambda archive: add(archive, "/tmp/escaped", b"x"),
    "absolute path ": lambda archive: add(archive, "C:\\escaped", b"x"),
    "leads out ": lambda archive: add(archive, "wav\\..\\..\\escaped", b"x"),
    "link": lambda archive: add(archive, "wav", type=tarfile.SYMTYPE, linkname=".."),
    "link ": lambda archive: add(archive, "wav", type=tarfile.LNKTYPE, linkname="list.txt"),
    "device": lambda archive: add(archive, "wav", type=tarfile.CHRTYPE),
    "device ": lambda archive: add(archive, "wav", type=tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("reason", HOSTILE)
def test_hostile_tars(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "in" / "evil.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "list.txt", b"harmless")
        HOSTILE[reason](archive)
        add(archive, "wav/1.wav", b"after")
    with pytest.raises(DataError, match=rf"evil\.tar\.gz has a .*{reason.strip()}.*not unpacked"):
        unpack(path, tmp_path / "deep" / "out")
    assert nothing_left(tmp_path / "deep" / "out")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["deep", "in"]
    assert not Path("/tmp/escaped").exists()


@pytest.mark.parametrize(
    ("name", "mode", "reason"),
    [
        ("../escaped", 0o644, "leads out"),
        ("/escaped", 0o644, "absolute"),
        ("wav", 0o120777, "link"),
        ("wav", 0o020666, "device"),
    ],
)
def test_hostile_zips(tmp_path: Path, name: str, mode: int, reason: str) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("list.txt", b"harmless")
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, "target")
    with pytest.raises(DataError, match=rf"evil\.zip has a .*{reason}"):
        unpack(tmp_path / "evil.zip", tmp_path / "out")
    assert nothing_left(tmp_path / "out")


def test_limits(tmp_path: Path) -> None:
    path = tar(tmp_path / "bomb.tar.gz", {"big": bytes(3_000_000), "other": bytes(3_000_000)})
    assert path.stat().st_size < 30_000
    small = Limits(floor=5_000_000, ratio=2)
    for limits, reason in (
        (Limits(member=2_000_000), r"a member of 3\.0 MB \(big\)"),
        (small, r"expands to more than 5\.0 MB"),
        (Limits(members=1), "more than 1 members"),
    ):
        with pytest.raises(DataError, match=rf"bomb\.tar\.gz .*{reason}"):
            unpack(path, tmp_path / "out", limits=limits)
        assert nothing_left(tmp_path / "out")
    assert unpack(path, tmp_path / "out", limits=Limits(member=3_000_000, floor=6_000_000, ratio=2, members=2))
    bomb = zipped(tmp_path / "bomb.zip", {"big": bytes(6_000_000)})
    with pytest.raises(DataError, match=r"bomb\.zip expands to more"):
        unpack(bomb, tmp_path / "zip", limits=small)


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "liar.zip", {"big": bytes(1_000_000)})
    data, size = path.read_bytes(), (1_000_000).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(DataError, match=r"liar\.zip"):
        unpack(path, tmp_path / "out")
    assert nothing_left(tmp_path / "out")


def test_impossible_headers(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 1 << 40
    path = tmp_path / "evil.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(4096)))
    with pytest.raises(DataError, match=r"evil\.tar\.gz is truncated or damaged .*impossible size"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w", "zip"])
def test_truncated_anywhere(tmp_path: Path, mode: str) -> None:
    whole = tmp_path / "whole"
    data = (zipped(whole) if mode == "zip" else tar(whole, mode=mode)).read_bytes()
    path, end = tmp_path / "short.tar", len(data)
    if mode == "w":
        end = len(data.rstrip(b"\0")) // 512 * 512 + 512  # what comes after is padding
    for size in {*range(1, end, max(1, end // 40)), end - 1}:
        path.write_bytes(data[:size])
        with pytest.raises(DataError, match=r"short\.tar is (truncated|not an archive)") as caught:
            unpack(path, tmp_path / "out")
        assert "\n" not in str(caught.value)
        assert nothing_left(tmp_path / "out")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "zip"])
def test_damaged_anywhere(tmp_path: Path, mode: str) -> None:
    """A flipped byte is told, or is one that does not matter, such as in a time."""
    whole, path = tmp_path / "whole", tmp_path / "bad.tar"
    data = (zipped(whole) if mode == "zip" else tar(whole, mode=mode)).read_bytes()
    told = 0
    places = range(0, len(data), max(1, len(data) // 60))
    for place in places:
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        out = tmp_path / f"out{place}"
        if told_of(path, out):
            assert nothing_left(out)
            told += 1
        else:
            assert sorted(contents(out).values()) == sorted(FILES.values())
    assert told > len(places) / 2


def told_of(path: Path, out: Path) -> bool:
    """Whether unpacking fails, with a sentence that names the archive."""
    try:
        return not unpack(path, out)
    except DataError as error:
        return str(path) in str(error)


def test_a_damaged_header_is_not_the_end(tmp_path: Path) -> None:
    """tarfile alone would take the second member's bad header for the end of the archive."""
    tar(tmp_path / "a.tar", {"1": bytes(700), "2": bytes(700), "3": bytes(700)}, mode="w")
    data = bytearray((tmp_path / "a.tar").read_bytes())
    data[512 * 3 + 150] ^= 1
    (tmp_path / "a.tar").write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(DataError, match=r"a\.tar is truncated or damaged"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert nothing_left(tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"\xef\xbb\xbf\n <HTML>", "a web page"),
        (b"", "is empty"),
        (b"RIFF....WAVEfmt " * 99, "not an archive"),
        (gzip.compress(b"<html>not found</html>", mtime=0), "truncated or damaged"),
        (gzip.compress(b"", mtime=0), "truncated or damaged"),
        (bz2.compress(b"x" * 5000), "truncated or damaged"),
        (lzma.compress(b"x" * 5000), "truncated or damaged"),
        (b"PK\x03\x04" + b"x" * 999, "truncated or damaged"),
    ],
)
def test_rubbish(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "UrbanSound8K.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"UrbanSound8K\.tar\.gz .*{reason}"):
        unpack(path, tmp_path / "out")
    assert nothing_left(tmp_path / "out")


def test_encrypted_and_missing(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", {"x": b"secret"}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"a\.zip is encrypted"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(DataError, match="does not exist"):
        unpack(tmp_path / "b.zip", tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is a file"):
        unpack(tar(tmp_path / "c.tgz"), tmp_path / "file")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    path = tar(tmp_path / "a.tgz")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(members.tarfile.TarFile, "extract", fail)
        with pytest.raises(DiskFull, match=r"a\.tgz (does not fit|cannot be unpacked) into .*--unpack"):
            unpack(path, tmp_path / "out")
    assert nothing_left(tmp_path / "out")
    assert unpack(path, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES


def test_room_is_checked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100})())
    for path in (tar(tmp_path / "a.tgz"), zipped(tmp_path / "a.zip")):
        with pytest.raises(DiskFull, match=r"needs at least .* free"):
            unpack(path, tmp_path / "out")


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that was killed while its files were being moved to their places."""
    path, out = tar(tmp_path / "a.tgz"), tmp_path / "out"
    (out / ".a.tgz.partial" / "wav").mkdir(parents=True)
    (out / ".a.tgz.partial" / "wav" / "half").write_text("left over")
    replace, calls = os.replace, []

    def once(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) > 1:
            raise KeyboardInterrupt
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(archives.os, "replace", once)
        with pytest.raises(KeyboardInterrupt):
            unpack(path, out)
    assert unpack(path, out)
    assert contents(out) == FILES


def test_names() -> None:
    assert stem("anonymous-20080425-qoz.tgz") == "anonymous-20080425-qoz"
    assert stem("Speech.TAR.GZ") == "Speech"


def dataset(*archives: Archive, marks: tuple[str, ...] = ("wav", "list.txt")) -> Dataset:
    def plan(root: Path) -> Plan:
        raise NotImplementedError

    return Dataset("x", "X", "none", "nowhere", "wav\nlist.txt", marks, plan, archives=archives)


def test_a_root_of_archives(tmp_path: Path) -> None:
    known = dataset(Archive("*.tgz", into="{stem}"), Archive("x_part?", parts=True), marks=("one/wav", "list.txt"))
    root, into = tmp_path / "root", tmp_path / "unpacked"
    root.mkdir()
    tar(root / "one.tgz", {"one/wav/1.wav": b"1"})
    tar(root / "two.tgz", {"wav/2.wav": b"2"})
    data = zipped(tmp_path / "x.zip", {"more/3.wav": b"3"}).read_bytes()
    (root / "x_parta").write_bytes(data[:50])
    (root / "x_partb").write_bytes(data[50:])
    (root / "list.txt").write_text("a list beside them")
    (root / "._one.tgz").write_text("litter")
    assert [len(paths) for paths, _ in archives_in(root, known)] == [1, 1, 2]
    for _ in range(2):
        assert unpacked_root(root, known, into) == into
        expected = {"one/wav/1.wav": b"1", "two/wav/2.wav": b"2", "more/3.wav": b"3"}
        assert contents(into) == {**expected, "list.txt": b"a list beside them"}


def test_the_folder_in_the_archive_is_the_root(tmp_path: Path) -> None:
    known = dataset(Archive("*.tgz"))
    tar(tmp_path / "a.tgz", {f"Top/{name}": content for name, content in FILES.items()})
    assert unpacked_root(tmp_path, known, tmp_path / "out") == tmp_path / "out" / "Top"


def test_a_tree_is_left_alone(tmp_path: Path) -> None:
    known = dataset(Archive("*.tgz"))
    tar(tmp_path / "a.tgz")
    (tmp_path / "wav").mkdir()
    assert unpacked_root(tmp_path, known, tmp_path / "out") == tmp_path
    assert not (tmp_path / "out").exists()
    assert unpacked_root(tmp_path / "absent", known, tmp_path / "out") == tmp_path / "absent"


def test_unpacked_below_the_root(tmp_path: Path) -> None:
    """What an earlier run unpacked there is not taken for the tree that the user has."""
    known = dataset(Archive("*.tgz"))
    tar(tmp_path / "a.tgz")
    for _ in range(2):
        assert unpacked_root(tmp_path, known, tmp_path / "out") == tmp_path / "out"
    assert unpacked_root(tmp_path / "out", known, tmp_path / "other") == tmp_path / "out"


def test_one_bad_archive_of_many(tmp_path: Path) -> None:
    known = dataset(Archive("*.tgz", into="{stem}"), marks=("*/wav",))
    for number in range(12):
        tar(tmp_path / f"{number:02d}.tgz", {"wav/1.wav": b"%d" % number})
    (tmp_path / "03.tgz").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"^\S*03\.tgz is a web page"):
        unpacked_root(tmp_path, known, tmp_path / "out")
    assert len(contents(tmp_path / "out")) == 11
    (tmp_path / "07.tgz").write_bytes((tmp_path / "07.tgz").read_bytes()[:60])
    with pytest.raises(DataError, match=r"2 of 12 archives could not be unpacked; the first: .*03\.tgz"):
        unpacked_root(tmp_path, known, tmp_path / "out")
    tar(tmp_path / "03.tgz", {"wav/1.wav": b"3"})
    tar(tmp_path / "07.tgz", {"wav/1.wav": b"7, fixed"})
    assert unpacked_root(tmp_path, known, tmp_path / "out") == tmp_path / "out"
    assert len(contents(tmp_path / "out")) == 12
