"""What a bench run found: rows with all their values, and the table that they make."""

import statistics


class Row:
    def __init__(self, name, unit, values, target=None, more=True, note=""):
        self.name, self.unit, self.values = name, unit, list(values)
        self.target, self.more, self.note = target, more, note  # more: larger is better

    @property
    def median(self):
        return statistics.median(self.values)

    def holds(self):
        return None if self.target is None else (self.median >= self.target if self.more else self.median <= self.target)

    def as_dict(self):
        return {"name": self.name, "unit": self.unit, "values": self.values, "median": self.median, "target": self.target,
                "more_is_better": self.more, "note": self.note}


def figure(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def ratio_text(row, rows, name):
    """This row against another one of the same run: above 1 is better than it."""
    other = next((r for r in rows if r.name == name), None)
    if other is None or other.median == 0 or row.median == 0:
        return None
    r = row.median / other.median if row.more else other.median / row.median
    return f"{r:.2f} x {name}"


def table(rows, ratios):
    """ratios: {row's name: [names of the rows that it is compared with]}"""
    lines = [f"{'row':42} {'median':>9} {'min':>9} {'max':>9} {'unit':11} {'target':>9}  {'':6} against, in this run"]
    for r in rows:
        compared = [t for t in (ratio_text(r, rows, n) for n in ratios.get(r.name, [])) if t]
        verdict = {True: "ok", False: "MISSED", None: ""}[r.holds()]
        lines.append(f"{r.name:42} {figure(r.median):>9} {figure(min(r.values)):>9} {figure(max(r.values)):>9} {r.unit:11} "
                     f"{figure(r.target):>9}  {verdict:6} {'; '.join(compared + ([r.note] if r.note else []))}".rstrip())
    return "\n".join(lines)
