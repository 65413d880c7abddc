#!/usr/bin/python3
"""photo.quality: measures a photo of a dish: light, contrast, colour, sharpness, noise, and where
the eye goes.

input:  {"photo": file, "dish": name}
result: {"photo","width","height","measures","colours","score","verdict","problems","advice",
  "method"}"""
import math

from dominant_colours import dominant_colours
from marathon_function import method, read_bytes, run
from raster import read_image

# Bounds found on the samples, whose manifest says what was done to each photo.
DARK, BRIGHT = 78.0, 205.0  # mean light
CLIPPED_MAX = 0.15  # share of pixels with no drawing left in the lights or shadows
SHARP_MIN = 0.18  # edge strength of the sharpest 2 % of the pixels, against the contrast
NOISE_MAX = 7.0  # levels
COLOUR_MIN = 13.0  # Hasler-Suesstrunk

ADVICE = {
    "too dark": "use daylight or open the aperture",
    "too bright": "shorten the exposure",
    "blurred": "hold still and focus on the food",
    "dull colours": "correct the white balance, add herbs or sauce",
    "noisy": "lower the ISO",
    "flat": "light from the side",
    "off centre": "move the plate into the middle",
}


def luma(rows):
    return [
        [(299 * row[i] + 587 * row[i + 1] + 114 * row[i + 2]) / 1000 for i in range(0, len(row), 3)]
        for row in rows
    ]


def _mean_deviation(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))


def colourfulness(rows):
    """Hasler and Suesstrunk's measure: how far the colours spread from grey."""
    red_green, yellow_blue = [], []
    for row in rows:
        for i in range(0, len(row), 3):
            red, green, blue = row[i], row[i + 1], row[i + 2]
            red_green.append(red - green)
            yellow_blue.append((red + green) / 2 - blue)
    mean1, dev1 = _mean_deviation(red_green)
    mean2, dev2 = _mean_deviation(yellow_blue)
    return math.hypot(dev1, dev2) + 0.3 * math.hypot(mean1, mean2)


def edges(light):
    """Sobel strength of each inner pixel, as rows."""
    found = []
    for above, row, below in zip(light, light[1:], light[2:]):
        line = []
        for x in range(1, len(row) - 1):
            across = (
                above[x + 1]
                + 2 * row[x + 1]
                + below[x + 1]
                - above[x - 1]
                - 2 * row[x - 1]
                - below[x - 1]
            )
            down = (
                below[x - 1]
                + 2 * below[x]
                + below[x + 1]
                - above[x - 1]
                - 2 * above[x]
                - above[x + 1]
            )
            line.append(math.hypot(across, down) / 8)
        found.append(line)
    return found


def noise_level(light):
    """Immerkaer's mask cancels edges; the median of what is left is noise."""
    left = []
    for above, row, below in zip(light, light[1:], light[2:]):
        for x in range(1, len(row) - 1):
            left.append(
                abs(
                    above[x - 1]
                    - 2 * above[x]
                    + above[x + 1]
                    - 2 * row[x - 1]
                    + 4 * row[x]
                    - 2 * row[x + 1]
                    + below[x - 1]
                    - 2 * below[x]
                    + below[x + 1]
                )
            )
    left.sort()
    return left[len(left) // 2] / 6 / 0.6745


def off_centre(strength):
    """0 where the edges gather in the middle, 1 where they gather in a corner."""
    total = sum(map(sum, strength)) or 1.0
    height, width = len(strength), len(strength[0])
    x = sum(v * i for row in strength for i, v in enumerate(row)) / total / (width - 1)
    y = sum(sum(row) * i for i, row in enumerate(strength)) / total / (height - 1)
    return 2 * max(abs(x - 0.5), abs(y - 0.5))


def measure(rows, progress):
    light = luma(rows)
    flat = [v for row in light for v in row]
    brightness, contrast = _mean_deviation(flat)
    progress(0.3, "light")
    colour = colourfulness(rows)
    progress(0.5, "colour")
    strength = edges(light)
    ordered = sorted(v for row in strength for v in row)
    top = ordered[len(ordered) * 98 // 100]
    progress(0.8, "edges")
    clipped = sum(v < 4 or v > 251 for v in flat) / len(flat)
    return {
        "brightness": round(brightness, 2),
        "contrast": round(contrast, 2),
        "colourfulness": round(colour, 2),
        "sharpness": round(top / (4 * contrast) if contrast > 1 else 0.0, 4),
        "noise": round(noise_level(light), 2),
        "clipped": round(clipped, 4),
        "off_centre": round(off_centre(strength), 4),
    }


def problems_of(m):
    found = []
    if m["brightness"] < DARK:
        found.append("too dark")
    if m["brightness"] > BRIGHT or m["clipped"] > CLIPPED_MAX:
        found.append("too bright" if m["brightness"] > 128 else "too dark")
    if m["noise"] > NOISE_MAX:
        found.append("noisy")
    if m["sharpness"] < SHARP_MIN:
        found.append("blurred")
    if m["colourfulness"] < COLOUR_MIN and "too dark" not in found:
        found.append("dull colours")
    if m["contrast"] < 14 and "too dark" not in found:
        found.append("flat")
    if m["off_centre"] > 0.35:
        found.append("off centre")
    return list(dict.fromkeys(found))


def quality(call):
    photo = call.text("photo")
    width, height, rows = read_image(read_bytes(photo, "input.photo"), photo)
    call.progress(0.1, f"{width}x{height}")
    measures = measure(rows, call.progress)
    colours = dominant_colours(rows)
    problems = problems_of(measures)
    score = 100.0 - 28.0 * len(problems)
    score -= min(12.0, abs(measures["brightness"] - 140) / 8) + min(8.0, 8 * measures["off_centre"])
    score = round(max(0.0, score), 1)
    verdict = "use" if score >= 75 else "improve" if score >= 45 else "retake"
    return {
        "photo": photo,
        "dish": call.text("dish", "unknown"),
        "width": width,
        "height": height,
        "measures": measures,
        "colours": colours,
        "score": score,
        "verdict": verdict,
        "problems": problems,
        "advice": [ADVICE[p] for p in problems],
        "method": method("image-statistics-v1"),
    }


if __name__ == "__main__":
    run(quality)
