"""The restaurant of the samples: its menu, and how each dish is going to sell."""

RESTAURANT = {
    "id": "own",
    "name": "Trattoria Lucida",
    "cuisine": "italian",
    "price_level": 2,
    "lat": 52.5206,
    "lon": 13.4098,
    "seats": 54,
    "currency": "EUR",
}

# name, section, price, cost of the goods, portions on a usual day, growth from the 30 days before
# to the last 30,
# the line under the name on the menu
DISHES = [
    (
        "Bruschetta al Pomodoro",
        "Starters",
        7.50,
        1.90,
        13,
        0.02,
        "toasted bread, ripe tomatoes, basil",
    ),
    ("Garlic Bread", "Starters", 5.50, 1.10, 15, -0.18, "with parsley butter"),
    ("Fried Calamari", "Starters", 10.90, 4.60, 12, 0.30, "lemon and aioli"),
    ("Caprese Salad", "Starters", 9.80, 3.40, 9, -0.04, "mozzarella, tomato, basil oil"),
    ("Minestrone", "Soups", 6.90, 1.50, 8, -0.22, "vegetables of the season"),
    ("Tomato Soup", "Soups", 6.50, 1.20, 7, 0.24, "with cream and croutons"),
    ("Spaghetti Carbonara", "Pasta", 13.90, 3.60, 26, 0.26, "egg, pecorino, crisp bacon"),
    ("Penne Arrabbiata", "Pasta", 11.90, 2.40, 17, -0.06, "tomato, chili, garlic"),
    ("Lasagne Bolognese", "Pasta", 14.50, 4.30, 20, -0.03, "slow cooked beef sauce"),
    ("Mushroom Risotto", "Pasta", 15.20, 4.10, 10, 0.34, "porcini and parmesan"),
    ("Truffle Tagliatelle", "Pasta", 19.80, 8.90, 6, 0.42, "fresh pasta, black truffle"),
    ("Pizza Margherita", "Pizza", 11.50, 2.30, 30, -0.02, "tomato, mozzarella, basil"),
    ("Pizza Diavola", "Pizza", 13.80, 3.50, 22, 0.29, "spicy salami, peppers"),
    ("Pizza Funghi", "Pizza", 12.90, 3.10, 13, -0.15, "mushrooms, thyme"),
    ("Pizza Quattro Formaggi", "Pizza", 14.20, 4.40, 16, -0.05, "four kinds of cheese"),
    ("Grilled Salmon", "Main courses", 21.50, 8.20, 14, 0.33, "spinach, lemon potatoes"),
    ("Steak, Pepper Sauce", "Main courses", 26.90, 12.80, 13, -0.04, "beef sirloin with fries"),
    ("Chicken Parmigiana", "Main courses", 18.40, 5.60, 8, -0.20, "tomato, mozzarella, rocket"),
    ("Veal Saltimbocca", "Main courses", 23.60, 11.40, 5, -0.26, "sage, parma ham, white wine"),
    ("Tiramisu", "Desserts", 7.80, 1.80, 22, 0.27, "made in the house"),
    ("Panna Cotta", "Desserts", 6.90, 1.40, 10, -0.12, "with berry sauce"),
    ("Chocolate Fondant", "Desserts", 8.40, 2.20, 9, 0.31, "vanilla ice cream"),
    ("Fresh Lemonade", "Drinks", 4.80, 0.70, 24, 0.38, "lemon, mint, soda"),
    ("Espresso", "Drinks", 2.60, 0.30, 40, -0.03, ""),
]


def menu_json():
    return [{"name": d[0], "section": d[1], "price": d[2], "cost": d[3]} for d in DISHES]
