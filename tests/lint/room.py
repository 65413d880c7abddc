#!/usr/bin/python3
"""What a gateway may hold at once fits what deploy/ gives it: the shares that its headers name, its connections and itself, with a quarter left
for what the kernel holds for it (buffers and descriptors of its connections). Usage: room.py ROOT"""
import pathlib
import re
import sys

MIB = 1 << 20
SHARES = {  # header -> shares in it
    "gateway/http/intake.h": ("INTAKE_BODIES_BYTES_MAX", "INTAKE_HEADS_BYTES_MAX"), "gateway/main/requests.h": ("REQUESTS_BYTES_MAX",),
    "gateway/main/gateway.h": ("WAITING_BYTES_MAX",), "gateway/main/feed.h": ("FEEDS_BYTES_MAX",)}
WITHIN = {  # bounds that are parts of another one
    "gateway/main/gateway.h": (("ANSWERS_BYTES_MAX", "DOCUMENTS_BYTES_MAX"), ("DOCUMENTS_BYTES_MAX", "WAITING_BYTES_MAX"))}
# Measured (release, 4,000 of each): 5.3 KiB of a connection that is kept alive or waits for a long poll, 3.7 of a WebSocket; 6.2 MiB at its start.
CONNECTION_BYTES = 6 << 10
BASE_BYTES = 8 * MIB
FOR_THE_KERNEL = 0.25
UNITS = {"k": 1 << 10, "m": MIB, "g": 1 << 30}


def constant(text, name):
    m = re.search(rf"^#define {name}\s+\(?(\d+)u?(?: << (\d+)\))?$", text, re.M)
    return int(m[1]) << int(m[2] or 0) if m else None


def size(text):
    m = re.fullmatch(r"(\d+)([kmg]?)i?", text.lower())
    return int(m[1]) * UNITS.get(m[2], 1) if m else 0


def indent(line):
    return len(line) - len(line.lstrip())


def block(lines, at):
    """The lines that belong to the one at `at`: those that are indented further, and comments."""
    own = indent(lines[at])
    end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() and indent(lines[n]) <= own and not lines[n].lstrip().startswith("#")), len(lines))
    return "\n".join(lines[at:end])


def limits(root):
    """file -> what it gives a gateway, of each file of deploy/ that says so; 0 where that cannot be read"""
    found = {}
    for path in sorted([*root.glob("deploy/**/*.yaml"), *root.glob("deploy/systemd/*gateway*.service*")]):
        lines = path.read_text().splitlines()
        name = str(path.relative_to(root))
        for n, line in enumerate(lines):
            m = None
            if re.fullmatch(r"  gateway:", line):
                m = re.search(r"^    mem_limit: (\S+)", block(lines, n), re.M)
            elif re.fullmatch(r"\s+- name: gateway", line):
                m = re.search(r"limits: \{[^}]*memory: ([^,}]+)", block(lines, n))
            elif path.suffix != ".yaml":
                m = re.match(r"Memory(?:Max|High)=(\S+)", line)
            if m:
                found[name] = size(m[1])
    return found


def faults_of(root):
    faults, held = [], BASE_BYTES
    texts = {h: (root / h).read_text() for h in {*SHARES, *WITHIN}}
    for header, names in SHARES.items():
        for name in names:
            value = constant(texts[header], name)
            faults += [f"{header}: no {name} that can be read"] if value is None else []
            held += value or 0
    for header, pairs in WITHIN.items():
        faults += [f"{header}: {a} is not below {b}" for a, b in pairs if not (constant(texts[header], a) or 0) < (constant(texts[header], b) or 0)]
    settings = (root / "gateway/main/settings.c").read_text()
    held += CONNECTION_BYTES * int(re.search(r'"MARATHON_MAX_CONNECTIONS",\s+\.kind = CONF_INT,\s+\.fallback = "(\d+)"', settings)[1])
    given = limits(root)
    for file, limit in given.items():
        if held > limit * (1 - FOR_THE_KERNEL):
            faults.append(f"{file} gives a gateway {limit / MIB:.0f} MiB, a quarter of it for the kernel, but it may hold {held / MIB:.0f} itself")
    for wanted in ("deploy/compose.yaml", "deploy/kubernetes/base/gateway.yaml"):
        faults += [] if given.get(wanted) else [f"{wanted} gives a gateway no limit that can be read"]
    return faults, held, given


def main():
    faults, held, given = faults_of(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(faults or [f"a gateway holds {held / MIB:.0f} MiB at most; it is given " + ", ".join(f"{v / MIB:.0f} MiB by {f}" for f, v in given.items())]))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
