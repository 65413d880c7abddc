"""100 small photos of plates, each with its own light, colour, sharpness and noise, and a manifest
that says which."""
import json
import math

from dice import Dice
from own_menu import DISHES
from png_writer import png_bytes

COUNT = 100
WIDTH, HEIGHT = 80, 60
FOODS = [
    (214, 92, 46),
    (232, 186, 92),
    (120, 158, 62),
    (176, 60, 52),
    (240, 222, 176),
    (148, 96, 54),
]


def _scene(dice):
    """A table, a plate and some food on it, as a function of a point: sharp, in floats 0..255."""
    table = [dice.number(60, 150), dice.number(50, 110), dice.number(40, 90)]
    middle = (WIDTH * dice.number(0.42, 0.58), HEIGHT * dice.number(0.42, 0.58))
    radius = HEIGHT * dice.number(0.34, 0.44)
    pieces = []
    for _ in range(dice.whole(7, 14)):
        turn, far = dice.number(0, 2 * math.pi), radius * 0.72 * math.sqrt(dice.number(0, 1))
        pieces.append(
            (
                middle[0] + far * math.cos(turn),
                middle[1] + far * math.sin(turn),
                dice.number(2.5, 6.5),
                dice.one_of(FOODS),
            )
        )
    rows = []
    for y in range(HEIGHT):
        row = []
        for x in range(WIDTH):
            away = math.hypot(x - middle[0], y - middle[1])
            colour = (236, 234, 228) if away < radius else table
            if away < radius * 0.8:
                colour = (222, 220, 214)
            for px, py, size, food in pieces:
                if math.hypot(x - px, y - py) < size:
                    colour = food
            row.append(list(colour))
        rows.append(row)
    return rows


def _blurred(rows, radius):
    """A box blur, first along the rows and then along the columns."""

    def along(lines):
        result = []
        for line in lines:
            n = len(line)
            out = []
            for i in range(n):
                part = line[max(0, i - radius) : min(n, i + radius + 1)]
                out.append([sum(p[c] for p in part) / len(part) for c in range(3)])
            result.append(out)
        return result

    across = along(rows)
    down = along([list(column) for column in zip(*across)])
    return [list(row) for row in zip(*down)]


def _exposed(rows, setting, dice):
    out = []
    for row in rows:
        line = bytearray()
        for pixel in row:
            grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
            noise = dice.bell() * setting["noise"] if setting["noise"] else 0.0
            for channel in pixel:
                value = (grey + (channel - grey) * setting["saturation"]) * setting[
                    "exposure"
                ] + noise
                line.append(max(0, min(255, round(value))))
        out.append(bytes(line))
    return out


def _setting(number, dice):
    kind = ["good", "good", "dark", "bright", "blurred", "dull", "noisy", "good"][number % 8]
    setting = {
        "kind": kind,
        "exposure": dice.number(0.92, 1.05),
        "blur": 0,
        "noise": 0,
        "saturation": dice.number(1.0, 1.2),
    }
    if kind == "dark":
        setting["exposure"] = dice.number(0.18, 0.34)
    elif kind == "bright":
        setting["exposure"] = dice.number(1.9, 2.5)
    elif kind == "blurred":
        setting["blur"] = dice.whole(3, 5)
    elif kind == "dull":
        setting["saturation"] = dice.number(0.0, 0.15)
    elif kind == "noisy":
        setting["noise"] = dice.whole(16, 26)
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in setting.items()}


def photo_files():
    dice, files, manifest = Dice("photos"), [], []
    for number in range(1, COUNT + 1):
        setting = _setting(number, dice)
        rows = _scene(dice)
        if setting["blur"]:
            rows = _blurred(rows, setting["blur"])
        rows = _exposed(rows, setting, dice)
        form = "ppm" if number % 10 == 0 else "png"
        name = f"photos/photo_{number:03d}.{form}"
        if form == "png":
            files.append((name, png_bytes(WIDTH, HEIGHT, rows, 3)))
        else:
            files.append((name, b"P6\n%d %d\n255\n" % (WIDTH, HEIGHT) + b"".join(rows)))
        manifest.append({"file": name, "dish": DISHES[(number - 1) % len(DISHES)][0], **setting})
    files.append(("photos/manifest.json", json.dumps(manifest, indent=0) + "\n"))
    return files
