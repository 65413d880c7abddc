#!/usr/bin/python3
"""Checks names, lengths and header guards of all source files. Usage: files.py ROOT"""
import pathlib
import re
import sys

LINES_MAX = 500
NAMES_FORBIDDEN = re.compile(r"(util|utils|misc|helper|helpers|common)([_.-].*)?")
SOURCES = {".c", ".h", ".py", ".sh", ".js", ".css", ".lua"}
TOP = ("common", "coordinator", "worker", "gateway", "deploy", "tests")
TOP_DIRECTORIES = set(TOP) | {".ci", ".git", "build", "node_modules"}
# Installed for others under its own name.
GUARDS_EXEMPT = {"worker/plugin/marathon_plugin.h"}


def guard_fits(guard, name):
    """MARATHON_<some of the path's folders, in order>_<file>_H: parts that all files of a kind share may be left out."""
    def word(part):
        return re.sub(r"\W", "_", part).upper()
    if not guard.endswith("_" + word(name.name)):
        return False
    rest = guard.removesuffix("_" + word(name.name)).removeprefix("MARATHON")
    for part in name.parts[:-1]:
        if rest.startswith("_" + word(part) + "_") or rest == "_" + word(part):
            rest = rest[len(part) + 1:]
    return guard.startswith("MARATHON_") and rest == ""


def check_guard(name, text, problems):
    m = re.search(r"^#ifndef (\w+)\n#define (\w+)$", text, re.M)
    if not m or m.group(1) != m.group(2):
        problems.append(f"{name}: no header guard")
    elif str(name) not in GUARDS_EXEMPT and not guard_fits(m.group(1), name):
        problems.append(f"{name}: its guard {m.group(1)} is not made of its path")
    elif not text.endswith("#endif\n"):
        problems.append(f"{name}: something follows the guard's #endif")


def check(path, name, problems):
    if "build" in name.parts or "node_modules" in name.parts or "vendor" in name.parts:
        return
    if NAMES_FORBIDDEN.fullmatch(path.stem):
        problems.append(f"{name}: a name that says nothing")
    text = path.read_text()
    lines = text.count("\n")
    if lines > LINES_MAX:
        problems.append(f"{name}: {lines} lines, {LINES_MAX} at most: it has more than one reason to change")
    if path.suffix == ".h":
        check_guard(name, text, problems)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = []
    count = 0
    for entry in sorted(root.iterdir()):
        if entry.is_dir() and entry.name not in TOP_DIRECTORIES and not entry.name.startswith("."):
            problems.append(f"{entry.name}/: the top level is fixed (style: Layout)")
    for top in TOP:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                count += 1
                check(path, path.relative_to(root), problems)
    print("\n".join(problems) or f"{count} files are named, sized and guarded as they should be")
    return 1 if problems or count == 0 else 0


sys.exit(main())
