"""Reads PNG (8 bits a channel, not interlaced) and PPM/PGM (binary, 8 bits) into RGB rows. Every
size is checked before it is used."""
import re
import struct
import zlib

from marathon_function import Permanent

PIXELS_MAX = 4_000_000  # pure Python needs about a microsecond per byte
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # PNG colour type -> bytes of a pixel


def read_image(content, shown):
    """(width, height, rows): each row is bytes of RGB."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _read_png(content, shown)
    if content[:2] in (b"P5", b"P6"):
        return _read_pnm(content, shown)
    raise Permanent(f"{shown}: neither PNG nor binary PPM or PGM")


def _check_size(width, height, shown):
    if width < 8 or height < 8 or width * height > PIXELS_MAX:
        raise Permanent(
            f"{shown}: {width}x{height} pixels; expected at least 8x8 and at most {PIXELS_MAX} in all"
        )


def _chunks(content, shown):
    at = 8
    while at + 12 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + size]
        if len(body) != size or len(content) < at + 12 + size:
            break
        if (
            zlib.crc32(kind + body)
            != struct.unpack(">I", content[at + 8 + size : at + 12 + size])[0]
        ):
            raise Permanent(f"{shown}: damaged PNG (checksum of {kind.decode('latin-1')})")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + size
    raise Permanent(f"{shown}: PNG ends too early")


def _read_png(content, shown):
    head, palette, data = None, b"", []
    for kind, body in _chunks(content, shown):
        if kind == b"IHDR" and len(body) == 13:
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            data.append(body)
    if head is None:
        raise Permanent(f"{shown}: PNG without a header")
    width, height, depth, colour, _, _, interlace = head
    if depth != 8 or interlace or colour not in _CHANNELS:
        raise Permanent(f"{shown}: only PNG with 8 bits a channel and without interlacing is read")
    _check_size(width, height, shown)
    step = _CHANNELS[colour]
    wanted = height * (1 + width * step)
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(b"".join(data), wanted)
    except zlib.error as error:
        raise Permanent(f"{shown}: damaged PNG ({error})") from error
    if len(raw) != wanted:
        raise Permanent(f"{shown}: PNG with too few pixels")
    rows, above = [], bytearray(width * step)
    for y in range(height):
        start = y * (1 + width * step)
        above = _unfilter(
            raw[start], bytearray(raw[start + 1 : start + 1 + width * step]), above, step, shown
        )
        rows.append(_to_rgb(above, colour, palette, shown))
    return width, height, rows


def _unfilter(kind, row, above, step, shown):
    if kind == 1:
        for i in range(step, len(row)):
            row[i] = (row[i] + row[i - step]) & 255
    elif kind == 2:
        for i, up in enumerate(above):
            row[i] = (row[i] + up) & 255
    elif kind == 3:
        for i, up in enumerate(above):
            row[i] = (row[i] + ((row[i - step] if i >= step else 0) + up) // 2) & 255
    elif kind == 4:
        for i, up in enumerate(above):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            guess = left + up - corner
            a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
            row[i] = (row[i] + (left if a <= b and a <= c else up if b <= c else corner)) & 255
    elif kind != 0:
        raise Permanent(f"{shown}: damaged PNG (filter {kind})")
    return row


def _to_rgb(row, colour, palette, shown):
    if colour == 2:
        return bytes(row)
    if colour == 6:
        return b"".join(bytes(row[i : i + 3]) for i in range(0, len(row), 4))
    if colour == 3:
        if len(palette) < 3 * (max(row) + 1):
            raise Permanent(f"{shown}: damaged PNG (palette)")
        return b"".join(palette[3 * v : 3 * v + 3] for v in row)
    grey = row if colour == 0 else row[::2]
    return bytes(v for v in grey for _ in range(3))


def _read_pnm(content, shown):
    head = re.match(
        rb"P([56])(?:\s|#[^\n]*\n)+(\d{1,6})(?:\s|#[^\n]*\n)+(\d{1,6})(?:\s|#[^\n]*\n)+(\d{1,5})\s",
        content,
    )
    if head is None or int(head[4]) != 255:
        raise Permanent(f"{shown}: only binary PPM and PGM with 255 levels are read")
    width, height, step = int(head[2]), int(head[3]), 3 if head[1] == b"6" else 1
    _check_size(width, height, shown)
    body = content[head.end() :]
    if len(body) < width * height * step:
        raise Permanent(f"{shown}: PPM with too few pixels")
    rows = [body[y * width * step : (y + 1) * width * step] for y in range(height)]
    return width, height, rows if step == 3 else [_to_rgb(row, 0, b"", shown) for row in rows]
