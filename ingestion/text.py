"""From compressed bytes, in pieces of any size, to blocks of whole lines, always cut at the same places."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

from riskcontrol.errors import InputError, RiskControlError

BLOCK = 4 << 20
"""Bytes of text in a block, at most; also the longest line that is read."""

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20
_SLICE = 16 << 10
"""Compressed bytes taken at once: what is lost with them, where they turn out to be damaged."""


def unpack(pieces: Iterable[bytes], source: str, count: Callable[[int], None]) -> Iterator[bytes]:
    """Decompress gzip (of one member or several), or hand on plain text, as the first bytes tell.

    Args:
        pieces: The file, in order.
        source: Name of the file, for errors.
        count: Told the number of bytes of each piece as it is taken.

    Yields:
        Text, at most 1 MiB at once however well it was compressed.

    Raises:
        InputError: The gzip data is damaged or ends too early; what could be had was yielded before.
    """
    counted = _counted(pieces, count)
    head = b""
    for piece in counted:
        head += piece
        if len(head) >= len(_GZIP):
            break
    if head.startswith(_GZIP):
        yield from _gunzip(_chained(head, counted), source)
    else:
        yield from _chained(head, counted)


def _counted(pieces: Iterable[bytes], count: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        count(len(piece))
        yield piece


def _chained(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _slices(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _SLICE):
            yield piece[start : start + _SLICE]


def _gunzip(pieces: Iterator[bytes], source: str) -> Iterator[bytes]:
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for data in _slices(pieces):
        while data:
            if member.eof:
                data = data.lstrip(b"\0")  # some tools pad the end with zeros
                if not data:
                    break
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                text = member.decompress(data, _PIECE)
            except zlib.error as error:
                raise InputError(f"the gzip data is damaged ({error}); get the file again", source=source) from error
            if text:
                yield text
            data = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof and (text := member.decompress(b"", _PIECE)):
        yield text
    if not member.eof:
        raise InputError("the gzip data ends too early: the file is cut short; get the file again", source=source)


def blocks(texts: Iterable[bytes], source: str) -> Iterator[bytes]:
    r"""Cut text into blocks of whole lines; where it is cut depends on the text alone.

    Args:
        texts: The text, in pieces of any size.
        source: Name of the file, for errors.

    Yields:
        Blocks of at most `BLOCK` bytes that end with a newline (the last one may lack it).

    Raises:
        InputError: There is no text; a line is longer than a block; or the text itself ended with an error, which
            is raised after the whole lines before it, without the piece of a line that it left.

    >>> list(blocks([b"a|b", b"\nc|", b"d"], "x"))
    [b'a|b\nc|d']
    """
    parts: list[bytes] = []
    held = 0
    begun = False
    failure: RiskControlError | None = None
    pieces = iter(texts)
    while True:
        try:
            piece = next(pieces, None)
        except RiskControlError as error:
            failure, piece = error, None
        if piece is None:
            break
        parts.append(piece)
        held += len(piece)
        if held < BLOCK:
            continue
        text = b"".join(parts)
        start = 0
        while len(text) - start >= BLOCK:
            end = text.rfind(b"\n", start, start + BLOCK) + 1
            if end == 0:
                raise InputError(f"a line is longer than {BLOCK:,} bytes; this is no trade file", source=source)
            yield text[start:end]
            start, begun = end, True
        parts, held = [text[start:]], len(text) - start
    text = b"".join(parts)
    if failure is not None:
        text = text[: text.rfind(b"\n") + 1]
    elif not held and not begun:
        raise InputError("the file is empty", source=source)
    if text:
        yield text
    if failure is not None:
        raise failure
