"""Recognise by its first bytes a file saved in place of the expected one."""

import codecs

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def is_lfs_pointer(head: bytes) -> bool:
    """Whether this is a Git LFS pointer, which `git lfs pull` replaces by the file."""
    return head.startswith(b"version https://git-lfs")


def is_web_page(head: bytes) -> bool:
    """Whether this is an HTML page, as servers send it instead of a file."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n\f\v").lower().startswith((b"<!doctype html", b"<html"))


def is_markup(head: bytes) -> bool:
    """Whether this is HTML or XML: where an archive is expected, an error page."""
    return head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")


def is_utf16(head: bytes) -> bool:
    """Whether this begins with the byte order mark of UTF-16."""
    return head.startswith(_UTF16)


def text_encoding(head: bytes) -> str | None:
    """The encoding of a text; None for binary data, by its zero bytes.

    Without a byte order mark, text is UTF-16 where every other byte of a third of it is zero, and else UTF-8.

    >>> text_encoding("1 2".encode("utf-16")), text_encoding("1 2".encode("utf-16-be")), text_encoding(b"1 2")
    ('utf-16', 'utf-16-be', 'utf-8-sig')
    """
    if head.startswith(_UTF32):
        return "utf-32"
    if is_utf16(head):
        return "utf-16"
    if b"\0" not in head:
        return "utf-8-sig"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not even and odd > len(head) // 3:
        return "utf-16-le"
    return "utf-16-be" if not odd and even > len(head) // 3 else None
