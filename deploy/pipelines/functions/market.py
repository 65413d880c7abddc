"""Competitors: their index, their menus in whatever form, and how their prices compare with
ours."""
import csv
import io
import json
import math
import posixpath
import statistics

from dish_names import best_match
from marathon_function import Permanent, read_json, read_text
from menu_text import parse_menu_text

COMPETITORS_MAX = 5000
DISHES_MAX = 2000
EARTH_KM = 6371.0
AT_MARKET = 0.05  # a price within 5 % of the market's median is "at market"


def _number(row, field, where, low, high):
    try:
        value = float(row.get(field) or "")
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise Permanent(f"{where}: {field} {row.get(field)!r} is not a number from {low} to {high}")
    return value


def load_index(name):
    """The competitors of an index file (CSV with id, name, cuisine, lat, lon, price_level, rating,
    review_count, menu)."""
    rows = csv.DictReader(io.StringIO(read_text(name, "input.competitors")))
    missing = {
        "id",
        "name",
        "cuisine",
        "lat",
        "lon",
        "price_level",
        "rating",
        "review_count",
        "menu",
    } - set(rows.fieldnames or [])
    if missing:
        raise Permanent(f"{name}: the header lacks {', '.join(sorted(missing))}")
    found = []
    for row in rows:
        where = f"{name} line {rows.line_num}"
        found.append(
            {
                "id": row["id"],
                "name": row["name"],
                "cuisine": row["cuisine"],
                "lat": _number(row, "lat", where, -90, 90),
                "lon": _number(row, "lon", where, -180, 180),
                "price_level": int(_number(row, "price_level", where, 1, 4)),
                "rating": _number(row, "rating", where, 0, 5),
                "review_count": int(_number(row, "review_count", where, 0, 1e9)),
                "menu": posixpath.join(posixpath.dirname(name), row["menu"] or ""),
            }
        )
        if len(found) > COMPETITORS_MAX:
            raise Permanent(f"{name}: more than {COMPETITORS_MAX} competitors")
    return found


def load_menu(name):
    """A menu file, by its ending: .json {"menu": [...]}, .csv with section, dish, price, else
    text."""
    text = read_text(name, "menu of a competitor")
    try:
        if name.endswith(".json"):
            dishes = [
                {"name": str(d["name"]), "section": d.get("section"), "price": float(d["price"])}
                for d in json.loads(text)["menu"]
            ]
        elif name.endswith(".csv"):
            dishes = [
                {"name": row["dish"], "section": row.get("section"), "price": float(row["price"])}
                for row in csv.DictReader(io.StringIO(text))
            ]
        else:
            dishes = parse_menu_text(text)
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent(f"{name}: not a menu ({type(error).__name__}: {error})") from error
    if not 1 <= len(dishes) <= DISHES_MAX:
        raise Permanent(f"{name}: {len(dishes)} dishes; expected 1 to {DISHES_MAX}")
    return dishes


def load_restaurant(name):
    """Our own restaurant: where it is and, under "menu", what it sells."""
    own = read_json(name, "input.restaurant")
    if not isinstance(own, dict):
        raise Permanent(f"{name}: expected an object")
    for field, kind in (
        ("name", str),
        ("cuisine", str),
        ("lat", (int, float)),
        ("lon", (int, float)),
        ("price_level", int),
    ):
        if not isinstance(own.get(field), kind):
            raise Permanent(f"{name}: {field} is missing or of the wrong type")
    return own


def own_menu(call):
    """Our dishes: of the pictures where a step has read them, else of the restaurant's file."""
    extracted = call.result("menu_extraction", needed=False)
    if extracted and extracted.get("dishes"):
        return [
            {"name": d["name"], "section": d.get("section"), "price": d["price"]}
            for d in extracted["dishes"]
        ]
    menu = load_restaurant(call.text("restaurant")).get("menu")
    try:
        return [
            {"name": d["name"], "section": d.get("section"), "price": float(d["price"])}
            for d in menu
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise Permanent(
            "input.restaurant: its menu must be a list of {name, section, price}"
        ) from error


def distance_km(one, other):
    lat1, lat2 = math.radians(one["lat"]), math.radians(other["lat"])
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += (
        math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(other["lon"] - one["lon"]) / 2) ** 2
    )
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def match_menu(own, theirs):
    """Our dish name -> {"dish","price","similarity"} of the same dish on the other menu."""
    by_name = {dish["name"]: dish["price"] for dish in theirs}
    matches = {}
    for dish in own:
        name, score = best_match(dish["name"], by_name)
        if name is not None:
            matches[dish["name"]] = {
                "dish": name,
                "price": by_name[name],
                "similarity": round(score, 3),
            }
    return matches


def position(price, median):
    """(gap, word): the gap is 0.1 where we are 10 % dearer than the market's median."""
    gap = price / median - 1.0
    return (
        round(gap, 4),
        "below" if gap < -AT_MARKET else "above" if gap > AT_MARKET else "at market",
    )


def price_table(own, priced):
    """Per own dish how its price stands. priced: our dish name -> list of (competitor id,
    price)."""
    table = []
    for dish in own:
        prices = [price for _, price in priced.get(dish["name"], [])]
        row = {
            "dish": dish["name"],
            "section": dish["section"],
            "price": dish["price"],
            "competitors": len(prices),
        }
        if prices:
            median = statistics.median(prices)
            gap, word = position(dish["price"], median)
            row.update(
                {
                    "market_low": min(prices),
                    "market_median": round(median, 2),
                    "market_high": max(prices),
                    "gap": gap,
                    "position": word,
                }
            )
        table.append(row)
    return table


def price_index(table):
    """Our prices against the market's medians as one number: 1.0 is equal. None where nothing
    compares."""
    compared = [row for row in table if row["competitors"]]
    if not compared:
        return None
    return round(sum(r["price"] for r in compared) / sum(r["market_median"] for r in compared), 4)
