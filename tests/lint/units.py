#!/usr/bin/python3
"""The units as systemd reads them: systemd-analyze verify has nothing to say, they need no program that a minimal Debian lacks, and are not
started again where that does not help. Exits 77 where systemd-analyze is missing. Usage: units.py ROOT BUILD"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def faults_of(name, text):
    programs = re.findall(r"^Exec\w+=[-@:+!]*(\S+)", text, re.M)
    faults = [f"{name}: {p} is of another package" for p in programs if p != "/bin/sh" and not pathlib.Path(p).name.startswith("marathon-")]
    if re.findall(r"^RestartPreventExitStatus=(.+)", text, re.M) != ["2 78"]:
        faults.append(f"{name}: it is started again and again after exit codes 2 and 78")
    return faults


def main():
    source, build = (pathlib.Path(p).resolve() for p in sys.argv[1:])
    if shutil.which("systemd-analyze") is None:
        print("SKIPPED: no systemd-analyze")
        sys.exit(77)
    problems = []
    with tempfile.TemporaryDirectory(prefix="marathon-units-") as folder:
        shutil.copy(source / "deploy/systemd/marathon.target", folder)
        for unit in (build / "deploy/systemd").glob("*.service"):
            text = unit.read_text()
            problems += faults_of(unit.name, text)
            # Installed or not: the program is that of this build.
            text = re.sub(r"^ExecStart=\S+/", f"ExecStart={build}/bin/", text, flags=re.M)
            pathlib.Path(folder, unit.name.replace("@.", "@1.")).write_text(text)
        units = sorted(str(p) for p in pathlib.Path(folder).iterdir())
        r = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units], capture_output=True, text=True, timeout=60)
    said = r.stdout + r.stderr
    if len(units) != 4 or r.returncode != 0 or said.strip():
        problems.append(f"systemd-analyze verify of {len(units)} units ended with {r.returncode}: {said}")
    print("\n".join(problems or [f"{len(units)} units are as systemd wants them"]))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
