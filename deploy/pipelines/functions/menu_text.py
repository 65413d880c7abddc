"""Lines of a menu, from a text file or from OCR, to sections, dishes and prices."""
import re

# The amount at the end of a line: "13.90", "€ 13,90", "$7", "12.50 EUR". A bare whole number needs
# its currency.
_AMOUNT = re.compile(
    r"(?P<sign>[€$£]|EUR|USD|GBP)?\s*(?P<whole>\d{1,4})(?:[.,](?P<part>\d{2}))?\s*(?P<after>[€$£]|EUR|USD|GBP)?\s*$"
)
_LEADER = re.compile(r"[.·…_]{3,}.*$|(?:\s[.·…_]){3,}.*$")
PRICE_MAX = 500.0  # a line with more is no dish but a telephone or a year

SECTIONS = {
    "starters",
    "antipasti",
    "appetizers",
    "appetisers",
    "soups",
    "salads",
    "pasta",
    "pizza",
    "mains",
    "main courses",
    "main dishes",
    "fish",
    "meat",
    "sides",
    "side dishes",
    "desserts",
    "dolci",
    "drinks",
    "beverages",
    "wine",
    "coffee",
    "burgers",
    "specials",
}


def split_price(line):
    """(name, price) of a line that ends with an amount, else (line, None). Leader dots go."""
    match = _AMOUNT.search(line)
    if match is None or (match["part"] is None and not (match["sign"] or match["after"])):
        return line.strip(), None
    price = float(match["whole"]) + (int(match["part"]) / 100 if match["part"] else 0.0)
    name = clean_name(line[: match.start()])
    if price <= 0 or price > PRICE_MAX or not re.search(r"[^\W\d_]{2}", name):
        return line.strip(), None
    return name, price


def clean_name(text):
    """Without leader dots (what OCR made of them too), bullets and double spaces."""
    text = _LEADER.sub("", text)
    return re.sub(r"\s+", " ", text).strip(" .·…_-–—:*•|")


def is_section(line):
    """A heading: a word of the trade, or all in capitals with a colon."""
    plain = clean_name(line).lower()
    return plain in SECTIONS or (
        line.strip().endswith(":") and plain != "" and split_price(line)[1] is None
    )


def parse_menu_text(text):
    """A plain text menu to a list of {"name","section","price"}."""
    dishes, section = [], None
    for line in text.splitlines():
        if not line.strip():
            continue
        name, price = split_price(line)
        if price is not None:
            dishes.append({"name": name, "section": section, "price": price})
        elif is_section(line):
            section = clean_name(line)
    return dishes
