"""The colours that make a picture: k-means over its pixels, with a start that depends on the pixels
alone."""

COLOURS = 5
ROUNDS_MAX = 10


def dominant_colours(rows):
    """[{"rgb": "#rrggbb", "share"}], largest share first."""
    pixels = [(row[i], row[i + 1], row[i + 2]) for row in rows for i in range(0, len(row), 3)]
    # Start at the pixels that split the order by brightness into equal parts.
    ordered = sorted(pixels, key=sum)
    centres = [ordered[(2 * k + 1) * len(ordered) // (2 * COLOURS)] for k in range(COLOURS)]
    groups = []
    for _ in range(ROUNDS_MAX):
        groups = _assign(pixels, centres)
        moved = [
            tuple(s / n for s in sums) if n else centre
            for (n, sums), centre in zip(groups, centres)
        ]
        if moved == centres:
            break
        centres = moved
    found = [
        {
            "rgb": "#" + "".join(f"{round(c):02x}" for c in centre),
            "share": round(n / len(pixels), 4),
        }
        for (n, _), centre in zip(groups, centres)
        if n
    ]
    return sorted(found, key=lambda c: (-c["share"], c["rgb"]))


def _assign(pixels, centres):
    """Per centre (pixels nearest to it, their sums)."""
    counts = [0] * len(centres)
    sums = [[0, 0, 0] for _ in centres]
    for red, green, blue in pixels:
        best, least = 0, 1e18
        for k, (r, g, b) in enumerate(centres):
            far = (red - r) * (red - r) + (green - g) * (green - g) + (blue - b) * (blue - b)
            if far < least:
                best, least = k, far
        counts[best] += 1
        total = sums[best]
        total[0] += red
        total[1] += green
        total[2] += blue
    return list(zip(counts, sums))
