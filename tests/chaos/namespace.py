"""A host of its own for a process: a network namespace, with a cable to this one. Its packets can be dropped on either way, as by a broken
switch: nobody is told, connections stay open, and what was sent is sent again by TCP. Needs root, ip and nft."""

import os
import random
import shutil
import subprocess

from rig import now

TABLE = """
flush ruleset
table inet cut {
    chain up { type filter hook output priority 0; %s }
    chain down { type filter hook input priority 0; %s }
}
"""
# What becomes of packets of TCP that leave the namespace, and that come in.
WAYS = {"heal": ("", ""), "hold up": ("meta l4proto tcp drop;", ""), "hold down": ("", "meta l4proto tcp drop;"),
        "hold both": ("meta l4proto tcp drop;", "meta l4proto tcp drop;"),
        "refuse": ("meta l4proto tcp reject with tcp reset;", "meta l4proto tcp reject with tcp reset;")}


def run(*argv, **more):
    done = subprocess.run(argv, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr.strip()}"


def missing():
    """Why there can be none here; None: there can."""
    if os.geteuid() != 0:
        return "not root"
    lacks = [p for p in ("ip", "nft") if shutil.which(p) is None]
    if lacks:
        return f"no {' and no '.join(lacks)}"
    name = f"marathon-try-{os.getpid()}"
    try:
        run("ip", "netns", "add", name)
        run("ip", "netns", "exec", name, "nft", "-f", "-", input=TABLE % WAYS["refuse"])
        return None
    except AssertionError as e:
        return f"the kernel refuses: {e}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Namespace:
    """Takes the commands of proxy.py that cut, and heal."""

    def __init__(self, rng=random.SystemRandom()):
        self.name = f"marathon-{os.getpid()}-{rng.randrange(1 << 16):x}"
        self.cable = f"mth{rng.randrange(1 << 32):x}"
        subnet = f"10.{rng.randrange(200, 250)}.{rng.randrange(256)}"
        self.host = f"{subnet}.1"
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{self.host}/30", "dev", self.cable)
        run("ip", "link", "set", self.cable, "up")
        self.prefix = ["ip", "netns", "exec", self.name]
        for words in (("addr", "add", f"{subnet}.2/30", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
            run(*self.prefix, "ip", *words)

    def tell(self, command):
        """Returns the moment at which it holds."""
        run(*self.prefix, "nft", "-f", "-", input=TABLE % WAYS[command])
        return now()

    def close(self):
        subprocess.run(["ip", "link", "del", self.cable], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
