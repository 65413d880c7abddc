"""Three pages of the menu as pictures: three layouts, the last one slightly turned, as a photo
would be."""
from cairo_canvas import Canvas
from own_menu import DISHES, RESTAURANT
from png_writer import png_bytes

WIDTH, HEIGHT = 1000, 1180
PAGES = [
    {
        "sections": ["Starters", "Soups"],
        "face": "DejaVu Serif",
        "sign": "",
        "dots": True,
        "turn": 0.0,
    },
    {"sections": ["Pasta", "Pizza"], "face": "DejaVu Sans", "sign": "", "dots": False, "turn": 0.0},
    {
        "sections": ["Main courses", "Desserts", "Drinks"],
        "face": "DejaVu Serif",
        "sign": "€ ",
        "dots": False,
        "turn": 0.006,
    },
]


def _dish(canvas, y, page, dish):
    name, _, price, _, _, _, line = dish
    face = page["face"]
    long = canvas.text((90, y), name, (face, 30, False, False))
    amount = f"{page['sign']}{price:.2f}"
    wide = canvas.text((910, y), amount, (face, 30, False, False), align="right")
    if page["dots"]:
        x = 90 + long + 14
        while x < 910 - wide - 14:
            canvas.bar(x, y - 3, 3, 3, 0.35)
            x += 14
    if line:
        canvas.text((90, y + 30), line, (face, 21, False, True), ink=0.30)
    return y + (80 if line else 58)


def _page(page, number):
    canvas = Canvas(WIDTH, HEIGHT, 0.97, page["turn"])
    canvas.text(
        (WIDTH / 2, 100), RESTAURANT["name"], ("DejaVu Serif", 46, True, False), align="centre"
    )
    y = 180
    for section in page["sections"]:
        canvas.text((WIDTH / 2, y), section, (page["face"], 34, True, False), align="centre")
        canvas.bar(380, y + 14, 240, 2, 0.4)
        y += 66
        for dish in DISHES:
            if dish[1] == section:
                y = _dish(canvas, y, page, dish)
        y += 24
    canvas.text(
        (WIDTH / 2, HEIGHT - 40), f"Page {number}", (page["face"], 20, False, False), 0.3, "centre"
    )
    # 16 levels of grey are enough for text and keep the files small.
    shades = bytes(min(255, (v >> 4) * 17) for v in range(256))
    return png_bytes(WIDTH, HEIGHT, [row.translate(shades) for row in canvas.rows()], 1)


def menu_pictures():
    """Pairs of file name and content."""
    return [(f"menu/menu_{i}.png", _page(page, i)) for i, page in enumerate(PAGES, 1)]
