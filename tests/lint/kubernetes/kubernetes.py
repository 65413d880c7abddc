#!/usr/bin/python3
"""Renders the overlays of deploy/kubernetes and checks them: their schemas, what they refer to, what a pod of ours must say (check.js).
Then breaks them in many ways: each must be found. Usage: kubernetes.py ROOT

Exits 77, with the reason, where kubectl, node or the packages of package-lock.json are missing
(npm ci --ignore-scripts --prefix tests/lint/kubernetes)."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
OVERLAYS = ("trial", "production")

# (overlay, what stands there, what is put in its place the first time, what the check must say)
BROKEN = (
    ("trial", "  replicas: 2\n", "  replica: 2\n", "/spec/replica: no such field"),
    ("trial", "  replicas: 2\n", "  replicas: two\n", "/spec/replicas must be integer"),
    ("trial", "apiVersion: apps/v1\n", "apiVersion: apps/v3\n", "no such apiVersion and kind"),
    ("trial", "        image: marathon:local\n", "", "lacks an image with a tag"),
    ("trial", "image: marathon:local", "image: marathon", "lacks an image with a tag"),
    ("trial", "containerPort: 7480", "containerport: 7480", "required property containerPort"),
    ("trial", "port: metrics\n          periodSeconds", "port: metric\n          periodSeconds", "livenessProbe: no container has the port metric"),
    ("trial", "readinessProbe:\n          failureThreshold: 2\n          httpGet:\n            path: /livez",
     "readinessProbe:\n          failureThreshold: 2\n          httpGet:\n            path: /readyz", "fails on all gateways at once"),
    ("trial", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "lacks a read-only root"),
    ("trial", "runAsNonRoot: true", "runAsNonRoot: false", "lacks a user that is not root"),
    ("trial", "maxUnavailable: 0", "maxUnavailable: 1", "takes pods away"),
    ("trial", "name: MARATHON_STORE", "name: MARATHON_STOR", "MARATHON_STOR: no program has this setting"),
    ("trial", "  MARATHON_LOG_LEVEL:", "  MARATHON_LOG_LEVELS:", "MARATHON_LOG_LEVELS: no program has this setting"),
    ("trial", "terminationGracePeriodSeconds: 25", "terminationGracePeriodSeconds: 17", "drains 17 s"),
    ("trial", "    app.kubernetes.io/name: marathon-redis\n", "    app.kubernetes.io/name: marathon-rediz\n", "no pod"),
    ("trial", "averageUtilization: 70", "averageUtilisation: 70", "averageUtilisation: no such field"),
    ("trial", "    name: marathon-worker\n", "    name: marathon-workers\n", "no Deployment marathon-workers"),
    ("trial", "policyTypes:\n", "policytypes:\n", "policytypes: no such field"),
    ("production", 'threshold: "4"', 'threshold: "5"', "its threshold is not"),
    ("production", "maxReplicaCount: 32", "maxReplicas: 32", "maxReplicas: no such field"),
    ("production", "pollingInterval: 15", "pollingInterval: often", "must be integer"),
    ("production", "redis.example.internal:6379", "redis.example.internal:6379,b:26380/name", "out to port 26380"),
    ("production", "cidr: 10.0.0.0/8", "cird: 10.0.0.0/8", "required property cidr"),
)


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def settings(root):
    """What the programs' tables name."""
    found = set()
    for top in ("common", "coordinator", "worker", "gateway"):
        for path in (root / top).rglob("*.[ch]"):
            found.update(re.findall(r'\.env = "([A-Z_]+)"', path.read_text()))
    return sorted(found)


def render(root, overlay):
    r = subprocess.run(["kubectl", "kustomize", str(root / "deploy/kubernetes/overlays" / overlay)], capture_output=True, text=True, timeout=60)
    if r.returncode != 0 and "omponent" in r.stderr and ("unknown field" in r.stderr or "invalid Kustomization" in r.stderr):
        skip(f"the kustomize of this kubectl is too old for components: {r.stderr.strip()}")
    if r.returncode != 0:
        sys.exit(f"{overlay}: {r.stderr}")
    return r.stdout


def check(texts, known, folder):
    """The faults of each text."""
    folder = pathlib.Path(folder)
    (folder / "settings.json").write_text(json.dumps(known))
    files = [folder / f"{i}.yaml" for i in range(len(texts))]
    for file, text in zip(files, texts):
        file.write_text(text)
    r = subprocess.run(["node", str(HERE / "check.js"), str(folder / "settings.json"), *map(str, files)], capture_output=True, text=True, timeout=100)
    if r.returncode != 0:
        sys.exit(r.stderr)
    found = json.loads(r.stdout)
    return ["\n".join(found[str(file)]) for file in files]


def main():
    root = pathlib.Path(sys.argv[1])
    for tool in ("kubectl", "node"):
        if shutil.which(tool) is None:
            skip(f"no {tool}")
    if not (HERE / "node_modules/kubernetes-models").is_dir():
        skip("npm's packages are not there: npm ci --ignore-scripts --prefix tests/lint/kubernetes")
    rendered = {name: render(root, name) for name in OVERLAYS}
    unbreakable = [old for name, old, _, _ in BROKEN if old not in rendered[name]]
    if unbreakable:
        sys.exit(f"nothing to break: {unbreakable}")
    texts = list(rendered.values()) + [rendered[name].replace(old, new, 1) for name, old, new, _ in BROKEN]
    with tempfile.TemporaryDirectory() as folder:
        said = check(texts, settings(root), folder)
    bad = [f"{name}: {faults}" for name, faults in zip(rendered, said) if faults]
    bad += [f"{name}: {old.strip()!r} -> {new.strip()!r} is not found; said: {faults}"
            for (name, old, new, expected), faults in zip(BROKEN, said[len(rendered):]) if expected not in faults]
    print("\n".join(bad or [f"{len(rendered)} overlays are right, {len(BROKEN)} ways to break them are found"]))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
