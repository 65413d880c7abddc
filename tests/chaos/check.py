#!/usr/bin/python3
"""The checker: reads what clients were told, what functions did and what Redis holds, and says whether the promises held.

    check.py dump SOCKET DIR     writes DIR/dump.json from the Redis behind that socket; cluster:PORT,PORT,... for the nodes of a cluster
    check.py judge DIR           reads DIR/{events.jsonl,effects.log,dump.json}; prints a JSON verdict; exit 1 for a violation

It shares no code with the engine. Which invariant (coordinator/core/README.md) a violation belongs to stands in front of it. I6 (attempt tokens) cannot
be seen from outside but for this: every accepted result was made by an execution that is on record.
"""

import collections
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
from dump import dump  # noqa: E402

RSS_KIB_MAX = 512 * 1024
FDS_MAX = 16384
SHOWN = 20


class Case:
    """Everything that is known, and what is wrong with it."""

    def __init__(self, folder):
        with open(os.path.join(folder, "events.jsonl")) as f:
            self.log = [json.loads(line) for line in f if line.endswith("\n")]
        with open(os.path.join(folder, "dump.json")) as f:
            self.store = json.load(f)
        self.violations = collections.OrderedDict()
        self.count, self.per = 0, collections.Counter()
        self.begun, self.ended = collections.defaultdict(list), {}
        self.read_effects(os.path.join(folder, "effects.log"))
        self.asked = {}      # key or id -> the line of the ask
        self.told = {}       # task -> key
        self.by_kind = collections.defaultdict(list)
        for line in self.log:
            self.by_kind[line["ev"]].append(line)
        self.read_asks()

    def bad(self, invariant, what):
        self.count += 1
        self.per[invariant] += 1
        if self.count <= SHOWN:
            self.violations[f"{invariant}: {what}"] = None

    def read_effects(self, path):
        if not os.path.exists(path):
            return
        with open(path, "rb") as f:
            lines = f.read().split(b"\n")
        for line in lines:
            if not line.endswith(b" ."):
                continue  # nothing, or what a killed process left of a record
            w = line.decode().split(" ")
            if w[0] == "B":
                saw = dict(s.split("=") for s in w[10].split(",")) if w[10] != "-" else {}
                self.begun[w[2], w[3]].append({"t": int(w[1]) / 1e9, "name": w[4], "attempt": int(w[5]), "key": w[6], "nonce": w[7],
                                               "worker": int(w[8]), "fail": int(w[9]), "saw": saw})
            else:
                self.ended[w[4]] = {"t": int(w[1]) / 1e9, "task": w[2], "step": w[3], "ok": w[5] == "ok"}

    def read_asks(self):
        """I10 is seen here: one key, one task; one task, one key."""
        keys = {}
        for a in self.by_kind["ask"]:
            self.asked[a["key"]] = a
        for t in self.by_kind["told"]:
            if keys.setdefault(t["key"], t["task"]) != t["task"]:
                self.bad("I10", f"key {t['key']} was told {keys[t['key']]} and {t['task']}")
            if self.told.setdefault(t["task"], t["key"]) != t["key"]:
                self.bad("I10", f"{t['task']} was told for the keys {self.told[t['task']]} and {t['key']}")
            asked_id = self.asked.get(t["key"], {}).get("task")
            if asked_id not in (None, t["task"]):
                self.bad("I10", f"asked for {asked_id}, told {t['task']}")

    def steps_of(self, task):
        """step_id -> {name, needs, fail} as the client asked for them; {} for tasks of a row's own."""
        ask = self.asked.get(self.told.get(task))
        return {f"step_{i}": s for i, s in enumerate(ask.get("steps", []))} if ask else {}


def check_fates(c):
    """I1, I12 and what a task may end as."""
    cancels = {e["task"] for e in c.by_kind["cancel"]}
    lenient = {a.get("task") for a in c.asked.values() if a.get("row")}
    waiting = {a.get("task") for a in c.asked.values() if a.get("waits")}
    for task in c.told:
        stored = c.store["tasks"].get(task)
        if stored is None:
            c.bad("I1", f"{task} was accepted and is not in the store")
        elif not stored["ended"] or stored["head"]["state"] not in ("completed", "failed", "cancelled"):
            c.bad("I1", f"{task} was accepted and is {stored['head']['state']}")
        elif task not in lenient:
            state = stored["head"]["state"]
            deaths = max((s["deaths"] for s in stored["steps"].values()), default=0)
            if state == "cancelled" and task not in cancels:
                c.bad("I1", f"{task} is cancelled, which nobody asked for")
            if state == "failed" and deaths < 3:
                c.bad("I1", f"{task} failed: {stored['error']}")
    for p, ids in c.store["live"].items():
        for task in ids:
            if task not in waiting:
                c.bad("I1", f"{task} is still in the live index of {p}")
    for e in c.by_kind["drained"]:
        if e["late"]:
            c.bad("I12", f"clients {e['late']} had not seen the end of their tasks within the time")
    finals = {}
    for e in c.by_kind["final"]:
        if finals.setdefault(e["task"], e["status"]) != e["status"]:
            c.bad("I1", f"{e['task']} was seen {finals[e['task']]} and {e['status']} at its end")
        stored = c.store["tasks"].get(e["task"])
        if stored and stored["head"]["state"] != e["status"]:
            c.bad("I1", f"{e['task']} was seen {e['status']}, the store says {stored['head']['state']}")


def check_documents(c):
    """I2, I3, I8: the checkpoint document against /result, against what clients saw over time, and against what the functions wrote."""
    seen = collections.defaultdict(set)  # (task, name) -> nonces
    for kind in ("status", "saw"):
        for e in c.by_kind[kind]:
            for name, nonce in (e.get("results") or {}).items():
                seen[e["task"], name].add(nonce)
    results = {}
    for task, stored in c.store["tasks"].items():
        if stored["doc"] is None:
            continue
        try:
            doc = json.loads(stored["doc"])
        except ValueError as e:
            c.bad("I2", f"checkpoint:{task} is not JSON: {e}")
            continue
        if doc.get("task_id") != task or not {"step", "results", "timestamp", "state_snapshot"} <= doc.keys():
            c.bad("I2", f"checkpoint:{task} lacks fields: {sorted(doc)}")
            continue
        results[task] = doc["results"]
        done = [s for s in stored["steps"].values() if s["state"] == "completed"]
        if not len(done) == doc["step"] == len(doc["results"]) == stored["head"]["completed"]:
            c.bad("I8", f"{task}: {len(done)} steps completed, the document says {doc['step']} with {len(doc['results'])} results, "
                        f"the head {stored['head']['completed']}")
        check_results(c, task, doc["results"], seen)
    for e in c.by_kind["result"]:
        if results.get(e["task"]) != e["results"]:
            c.bad("I2", f"{e['task']}: /result and the document differ")
    return results


def check_results(c, task, results, seen):
    steps = {s["name"]: step_id for step_id, s in c.steps_of(task).items()}
    for name, step_id in steps.items():
        nonces = seen[task, name]
        if name in results:
            nonce = results[name].get("nonce")
            made = c.ended.get(nonce)
            if made is None or (made["task"], made["step"], made["ok"]) != (task, step_id, True):
                c.bad("I4", f"{task}/{name}: no execution on record made its result {nonce}")
            nonces = nonces | {nonce}
        if len(nonces) > 1:
            c.bad("I2", f"{task}/{name}: its result changed: {sorted(map(str, nonces))}")
        if nonces and name not in results:
            c.bad("I2", f"{task}/{name}: a result was seen that the document has not")


def check_executions(c, results):
    """I3, I4, I5: what functions were given, in which order, under which key. Returns the number of executions beyond the needed."""
    duplicates, keys = 0, {}
    for (task, step_id), runs in c.begun.items():
        if task not in c.store["tasks"] and task not in c.told:
            c.bad("I4", f"{task}/{step_id} was run, and nobody asked for it")
            continue
        if len({b["key"] for b in runs}) != 1:
            c.bad("I4", f"{task}/{step_id} was run under {len({b['key'] for b in runs})} keys")
        if keys.setdefault(runs[0]["key"], (task, step_id)) != (task, step_id):
            c.bad("I4", f"{task}/{step_id} has the key of {keys[runs[0]['key']]}")
        failed = sum(1 for b in runs if not c.ended.get(b["nonce"], {}).get("ok", True))
        duplicates += max(0, len(runs) - 1 - failed)
        wanted = c.steps_of(task).get(step_id)
        for b in runs:
            if b["attempt"] > b["fail"] + 1:
                c.bad("I4", f"{task}/{step_id} was run as attempt {b['attempt']}: something else than its failures was counted")
            if wanted and not set(wanted["needs"]) <= b["saw"].keys():
                c.bad("I5", f"{task}/{step_id} began with the results {sorted(b['saw'])}, it needs {wanted['needs']}")
            for name, nonce in b["saw"].items():
                before = c.ended.get(nonce)
                if before is None or before["task"] != task or before["t"] > b["t"] or not before["ok"]:
                    c.bad("I5", f"{task}/{step_id} was given a result of {name} that no execution had made before")
                final = results.get(task, {}).get(name)
                if final is not None and final.get("nonce") != nonce:
                    c.bad("I3", f"{task}/{step_id} was given another result of {name} than the stored one")
    return duplicates


def check_events(c):
    """I3, I7: the stored stream has no holes and one completion per step; what watchers saw is that stream."""
    types = {}
    for task, stored in c.store["tasks"].items():
        seqs = [e["seq"] for e in stored["events"]]
        if seqs and (seqs != list(range(seqs[0], seqs[0] + len(seqs))) or (seqs[0] != 1 and len(seqs) < 9000)):
            c.bad("I7", f"{task}: the stored events have holes: {seqs[:50]}")
        if any(e["entry"] != f"{e['seq']}-0" for e in stored["events"]):
            c.bad("I7", f"{task}: an event's entry id is not its seq")
        if (seqs[-1] if seqs else 0) != stored["seq"] or stored["seq"] != stored["head"]["seq"]:
            c.bad("I7", f"{task}: last event {seqs[-1:]}, seq {stored['seq']}, in the head {stored['head']['seq']}")
        completions = collections.Counter(e["step"] for e in stored["events"] if e["type"] == "step_completed")
        for step, n in completions.items():
            if n > 1 + stored["steps"].get(f"step_{step}", {}).get("generation", 0):
                c.bad("I3", f"{task}: {n} completion events of step {step}")
        for step_id, s in stored["steps"].items():
            if s["state"] == "completed" and completions[int(step_id[5:])] == 0:
                c.bad("I3", f"{task}/{step_id} is completed without an event")
        if sum(1 for e in stored["events"] if e["type"] == "task_complete") > 1:
            c.bad("I3", f"{task} was completed twice")
        types[task] = {e["seq"]: e["type"] for e in stored["events"]}
    check_watchers(c, types)


def check_watchers(c, types):
    at = {}  # task -> the last seq of the connection; None: any may come
    for e in c.log:
        if e["ev"] == "watch":
            at[e["task"]] = e["after"]
        elif e["ev"] == "watch_ended" and e["code"] == 4404:
            c.bad("I1", f"{e['task']} was accepted, and a watcher was told that it is unknown")
        elif e["ev"] == "saw":
            task, seq, last = e["task"], e["seq"], at.get(e["task"])
            if e["type"] == "gap":
                at[task] = None
                continue
            if e["type"] != "initial_state":
                if last is not None and seq != last + 1:
                    c.bad("I7", f"a watcher of {task} saw seq {seq} ({e['type']}) after {last}")
                if types.get(task, {}).get(seq, e["type"]) != e["type"]:
                    c.bad("I7", f"a watcher of {task} saw {e['type']} as seq {seq}, stored is {types[task][seq]}")
                if task in types and seq > max(types[task], default=0):
                    c.bad("I7", f"a watcher of {task} saw seq {seq}, which is not stored")
            at[task] = seq


def check_progress(c):
    """Progress never goes back within a run."""
    last = {}
    for e in c.by_kind["status"]:
        if e["progress"] < last.get(e["task"], 0) - 1e-9:
            c.bad("I2", f"{e['task']}: progress went from {last[e['task']]} back to {e['progress']}")
        last[e["task"]] = e["progress"]


def check_keys(c):
    """No TTL on live keys, one on each key of what has ended; nothing without its record."""
    for task, stored in c.store["tasks"].items():
        for name, ttl in stored["ttl"].items():
            if stored["ended"] and ttl == -1:
                c.bad("TTL", f"{task} has ended, and its {name} has no TTL")
            if not stored["ended"] and ttl >= 0:
                c.bad("TTL", f"{task} lives, and its {name} has a TTL")
    for task in c.store["docs"]:
        if task not in c.store["tasks"]:
            c.bad("I8", f"checkpoint:{task} without a record")
    owners = collections.Counter(v.split(" ", 1)[1] for v in c.store["idem"].values() if v)
    for task, n in owners.items():
        if n > 1:
            c.bad("I10", f"{n} idempotency keys lead to {task}")
    for e in c.by_kind["live_ttl"]:
        for key in e["bad"]:
            c.bad("TTL", f"{key} of a live task had a TTL")


def check_owners(c):
    """I9, as far as it shows: a partition's epoch never goes back, and an epoch belongs to one nonce."""
    last, nonces = {}, {}
    for e in c.by_kind["owner"]:
        p = e["partition"]
        if e["epoch"] < last.get(p, 0):
            c.bad("I9", f"the epoch of partition {p} went from {last[p]} back to {e['epoch']}")
        last[p] = e["epoch"]
        if nonces.setdefault((p, e["epoch"]), e["nonce"]) != e["nonce"]:
            c.bad("I9", f"epoch {e['epoch']} of partition {p} had two nonces")


def check_bounds(c):
    """I11."""
    peak = {}
    for e in c.by_kind["usage"]:
        role = e["process"].rstrip("0123456789")
        old = peak.get(role, (0, 0))
        peak[role] = (max(old[0], e["rss_kib"]), max(old[1], e["fds"]))
    for role, (rss, fds) in peak.items():
        if role != "redis" and (rss > RSS_KIB_MAX or fds > FDS_MAX):
            c.bad("I11", f"a {role} held {rss} KiB and {fds} descriptors")
    return peak


def judge(folder):
    c = Case(folder)
    for problem in c.store["problems"]:
        c.bad("I8", problem)
    for e in c.by_kind["bad"]:
        c.bad("client", e["what"] + (f" ({e['task']})" if e.get("task") else ""))
    for e in c.by_kind["process_faults"]:
        c.bad("process", "; ".join(e["faults"]))
    check_fates(c)
    results = check_documents(c)
    duplicates = check_executions(c, results)
    check_events(c)
    check_progress(c)
    check_keys(c)
    check_owners(c)
    peak = check_bounds(c)
    states = collections.Counter(t["head"]["state"] for t in c.store["tasks"].values() if "head" in t)
    lost = sum(1 for t in c.told if t not in c.store["tasks"] or not c.store["tasks"][t]["ended"])
    print(json.dumps({
        "verdict": "ok" if c.count == 0 else "VIOLATED", "violation_count": c.count, "violations": list(c.violations),
        "accepted": len(c.told), "lost": lost, "tasks": dict(states),
        "executions": sum(map(len, c.begun.values())), "steps": len(c.begun), "duplicates": duplicates,
        "results_changed": c.per["I2"],
        "applied_twice": c.per["I3"],
        "messages_seen": len(c.by_kind["saw"]), "refused": len(c.by_kind["refused"]), "broken": len(c.by_kind["broken"]),
        "peak_rss_kib": {r: p[0] for r, p in peak.items()}, "peak_fds": {r: p[1] for r, p in peak.items()}}))
    return 0 if c.count == 0 else 1


def main(args):
    if len(args) == 3 and args[0] == "dump":
        dump(args[1], os.path.join(args[2], "dump.json"))
        return 0
    if len(args) == 2 and args[0] == "judge":
        return judge(args[1])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
