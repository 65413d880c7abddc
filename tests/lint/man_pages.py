#!/usr/bin/python3
"""The daemons' manual pages: each setting that the program has is in its page, as flag and variable; groff and lexgrog have nothing to say
against them, the unit names them. Exits 77 where they are not built. Usage: man_pages.py ROOT BUILD"""
import pathlib
import re
import shutil
import subprocess
import sys

ROLES = ("coordinator", "gateway", "worker")
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "SETTINGS", "GENERAL OPTIONS", "EXAMPLE", "SIGNALS", "EXIT STATUS", "FILES", "SEE ALSO")


def settings(program):
    """The variables that --print-config knows, by the keys of its ini file."""
    r = subprocess.run([program, "--print-config"], capture_output=True, text=True, timeout=60, env={})
    if r.returncode != 0:
        sys.exit(r.stderr)
    keys = re.findall(r"^(?:# )?(\w+) =", r.stdout, re.M)
    return [k.upper() if k.startswith("redis_url") else f"MARATHON_{k.upper()}" for k in keys]


def check_page(role, page, variables):
    problems = []
    text = page.read_text().replace("\\-", "-")
    for variable in variables:
        flag = variable.removeprefix("MARATHON_").lower().replace("_", "-")
        if not re.search(rf"^\.B --{flag}\\fR", text, re.M) or not re.search(rf"[ (]{variable}\)$", text, re.M):
            problems.append(f"{page.name}: {variable} is not there as --{flag} and variable")
    problems += [f"{page.name}: no section {s}" for s in SECTIONS if f"\n.SH {s}\n" not in text]
    problems += [f"{page.name}: does not point to marathon-{r}" for r in ROLES if r != role and f"marathon-{r} (8)" not in text]
    return problems


def check_form(page):
    problems = []
    if shutil.which("groff") is not None:
        r = subprocess.run(["groff", "-man", "-ww", "-z", str(page)], capture_output=True, text=True, timeout=60)
        problems += [f"groff: {line}" for line in r.stderr.splitlines()]
    if shutil.which("lexgrog") is not None:
        r = subprocess.run(["lexgrog", str(page)], capture_output=True, text=True, timeout=60)
        problems += [] if r.returncode == 0 else [f"lexgrog finds no name and description in {page.name}"]
    return problems


def main():
    root, build = map(pathlib.Path, sys.argv[1:])
    problems, count = [], 0
    for role in ROLES:
        page = build / "deploy/man" / f"marathon-{role}.8"
        if not page.exists():
            print(f"SKIPPED: {page} is not built")
            sys.exit(77)
        variables = settings(build / "bin" / f"marathon-{role}")
        count += len(variables)
        problems += check_page(role, page, variables) + check_form(page)
        if f"man:marathon-{role}(8)" not in "".join(p.read_text() for p in (root / "deploy/systemd").glob(f"marathon-{role}*.in")):
            problems.append(f"deploy/systemd: the unit of {role} does not name its page")
    print("\n".join(problems or [f"{len(ROLES)} pages have all {count} settings"]))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
