"""55 competitors in the neighbourhood: an index, profiles, and a menu each as JSON, CSV or text."""
import csv
import io
import json

from dice import Dice
from own_menu import DISHES, RESTAURANT

COUNT = 55
FIRST = [
    "Osteria",
    "Trattoria",
    "Casa",
    "Bistro",
    "Cantina",
    "Villa",
    "Cafe",
    "Locanda",
    "Taverna",
    "Cucina",
    "Bar",
]
SECOND = [
    "Aurora",
    "Belvedere",
    "Cipresso",
    "Delfino",
    "Elba",
    "Fiore",
    "Ginestra",
    "Isola",
    "Lupo",
    "Mirto",
    "Nonna",
    "Oliva",
    "Perla",
    "Quercia",
    "Rosmarino",
    "Sole",
    "Tosca",
    "Vento",
    "Zafferano",
]
CUISINES = [
    ("italian", 0.52),
    ("pizzeria", 0.70),
    ("mediterranean", 0.82),
    ("french", 0.88),
    ("burger", 0.94),
    ("asian", 1.01),
]
# How others call our dishes now and then; a comparison must see through it.
OTHER_NAMES = {
    "Spaghetti Carbonara": ["Carbonara Spaghetti", "Spaghetti alla Carbonara"],
    "Pizza Margherita": ["Margherita Pizza", "Pizza Margarita"],
    "Tiramisu": ["Tiramisu Classico", "Homemade Tiramisu"],
    "Grilled Salmon": ["Salmon, grilled", "Grilled Salmon Fillet"],
    "Fresh Lemonade": ["Homemade Lemonade"],
    "Lasagne Bolognese": ["Lasagna Bolognese"],
    "Minestrone": ["Minestrone Soup"],
    "Panna Cotta": ["Pannacotta"],
    "Steak, Pepper Sauce": ["Pepper Steak"],
    "Fried Calamari": ["Calamari, fried", "Crispy Fried Calamari"],
}
EXTRA = [
    ("Burrata", "Starters", 12.5),
    ("Vitello Tonnato", "Starters", 13.9),
    ("Gnocchi Gorgonzola", "Pasta", 14.8),
    ("Ravioli Ricotta", "Pasta", 15.5),
    ("Vegan Bowl", "Main courses", 13.5),
    ("Beef Burger", "Main courses", 14.9),
    ("Sea Bass", "Main courses", 24.5),
    ("Pizza Tonno", "Pizza", 13.5),
    ("Pizza Vegana", "Pizza", 13.9),
    ("Lemon Sorbet", "Desserts", 6.2),
    ("Affogato", "Desserts", 5.8),
    ("Aperol Spritz", "Drinks", 7.9),
    ("Cappuccino", "Drinks", 3.6),
    ("House Wine", "Drinks", 5.9),
]
FOREIGN = {
    "french": [
        ("Onion Soup", "Soups", 8.5),
        ("Coq au Vin", "Main courses", 19.5),
        ("Duck Confit", "Main courses", 22.9),
        ("Quiche Lorraine", "Starters", 9.5),
        ("Creme Brulee", "Desserts", 8.2),
        ("Espresso", "Drinks", 2.9),
    ],
    "burger": [
        ("Classic Burger", "Main courses", 11.9),
        ("Cheese Burger", "Main courses", 12.9),
        ("Fries", "Sides", 4.5),
        ("Onion Rings", "Sides", 5.2),
        ("Milk Shake", "Drinks", 5.9),
        ("Fresh Lemonade", "Drinks", 4.2),
    ],
    "asian": [
        ("Pad Thai", "Main courses", 13.2),
        ("Spring Rolls", "Starters", 6.4),
        ("Tom Kha", "Soups", 7.2),
        ("Green Curry", "Main courses", 14.4),
        ("Mango Rice", "Desserts", 6.9),
        ("Jasmine Tea", "Drinks", 3.4),
    ],
}
PRAISE = [
    "Excellent pasta and friendly staff.",
    "Great value, generous portions.",
    "Lovely garden, perfect service.",
    "Fresh, delicious, quick.",
]
BLAME = [
    "Slow service and cold food.",
    "Overpriced and noisy.",
    "The pizza was soggy.",
    "Rude waiter, dirty tables.",
]


def _menu(dice, cuisine, level):
    if cuisine in FOREIGN:
        base = FOREIGN[cuisine]
    else:
        pool = [d for d in DISHES if cuisine != "pizzeria" or d[1] not in ("Main courses", "Soups")]
        own = dice.some_of([(d[0], d[1], d[2]) for d in pool], dice.whole(9, 14))
        base = [
            (dice.one_of(OTHER_NAMES[n]) if n in OTHER_NAMES and dice.chance(0.35) else n, s, p)
            for n, s, p in own
        ]
        base += dice.some_of(EXTRA, dice.whole(3, 6))
    menu = []
    for name, section, price in base:
        menu.append((name, section, max(1.5, round(price * level * dice.number(0.93, 1.07), 1))))
    order = []
    for dish in menu:
        if dish[1] not in order:
            order.append(dish[1])
    return sorted(menu, key=lambda d: order.index(d[1]))


def _menu_text(menu, form, name):
    if form == "json":
        return (
            json.dumps(
                {
                    "restaurant": name,
                    "menu": [{"name": n, "section": s, "price": p} for n, s, p in menu],
                },
                indent=1,
            )
            + "\n"
        )
    if form == "csv":
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["section", "dish", "price"])
        rows.writerows((s, n, f"{p:.2f}") for n, s, p in menu)
        return out.getvalue()
    lines, section = [name.upper(), ""], None
    for dish, its, price in menu:
        if its != section:
            lines += ["", its]
            section = its
        lines.append(f"  {dish} {'.' * max(3, 40 - len(dish))} {price:.2f}")
    return "\n".join(lines) + "\n"


def _profile(dice, rating):
    good = round((rating - 2.5) / 2.4 * 5)
    snippets = [dice.one_of(PRAISE) if i < good else dice.one_of(BLAME) for i in range(5)]
    opens, closes = dice.whole(10, 17), dice.whole(21, 24)
    closed = dice.one_of([[], ["mon"], ["sun"], ["mon", "tue"]])
    return {
        "opened": dice.whole(1988, 2024),
        "seats": dice.whole(18, 120),
        "delivery": dice.chance(0.45),
        "terrace": dice.chance(0.4),
        "opens": opens,
        "closes": closes,
        "closed_days": closed,
        "reviews": snippets,
    }


def competitor_files():
    dice, files, profiles = Dice("competitors"), [], {}
    index = io.StringIO()
    rows = csv.writer(index, lineterminator="\n")
    rows.writerow(
        ["id", "name", "cuisine", "lat", "lon", "price_level", "rating", "review_count", "menu"]
    )
    names = [f"{first} {second}" for second in SECOND for first in FIRST]
    for number, name in enumerate(dice.some_of(names, COUNT), 1):
        draw = dice.number(0, 1)
        cuisine = next(c for c, edge in CUISINES if draw < edge)
        level = dice.number(0.82, 1.24)
        ident, form = f"c{number:02d}", ["json", "csv", "txt"][number % 3]
        rating = round(dice.number(2.8, 4.9), 1)
        lat = RESTAURANT["lat"] + dice.bell() * 0.013
        lon = RESTAURANT["lon"] + dice.bell() * 0.021
        rows.writerow(
            [
                ident,
                name,
                cuisine,
                f"{lat:.5f}",
                f"{lon:.5f}",
                1 if level < 0.94 else 2 if level < 1.12 else 3,
                rating,
                dice.whole(12, 1900),
                f"menus/{ident}.{form}",
            ]
        )
        files.append(
            (
                f"competitors/menus/{ident}.{form}",
                _menu_text(_menu(dice, cuisine, level), form, name),
            )
        )
        profiles[ident] = _profile(dice, rating)
    files.append(("competitors/competitors.csv", index.getvalue()))
    files.append(("competitors/profiles.json", json.dumps(profiles, indent=1) + "\n"))
    return files
