#!/usr/bin/python3
"""Compares what dashboards, alarms, autoscalers and documents ask for with what the sources emit: metrics and their labels. All their
expressions must be PromQL (where promtool is there), and each alarm be in the runbook and raised in a test of the rules. Usage: monitoring.py ROOT"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCES = {"coordinator": "coordinator", "worker": "worker", "gateway": "gateway", "tls": "common/transport"}  # prefix -> folder
SCRAPED = {"instance", "job", "le", "alertname", "alertstate"}  # labels that Prometheus adds, or a histogram has
READERS = ("deploy/monitoring/alerts.yaml", "deploy/monitoring/alerts_test.yaml", "deploy/monitoring/grafana/marathon.json",
           "deploy/kubernetes/components/keda/scaledobject.yaml", "deploy/RUNBOOK.md", "README.md")
NAME = re.compile(r"\bmarathon_(?:coordinator|worker|gateway|tls)_[a-z_]+")


def emitted(root):
    """The labels of each metric; a histogram's three names are there, too."""
    found = {}
    for role, folder in SOURCES.items():
        sources = "".join(p.read_text() for p in sorted((root / folder).rglob("*.c")))
        prefix = f"marathon_{role}_"
        if f'"{prefix}"' not in sources:
            sys.exit(f"{role}: no source has the prefix {prefix}: this test does not know how metrics are made now")
        for kind, name in re.findall(r'\bmetric_(begin|single|seconds|histogram)\(\s*&?\w+,\s*"(\w+)"', sources):
            for end in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
                found[prefix + name + end] = set()
            if kind == "histogram":
                found[prefix + name] = set()
        for name, label in re.findall(r'\bmetric_labelled\(\s*&?\w+,\s*"(\w+)",\s*"(\w+)"', sources):
            found[prefix + name].add(label)
    return found


def check_text(where, text, metrics):
    problems = []
    for match in NAME.finditer(text):
        name = match.group()
        if name not in metrics:
            problems.append(f"{where}: no program emits {name}")
            continue
        matchers = re.match(r"\{([^{}]*)\}", text[match.end():])
        for label in re.findall(r"(\w+) *(?:=~|!~|!=|=)", matchers.group(1)) if matchers else ():
            if label not in metrics[name] | SCRAPED:
                problems.append(f"{where}: {name} has no label {label}")
    labels = SCRAPED.union(*metrics.values())
    for group in () if where.endswith(".md") else re.findall(r"\b(?:by|without) *\(([\w, ]+)\)", text):
        problems += [f"{where}: no metric has the label {x}" for x in re.split(r"[, ]+", group.strip()) if x not in labels]
    return problems


def check_dashboard(board):
    """Panels have ids of their own, do not overlap, and ask one datasource that is provisioned."""
    problems = []
    places, ids = set(), set()
    for panel in board["panels"]:
        g = panel["gridPos"]
        cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
        if panel["id"] in ids or cells & places or g["x"] + g["w"] > 24:
            problems.append(f"dashboard: the panel {panel['title']!r} has another one's id or place")
        ids.add(panel["id"])
        places |= cells
        if panel["type"] != "row" and not panel.get("description"):
            problems.append(f"dashboard: the panel {panel['title']!r} does not say what it shows")
    return problems


def expressions(board, scaled):
    found = [t["expr"] for p in board["panels"] for t in p.get("targets", ())] + re.findall(r"query: (.+)", scaled)
    return [e.replace("$__rate_interval", "1m").replace("$instance", ".*") for e in found]


def check_promql(found):
    if shutil.which("promtool") is None:
        print("no promtool: the expressions' form is not checked")
        return []
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rules.json"  # JSON is YAML
        rules = [{"record": f"expression_{i}", "expr": e} for i, e in enumerate(found)]
        file.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
        r = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, timeout=60)
    return [] if r.returncode == 0 else [f"promtool: {r.stderr.strip()}"]


def raised(tests):
    """The alarms that a test of the rules expects to be raised at some time; those that it expects not to be do not count."""
    cases = re.split(r"\beval_time:", tests)[1:]
    return {re.search(r"\balertname: (\w+)", c).group(1) for c in cases if re.search(r"\bexp_alerts:\s*(?:\[\s*\{|- )", c)}


def main():
    root = pathlib.Path(sys.argv[1])
    metrics = emitted(root)
    texts = {name: (root / name).read_text() for name in READERS}
    problems = [p for name, text in texts.items() for p in check_text(name, text.replace('\\"', '"'), metrics)]
    board = json.loads(texts["deploy/monitoring/grafana/marathon.json"])
    problems += check_dashboard(board)
    if f"uid: {board['panels'][1]['datasource']['uid']}" not in (root / "deploy/monitoring/grafana/datasource.yaml").read_text():
        problems.append("dashboard: its datasource is not the provisioned one")
    found = expressions(board, texts["deploy/kubernetes/components/keda/scaledobject.yaml"])
    problems += check_promql(found)
    alarms = re.findall(r"alert: (\w+)", texts["deploy/monitoring/alerts.yaml"])
    problems += [f"RUNBOOK.md: the alarm {a} is not explained" for a in alarms if f"| {a} |" not in texts["deploy/RUNBOOK.md"]]
    seen = raised(texts["deploy/monitoring/alerts_test.yaml"])
    problems += [f"alerts_test.yaml: nothing raises the alarm {a}" for a in alarms if a not in seen]
    print("\n".join(problems or [f"{len(metrics)} names are emitted; {len(found)} expressions and {len(alarms)} alarms ask for what is there"]))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
