"""Files below a folder come once, with their size, whatever lies beside them."""

from pathlib import Path

from randquant.data_prep.scan import files_below


def write(path: Path, content: bytes = b"123") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_depth_suffix_and_size(tmp_path: Path) -> None:
    for name, content in (("a.wav", b"1"), ("b.WAV", b"12"), ("c.txt", b""), ("x/d.wav", b"123"), ("x/y/e.flac", b"")):
        write(tmp_path / name, content)
    (tmp_path / "folder.wav").mkdir()
    write(tmp_path / "folder.wav" / "f.wav")
    assert sorted(files_below(tmp_path, (".wav",))) == [("a.wav", 1), ("b.WAV", 2)]
    assert sorted(files_below(tmp_path, (".wav",), depth=2)) == [
        ("a.wav", 1),
        ("b.WAV", 2),
        ("folder.wav/f.wav", 3),
        ("x/d.wav", 3),
    ]
    assert len(list(files_below(tmp_path, (".wav", ".flac"), depth=3))) == 5


def test_litter_is_passed_over(tmp_path: Path) -> None:
    for name in ("._a.wav", ".hidden/a.wav", "__MACOSX/a.wav", "x/._a.wav", "x/a.wav"):
        write(tmp_path / name)
    assert list(files_below(tmp_path, (".wav",), depth=3)) == [("x/a.wav", 3)]


def test_links_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "a.wav")
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "broken.wav").symlink_to(tmp_path / "gone.wav")
    (root / "back").symlink_to(root)
    found = sorted(files_below(root, (".wav",), depth=2))
    assert found == [("back/broken.wav", 0), ("broken.wav", 0), ("linked/a.wav", 3)]
