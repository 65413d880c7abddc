"""Runs functions by hand, as a worker would: an envelope on stdin, one JSON value on stdout, news
on fd 3, an exit status."""
import collections
import json
import os
import pathlib
import re
import subprocess
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MARATHON_BUILD") or REPOSITORY / "build" / "release")
PIPELINES = REPOSITORY / "deploy" / "pipelines"
SAMPLES = REPOSITORY / "deploy" / "samples"
SECONDS_MAX = 120

Outcome = collections.namedtuple("Outcome", "status stdout stderr news")


def functions():
    """What the worker's configuration of the build offers: function -> {"exec": argv} or {"plugin":
    path}."""
    return json.loads((BUILD / "pipelines" / "functions.json").read_text())["functions"]


def pipeline(name):
    return json.loads((PIPELINES / f"{name}.json").read_text())


def sample_input(name):
    return json.loads((SAMPLES / "inputs" / f"{name}.json").read_text())


def envelope(value=None, results=None, **more):
    return {
        "task_id": "task_1",
        "step_id": "step_0",
        "name": "by_hand",
        "attempt": 1,
        "idempotency_key": "key_1",
        "input": value if value is not None else {},
        "results": results or {},
        "progress_checkpoint": None,
        **more,
    }


def call_raw(function, stdin, environment=None, fd3=True):
    """One execution with exactly these bytes on stdin."""
    offered = functions()[function]
    if "plugin" in offered:
        argv = [str(BUILD / "tests" / "plugin_call"), offered["plugin"], function]
    else:
        argv = offered["exec"]
    return call_program(argv, stdin, environment, fd3)


def call_program(argv, stdin, environment=None, fd3=True):
    """The same of any program."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("MARATHON_")},
        **(environment or {}),
    }
    with tempfile.TemporaryFile() as news:
        # subprocess cannot give a child a chosen descriptor; a shell in between can.
        shell = [
            "/bin/sh",
            "-c",
            'exec "$@" 3>&%d' % news.fileno() if fd3 else 'exec "$@" 3>&-',
            "sh",
        ]
        done = subprocess.run(
            shell + argv,
            input=stdin,
            capture_output=True,
            env=environment,
            timeout=SECONDS_MAX,
            pass_fds=(news.fileno(),),
            check=False,
        )
        news.seek(0)
        lines = [json.loads(line) for line in news.read().splitlines()]
    return Outcome(done.returncode, done.stdout, done.stderr.decode(), lines)


def call(function, value=None, results=None, environment=None, fd3=True, **more):
    return call_raw(
        function, json.dumps(envelope(value, results, **more)).encode(), environment, fd3
    )


def filled(value, roots):
    """The value with its expressions replaced. Only paths, as strings of their own: what the
    restaurant pipelines use."""
    if isinstance(value, dict):
        return {key: filled(v, roots) for key, v in value.items()}
    if not isinstance(value, str) or "${" not in value:
        return value
    path = re.fullmatch(r"\$\{([\w.]+)\}", value)[1].split(".")
    found = roots
    for key in path:
        found = found[key]
    return found


def run_step(number, step, value, known):
    """A step's result; of one with for_each the list of its items' results."""
    roots = {"input": value, "steps": {name: {"result": r} for name, r in known.items()}}
    templates = "${" in json.dumps(step.get("input", {}))
    entries = filled(step["for_each"], roots) if "for_each" in step else [None]
    made = []
    for entry in entries:
        outcome = call(
            step["function"],
            filled(step["input"], {**roots, "item": entry}) if "input" in step else value,
            {} if templates else known,
            step_id=f"step_{number}",
            name=step["name"],
        )
        if outcome.status != 0:
            raise AssertionError(f"{step['name']}: exit {outcome.status}: {outcome.stderr}")
        made.append(json.loads(outcome.stdout))
    return made if "for_each" in step else made[0]


def run_pipeline(name, value=None):
    """Runs a pipeline's steps one after the other in the order of the file, each with the results
    of its ancestors only."""
    steps, results, ancestors = pipeline(name)["steps"], {}, {}
    for number, step in enumerate(steps):
        needs = step.get("needs", [steps[number - 1]["name"]] if number else [])
        ancestors[step["name"]] = set(needs).union(*(ancestors[n] for n in needs))
        known = {n: results[n] for n in results if n in ancestors[step["name"]]}
        results[step["name"]] = run_step(number, step, value, known)
    return results
