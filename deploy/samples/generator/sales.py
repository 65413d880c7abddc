"""90 days of sales: a level per dish, a trend, the week, the season and some chance."""
import csv
import datetime
import io
import math

from dice import Dice
from own_menu import DISHES

FIRST_DAY = datetime.date(2025, 11, 3)
DAYS = 90
WEEK = [0.74, 0.80, 0.90, 1.00, 1.32, 1.46, 0.95]  # Monday first
# Warm dishes gain and cold ones lose over the winter days of the sample: plus or minus this much at
# most.
SEASON = {"Soups": 0.06, "Drinks": -0.04, "Desserts": 0.02, "Starters": -0.02}


def quantity(dish, day, dice):
    _, section, _, _, usual, growth, _ = dish
    # The trend is a constant daily rate that makes a window of 30 days `growth` larger than the one
    # before.
    trend = (1.0 + growth) ** ((day - DAYS + 30) / 30.0)
    week = WEEK[(FIRST_DAY + datetime.timedelta(days=day)).weekday()]
    season = 1.0 + SEASON.get(section, 0.0) * math.sin(math.pi * day / DAYS)
    expected = usual * trend * week * season
    return max(0, round(expected * (1.0 + 0.10 * dice.bell())))


def sales_csv():
    dice = Dice("sales")
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["date", "dish", "quantity", "unit_price", "unit_cost"])
    for day in range(DAYS):
        date = FIRST_DAY + datetime.timedelta(days=day)
        for dish in DISHES:
            sold = quantity(dish, day, dice)
            if sold:
                rows.writerow([date.isoformat(), dish[0], sold, f"{dish[2]:.2f}", f"{dish[3]:.2f}"])
    return out.getvalue()
