#!/usr/bin/python3
"""The Debian package's prerm takes back what `systemctl enable` has made: units enabled in a folder by the real systemctl, then prerm itself,
with a systemctl that does the same there; no link may be left. No systemd has to run. Exits 77 where systemctl is missing.
Usage: prerm.py ROOT BUILD"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ENABLED = ("marathon.target", "marathon-coordinator", "marathon-gateway", "marathon-worker@1", "marathon-worker@gpu-2")
# "stop" and "daemon-reload" are for a systemd that runs, perhaps here; only files are looked at.
SYSTEMCTL = """#!/bin/sh
case $1 in
enable | disable) exec {systemctl} --root={root} "$@" ;;
esac
"""


def links(root):
    return sorted(str(p.relative_to(root)) for p in (root / "etc").rglob("*") if p.is_symlink())


def main():
    source, build = map(pathlib.Path, sys.argv[1:])
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        print("SKIPPED: no systemctl")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="marathon-prerm-") as folder:
        root, tools = pathlib.Path(folder, "root"), pathlib.Path(folder, "bin")
        units = root / "usr/lib/systemd/system"
        units.mkdir(parents=True)
        (root / "etc/systemd/system").mkdir(parents=True)
        tools.mkdir()
        for unit in [*(build / "deploy/systemd").glob("*.service"), source / "deploy/systemd/marathon.target"]:
            shutil.copy(unit, units)
        (tools / "systemctl").write_text(SYSTEMCTL.format(systemctl=systemctl, root=root))
        (tools / "find").write_text("#!/bin/sh\n")  # it must not look for files of this machine
        for tool in tools.iterdir():
            tool.chmod(0o755)
        env = {"PATH": str(tools), "LC_ALL": "C.UTF-8"}
        r = subprocess.run([systemctl, f"--root={root}", "enable", *ENABLED], capture_output=True, text=True, timeout=60)
        enabled = links(root)
        if r.returncode != 0 or len(enabled) != len(ENABLED):
            sys.exit(f"not enabled: {r.stderr}{enabled}")
        prerm = ["/bin/sh", str(source / "deploy/systemd/debian/prerm")]
        subprocess.run([*prerm, "upgrade", "2.0"], env=env, check=True, timeout=60)
        problems = [] if links(root) == enabled else ["an upgrade disables units"]
        r = subprocess.run([*prerm, "remove"], env=env, capture_output=True, text=True, timeout=60)
        if r.returncode != 0:
            problems.append(f"prerm ended with {r.returncode}: {r.stderr}")
        problems += [f"prerm leaves {link}" for link in links(root)]
    print("\n".join(problems or [f"prerm takes back all {len(enabled)} links"]))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
