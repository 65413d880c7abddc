"""Writes 8-bit PNG files, choosing for each row the filter with the smallest sum of differences."""
import struct
import zlib


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _paeth(left, above, corner):
    guess = left + above - corner
    by_left, by_above, by_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    if by_left <= by_above and by_left <= by_corner:
        return left
    return above if by_above <= by_corner else corner


def _filtered(row, above, width):
    """width: bytes of a pixel."""
    left = bytes(width) + row[:-width]
    corner = bytes(width) + above[:-width]
    candidates = [
        bytes(row),
        bytes((v - a) & 255 for v, a in zip(row, left)),
        bytes((v - a) & 255 for v, a in zip(row, above)),
        bytes((v - (a + b) // 2) & 255 for v, a, b in zip(row, left, above)),
        bytes((v - _paeth(a, b, c)) & 255 for v, a, b, c in zip(row, left, above, corner)),
    ]
    costs = [sum(min(v, 256 - v) for v in candidate) for candidate in candidates]
    best = costs.index(min(costs))
    return bytes([best]) + candidates[best]


def png_bytes(width, height, rows, pixel_bytes):
    """rows: one bytes object per row, grey (pixel_bytes 1) or RGB (3)."""
    above, body = bytes(width * pixel_bytes), b""
    parts = []
    for row in rows:
        parts.append(_filtered(row, above, pixel_bytes))
        above = row
    body = zlib.compress(b"".join(parts), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[pixel_bytes], 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    )
