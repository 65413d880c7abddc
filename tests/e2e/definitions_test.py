"""Pipelines by API and from the command line: versions, checks, starts that pin one; with several coordinators and gateways, over restarts."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402


def step(function="echo", **more):
    return {"name": "a", "function": function, **more}


class Definitions(ClusterCase):
    def setUp(self):
        super().setUp()
        c = self.cluster
        c.write_pipeline("filed", [step(input={"v": "file"})])
        c.start_redis()
        self.coordinators = [c.start_coordinator(1), c.start_coordinator(2)]
        c.start_worker(coordinators=2)
        self.gateways = [c.start_gateway(coordinators=2), c.start_gateway(coordinators=2)]
        until("two share", lambda: c.shares() == [32, 32])

    def put(self, name, steps, gateway=0, **more):
        return self.cluster.call("PUT", f"/pipelines/{name}", {"steps": steps, **more}, port=self.gateways[gateway].port)

    def inputs(self, task_id):
        return self.cluster.wait(task_id)["accumulated_results"]["a"]

    def test_versions_are_stored_shown_and_run(self):
        c = self.cluster
        code, headers, first = self.put("menu", [step(input={"v": 1})], description="a first one")
        self.assertEqual((code, first["version"], first["created"]), (201, 1, True))
        self.assertEqual(headers["Location"], "/api/v1/marathon/pipelines/menu")
        code, _, again = self.put("menu", [step(input={"v": 1}, timeout=600)], description="a first one")
        self.assertEqual((code, again), (200, {**first, "created": False}))
        for v in (2, 3, 4):
            self.assertEqual(self.put("menu", [step(input={"v": v})])[0], 201)
        newest, second = c.get("/pipelines/menu"), c.get("/pipelines/menu?version=2")
        self.assertEqual((newest["version"], newest["steps"][0]["input"]), (4, {"v": 4}))
        self.assertEqual((second["version"], second["steps"][0]["input"]), (2, {"v": 2}))
        self.assertEqual(c.get("/pipelines/menu?version=1")["hash"], first["hash"])
        page = c.get("/pipelines/menu/versions?limit=3")
        self.assertEqual([v["version"] for v in page["items"]], [4, 3, 2])
        self.assertEqual({v["published_by"] for v in page["items"]}, {"anonymous"})
        rest = c.get(f"/pipelines/menu/versions?limit=3&cursor={page['next_cursor']}")
        self.assertEqual(([v["version"] for v in rest["items"]], rest["next_cursor"]), ([1], None))
        self.assertEqual(rest["items"][0]["hash"], first["hash"])
        self.assertEqual(self.put("filed", [step(input={"v": "put"})])[2]["version"], 2)
        self.assertEqual([(p["name"], p["version"]) for p in c.get("/pipelines")["items"]], [("filed", 2), ("menu", 4)])
        self.assertEqual(self.inputs(c.begin(task_type="menu")), {"v": 4})
        self.assertEqual(self.inputs(c.begin(task_type="menu", pipeline_version=2)), {"v": 2})
        for p in self.coordinators:
            p.kill()
            p.start()
        until("the gateway is ready", c.ready)
        until("all partitions are served", c.served)
        self.assertEqual(until("it answers", lambda: c.get("/pipelines/menu"))["version"], 4)
        self.assertEqual(self.inputs(c.begin(task_type="menu", pipeline_version=3)), {"v": 3})
        self.assertEqual(self.inputs(c.begin(task_type="filed")), {"v": "put"}, "a restart does not bring the file's back")
        self.assertEqual(c.get("/pipelines/filed/versions")["items"][1]["published_by"], "a coordinator's files")

    def test_a_start_after_the_201_runs_the_new_version_whoever_owns_it_and_a_running_task_keeps_its_own(self):
        c = self.cluster
        self.put("slow", [{"name": "wait", "wait": {"signal": "go"}}, step(input={"v": 0})])
        waiting = c.begin(task_type="slow", task_id="old")
        until("it waits", lambda: c.get("/status/old")["status"] == "waiting")
        tasks = {}
        for v in range(1, 21):
            self.assertEqual(self.put("fast", [step(input={"v": v})], gateway=v % 2)[0], 201)
            code, _, answer = c.call("POST", "/start", {"task_type": "fast"}, port=self.gateways[(v + 1) % 2].port)
            self.assertEqual(code, 202)
            tasks[answer["task_id"]] = v
        for task_id, v in tasks.items():
            self.assertEqual(self.inputs(task_id), {"v": v})
        self.put("slow", [step(input={"v": 1})])
        c.call("POST", "/signal/old", {"name": "go"})
        self.assertEqual(self.inputs(waiting), {"v": 0})

    def test_what_is_wrong_is_refused_with_its_place_and_stores_nothing(self):
        c = self.cluster
        self.put("menu", [step()])
        bad = [
            ("/pipelines/menu", {"steps": [step(needs=["b"])]}, 422, "INVALID_PIPELINE", "/steps/0/needs/0"),
            ("/pipelines/menu", {"steps": [{"name": "m", "pipeline": "menu"}]}, 422, "INVALID_PIPELINE", "/steps/0/pipeline"),
            ("/pipelines/menu", {"steps": [{"name": "m", "pipeline": "no"}]}, 422, "UNKNOWN_PIPELINE", "/steps/0/pipeline"),
            ("/pipelines/menu", {"name": "fish", "steps": [step()]}, 422, "INVALID_PIPELINE", "/name"),
            ("/pipelines/menu", [step()], 422, "INVALID_PIPELINE", ""),
            ("/pipelines/menu", b"{", 400, "INVALID_JSON", None),
            ("/pipelines/me%20nu", {"steps": [step()]}, 404, "INVALID_ID", None),
        ]
        for path, body, status, code, pointer in bad:
            with self.subTest(body=body):
                answer = c.call("PUT", path, body)
                self.assertEqual((answer[0], answer[2]["code"]), (status, code), answer[2])
                if pointer is not None:
                    self.assertEqual(answer[2]["errors"][0]["pointer"], pointer)
                if pointer is not None and path.endswith("/menu"):
                    checked = c.call("POST", "/pipelines/validate", {"name": "menu", **body} if isinstance(body, dict) else body)
                    self.assertEqual(checked[0], 200 if body in ([step()], bad[3][1]) else 422, checked)
        self.assertEqual(c.get("/pipelines/menu")["version"], 1)
        code, _, valid = c.call("POST", "/pipelines/validate", {"name": "new", "steps": [step(), {"name": "m", "pipeline": "menu"}]})
        self.assertEqual((code, valid["valid"], valid["name"], valid["step_count"]), (200, True, "new", 2))
        self.assertEqual(c.call("GET", "/pipelines/new")[0], 404)
        code, _, valid = c.call("POST", "/pipelines/validate", {"steps": [step()]})  # as PUT takes it, whose path has the name
        self.assertEqual((code, valid["valid"], valid["name"]), (200, True, None))
        self.assertEqual(c.call("PUT", "/pipelines/again", {"description": "d", "budget": {"steps": 9}, "steps": [step()]})[0], 201)
        shown = c.get("/pipelines/again")
        self.assertEqual(shown["budget"], {"steps": 9})
        self.assertEqual(c.call("PUT", "/pipelines/again", shown)[0], 200, "what is shown can be put back, and is the same")
        for query in ("version=0", "version=x", "version=10001"):
            self.assertEqual(c.call("GET", f"/pipelines/menu?{query}")[0], 422)
        self.assertEqual(c.call("GET", "/pipelines/menu?version=7")[2]["code"], "PIPELINE_NOT_FOUND")
        self.assertEqual(c.call("GET", "/pipelines/new/versions")[2]["code"], "PIPELINE_NOT_FOUND")
        self.assertEqual(c.call("GET", "/pipelines/menu/versions?cursor=x")[0], 422)
        code, headers, _ = c.call("DELETE", "/pipelines/menu")
        self.assertEqual((code, headers["Allow"]), (405, "GET, HEAD, PUT"))
        for body, pointer in (({"task_type": "menu", "pipeline_version": 9}, "/pipeline_version"),
                              ({"task_type": "menu", "pipeline_version": 0}, "/pipeline_version"),
                              ({"steps": [step()], "pipeline_version": 1}, "/pipeline_version"),
                              ({"task_type": "no", "pipeline_version": 1}, "/task_type")):
            answer = c.call("POST", "/start", body)
            self.assertEqual((answer[0], answer[2]["errors"][0]["pointer"]), (422, pointer), answer)

    # ---- the command line ----

    def marathon(self, *args, code=0):
        env = self.cluster.env(MARATHON_URL=f"http://127.0.0.1:{self.cluster.port}", LC_ALL="C.UTF-8")
        r = subprocess.run([f"{BIN}/marathon", *args], env=env, capture_output=True, text=True, timeout=60, cwd=self.cluster.dir)
        self.assertEqual(r.returncode, code, r.stderr)
        return r.stderr if code else r.stdout

    def write(self, name, text):
        path = os.path.join(self.cluster.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def test_files_are_checked_stored_in_order_and_drawn(self):
        self.write("defs/a_feast.yaml", "name: feast  # names one that comes later\nsteps:\n  - {name: cake, pipeline: bake}\n")
        self.write("defs/bake.yml", "name: bake\nsteps:\n  - name: a\n    function: echo\n    input: {v: 1}\n")
        self.write("defs/plain.json", json.dumps({"name": "plain", "steps": [step()]}))
        self.write("defs/functions.json", "{}")
        out = self.marathon("pipelines", "apply", "defs")
        self.assertRegex(out, r"(?s)bake +1 +stored +defs/bake.yml\nplain +1 +stored.*feast +1 +stored")
        self.assertRegex(self.marathon("pipelines", "apply", "defs/"), r"(?s)(unchanged +defs/\w+\.\w+\n.*){3}")
        self.write("defs/bake.yml", "name: bake\nsteps:\n  - name: a\n    function: echo\n    input: {v: 2}\n")
        self.assertRegex(self.marathon("pipelines", "apply", "defs/bake.yml"), r"bake +2 +stored")
        self.assertEqual(json.loads(self.marathon("pipelines", "show", "bake", "--version", "1"))["steps"][0]["input"], {"v": 1})
        self.assertEqual(json.loads(self.marathon("pipelines", "bake"))["version"], 2)
        self.assertRegex(self.marathon("pipelines", "versions", "bake"), r"(?m)^2 +20\S+ +anonymous +[0-9a-f]{12}$")
        self.assertEqual(self.marathon("pipelines", "graph", "feast"), "feast version 1: 1 step\n\ncake  pipeline bake\n")
        self.assertIn('"a" [label="a\\necho"];', self.marathon("pipelines", "graph", "bake", "--dot"))
        self.assertEqual(self.marathon("pipelines", "graph", "defs/plain.json"), "plain: 1 step\n\na  echo\n")
        self.assertIn("show", self.marathon("pipelines", "graph", "bake", "-o", "json", code=2))
        checked = [json.loads(line) for line in self.marathon("pipelines", "validate", "defs", "-o", "json").splitlines()]
        self.assertEqual(checked[1], {"file": "defs/bake.yml", "name": "bake", "step_count": 1, "valid": True})
        self.assertEqual(len(checked), 3)
        self.assertRegex(self.marathon("run", "bake", "--version", "1", "--id", "b1"), "completed")
        self.assertEqual(json.loads(self.marathon("result", "b1"))["a"], {"v": 1})

    def test_faults_of_files_are_told_with_line_column_pointer_and_caret(self):
        c = self.cluster
        bad = self.write("bad.yaml", "name: bad\nsteps:\n  - name: a\n    function: echo\n  - name: b\n    function: echo\n    needs: [a, x]\n")
        said = self.marathon("pipelines", "validate", bad, code=2)
        self.assertEqual(said, f'{bad}:7:16: /steps/1/needs/1: there is no step named "x"\n     7 |     needs: [a, x]\n       |                ^\n')
        good = self.write("good.yaml", "name: good\nsteps:\n  - {name: m, pipeline: nowhere}\n")
        self.assertIn("not checked", subprocess.run([f"{BIN}/marathon", "pipelines", "validate", good], capture_output=True, text=True).stderr)
        url = f"http://127.0.0.1:{c.port}"
        said = self.marathon("pipelines", "validate", good, "--server", url, code=3)
        self.assertIn(f"{good}:3:15: /steps/0/pipeline: there is no pipeline with this name: nowhere\n", said)
        said = self.marathon("pipelines", "apply", good, bad, code=2)
        self.assertEqual([p["name"] for p in c.get("/pipelines")["items"]], ["filed"], "nothing is stored where one of them is at fault")
        circle = [self.write(f"{a}.yaml", f"name: {a}\nsteps:\n  - {{name: m, pipeline: {b}}}\n") for a, b in ("xy", "yx")]
        self.assertIn("/steps/0/pipeline: a pipeline must not contain itself: y > x > y", self.marathon("pipelines", "apply", *circle, code=2))
        for text in ("name: [", '{"name": "x", "steps": [}', "a: 1\na: 2\n"):
            path = self.write("broken.yaml" if text[0] != "{" else "broken.json", text)
            said = self.marathon("pipelines", "validate", path, code=2)
            self.assertRegex(said, r"broken\.\w+:\d+:\d+: ")
        self.assertIn("takes files", self.marathon("pipelines", "apply", code=2))
        self.assertIn("cannot be read", self.marathon("pipelines", "validate", "nothing.yaml", code=2))


if __name__ == "__main__":
    unittest.main(verbosity=2)
