"""How often a process copies a payload that passes through it, by bench_copies.so preloaded into each of ours. A build with sanitizers
has memcpy of its own, and is not measured."""

import contextlib
import http.client
import http.server
import json
import os
import struct
import threading
import urllib.request

import websocket  # python3-websocket

from engine import TOOLS, Engine, chain, until
from rows import Row

PAYLOAD = 192 << 10  # an input may have 256 KiB
SMALL = 3 << 10  # with its request in one read, of 4 KiB
SOME_OF_A_BATCH = 24 << 10
PART = 24 << 10
SPARE = 0.3  # of a payload: what came of a reply before its length moves, and of a short payload the text around it does
OWN_TEXT = 0.5  # for an answer with much text of its own: the text moves as its buffer doubles, the payloads do not
SHIM = os.path.join(TOOLS, "bench_copies.so")
READ_BYTES = 4 << 10  # what the gateway reads at first
USUAL = 1 << 10  # a result of W1
LARGE, SOME, ALL = 0, 1, 2  # what is counted: pieces of 16 KiB and more, of 2 KiB and more, of 1 KiB and more
WRITTEN = (("writes", PAYLOAD), ("writes_some", PART), ("writes_little", SMALL))  # what a function writes to its output
SHORT_RESULTS = 40  # of SMALL, in an answer of more than 64 KiB

READ = "read to where it is gathered, written from there"
CURL = "gathered out of libcurl's buffer"
KEPT = "kept, and written from there"
LENT = "written from where it was read to"
CALL = "into a text that Redis is written from"
TEXT = "into the text that Redis is written from, and the step"
TOLD = "kept, for Redis and orders"


class Way:
    """What is begun, by one call; how many payloads of what size it moves; how often they pass through each process: in by one way, out by
    another."""

    def __init__(self, name, begin, passes, size=PAYLOAD, count=1, pieces=LARGE, notes=None, spare=SPARE):
        self.name, self.begin, self.passes, self.size, self.count, self.pieces, self.spare = name, begin, passes, size, count, pieces, spare
        self.notes = notes or {}


def pad(size):
    return {"bytes": 8, "pad": "x" * size}


def start(task_type, data, count=1):
    """More than one: all but the first have to wait for the slot."""
    return lambda e: e.end([e.begin(task_type=task_type, input_data=data) for _ in range(count)])


def start_in_chunks(task_type, data, chunk):
    def begin(e):
        text = json.dumps({"task_type": task_type, "input_data": data}).encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", e.port, timeout=30)) as c:
            c.request("POST", "/api/v1/marathon/start", (text[at:at + chunk] for at in range(0, len(text), chunk)), {"Content-Type": "application/json"})
            e.end([json.load(c.getresponse())["task_id"]])
    return begin


def start_in_parts(size):
    """Its first part comes with the head, and is read with it; the rest is on its way."""
    def begin(e):
        text = json.dumps({"task_type": "takes_input", "input_data": pad(size)}).encode()
        head = f"POST /api/v1/marathon/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", e.port, timeout=30)) as c:
            c.connect()
            c.sock.sendall(head + text[:READ_BYTES - len(head)])
            until("the gateway has read it", lambda: unread(c.sock) == 0, 10)
            c.sock.sendall(text[READ_BYTES - len(head):])
            answer = http.client.HTTPResponse(c.sock)
            answer.begin()
            e.end([json.load(answer)["task_id"]])
    return begin


def unread(sock):
    """Bytes that the other end of a connection over loopback has not read: what its socket holds, in /proc/net/tcp."""
    wanted = ["%02X%02X%02X%02X:%04X" % (*reversed([int(b) for b in host.split(".")]), port) for host, port in (sock.getpeername(), sock.getsockname())]
    with open("/proc/net/tcp") as f:
        return next((int(line.split()[4].split(":")[1], 16) for line in f if line.split()[1:3] == wanted), -1)


def batch(count, size):
    return lambda e: e.end(e.begin_batch([{"task_type": "takes_input", "input_data": pad(size)}] * count))


def fork(e):
    if not e.forked:
        e.forked = e.end([e.begin(task_type="takes_input", input_data=pad(8))])
    status, _, answer = e.call("POST", f"/fork/{e.forked[0]}", {"from_step": "a", "input_data": pad(PAYLOAD)})
    assert status == 202, (status, answer)
    e.end([answer["task_id"]])


def fork_result(e):
    """It comes to the client from the task, and goes to the fork and its step."""
    status, _, answer = e.call("POST", f"/fork/{e.forked_result}", {"from_step": "b"})
    assert status == 202, (status, answer)
    e.end([answer["task_id"]])


def fork_results(e):
    """They come from Redis one by one, and go into one text."""
    status, _, answer = e.call("POST", f"/fork/{e.many}", {"from_step": "last"})
    assert status == 202, (status, answer)
    e.end([answer["task_id"]])


def recover_result(e):
    """The step behind it loses its own, and runs again; so does the one that fails."""
    status, _, answer = e.call("POST", f"/recover/{e.failed}", {"from_step": "b"})
    assert status == 202, (status, answer)
    e.end([e.failed])


def recover_input(e):
    status, _, answer = e.call("POST", f"/recover/{e.failed}", {"from_step": "c", "input_data": pad(PAYLOAD)})
    assert status == 202, (status, answer)
    e.end([e.failed])


def recover_told(e):
    """The step that fails has a checkpoint, and fails without telling one."""
    status, _, answer = e.call("POST", f"/recover/{e.told_much}", {})
    assert status == 202, (status, answer)
    e.end([e.told_much])


def recover_both(e):
    """A result goes away, so that the one that stays is read."""
    status, _, answer = e.call("POST", f"/recover/{e.failed}", {"from_step": "b", "input_data": pad(PAYLOAD)})
    assert status == 202, (status, answer)
    e.end([e.failed])


def start_unread(e):
    """Of a version that is not the newest, and that nobody has asked for yet: the start is kept until it is read."""
    for _ in range(2):
        e.puts += 1
        status, _, answer = e.call("PUT", "/pipelines/put", {"description": str(e.puts), "steps": [{"name": "a", "function": "stamp"}]})
        assert status == 201, (status, answer)
    e.end([e.begin(task_type="put", pipeline_version=e.puts - 1, input_data=pad(PAYLOAD))])


def give(e):
    e.results += e.end([e.begin(task_type="gives_result")])


def short_results(e, begin):
    """What `begin` does with a task that has ended with them."""
    if not e.short:
        e.short = e.end([e.begin(task_type="gives_short_results")])
    begin(e.short[0])


def watch_socket(e, task):
    got = websocket.create_connection(f"ws://127.0.0.1:{e.port}/api/v1/ws/marathon/{task}", timeout=30)
    messages = []
    with contextlib.suppress(websocket.WebSocketConnectionClosedException):
        while got.connected and (text := got.recv()):
            messages.append(text)
    got.close()
    assert len(messages) == 2 and min(map(len, messages)) > SHORT_RESULTS * SMALL, [m[:100] for m in messages]


def watch_stream(e, task):
    with urllib.request.urlopen(f"http://127.0.0.1:{e.port}/api/v1/marathon/stream/{task}", timeout=30) as r:
        assert len(r.read()) > 2 * SHORT_RESULTS * SMALL


BURST = 8
WAYS = [
    Way("an input, from client to step", start("takes_input", pad(PAYLOAD)), {"gateway": 0, "coordinator": 1, "worker": 0},
        notes={"gateway": READ, "coordinator": TEXT}),
    Way("an input by expressions, from client to step", start("takes_rendered", {**pad(PAYLOAD // 2), "text": "\n" * (PAYLOAD // 4)}),
        {"gateway": 0, "coordinator": 1, "worker": 0}, notes={"gateway": READ, "coordinator": TEXT}),
    Way("an eighth of an input, by an expression", start("takes_part", {"pad": "x" * (7 * PART), "text": "x" * PART}), {"coordinator": 8}, PART,
        notes={"coordinator": f"all of it {TEXT}"}),
    Way("an input, with the reads", start("takes_input", pad(PAYLOAD)), {"gateway": 0}, pieces=SOME, notes={"gateway": READ}),
    Way("an input in chunks, with the reads", start_in_chunks("takes_input", pad(PAYLOAD), 48 << 10), {"gateway": 0}, pieces=SOME,
        notes={"gateway": READ}),
    Way("an input in chunks of 12 KiB, with the reads", start_in_chunks("takes_input", pad(PAYLOAD), 12 << 10), {"gateway": 0}, pieces=SOME,
        notes={"gateway": READ}),
    Way("an input of 5 KiB in two reads", start_in_parts(5 << 10), {"gateway": 0}, 5 << 10, pieces=SOME, notes={"gateway": READ}),
    Way("an input in one read", start("takes_input", pad(SMALL)), {"gateway": 1}, SMALL, pieces=SOME),
    Way("an input of a batch in one read", batch(1, SMALL), {"gateway": 1}, SMALL, pieces=SOME),
    Way("inputs of a batch", batch(8, SOME_OF_A_BATCH), {"gateway": 0}, SOME_OF_A_BATCH, 8, pieces=SOME, notes={"gateway": READ}),
    Way("large inputs of a batch", batch(6, 140 << 10), {"gateway": 0, "coordinator": 1}, 140 << 10, 6, pieces=SOME,
        notes={"gateway": READ, "coordinator": TEXT}),
    Way("short inputs of a batch", batch(60, SMALL), {"gateway": 0}, SMALL, 60, pieces=SOME, notes={"gateway": READ}),
    Way("an input of a fork", fork, {"gateway": 0}, pieces=SOME, notes={"gateway": READ}),
    Way("a result that a fork takes over", fork_result, {"coordinator": 1}, notes={"coordinator": TEXT}),
    Way("short results that a fork takes over", fork_results, {"coordinator": 1}, SMALL, SHORT_RESULTS, pieces=SOME, notes={"coordinator": TEXT}),
    Way("a result that a recover takes over", recover_result, {"coordinator": 1}, notes={"coordinator": TEXT}),
    Way("an input of a recover", recover_input, {"gateway": 0, "coordinator": 1}, notes={"coordinator": f"before a read, {TEXT}"}),
    Way("an input of a recover and a result that stays", recover_both, {"gateway": 0, "coordinator": 1}, count=2,
        notes={"coordinator": TEXT}),
    Way("an input of a start whose pipeline is read first", start_unread, {"gateway": 0, "coordinator": 1},
        notes={"coordinator": f"before the read, {TEXT}"}),
    Way("inputs that wait for a slot", start("takes_slowly", pad(PAYLOAD), BURST), {"worker": 1}, count=BURST),
    Way("a result, from step to Redis", give, {"worker": 0, "coordinator": 1}, notes={"worker": LENT}),
    Way("W1's results, to Redis and each later step", start("w1", {}), {"gateway": 0, "coordinator": 1, "worker": 0}, USUAL, 5, pieces=ALL,
        notes={"coordinator": TEXT, "worker": LENT}),
    Way("a function's result", start("writes_little", {}), {"worker": 0}, SMALL, pieces=SOME, notes={"worker": LENT}),
    Way("a function's result of 24 KiB", start("writes_some", {}), {"worker": 0}, PART, pieces=SOME, notes={"worker": LENT}),
    Way("a function's result, with the reads", start("writes", {}), {"worker": 0}, pieces=SOME, notes={"worker": LENT}),
    Way("a result over HTTP, with the reads", start("gives_over_http", {}), {"worker": 1}, pieces=SOME, notes={"worker": CURL}),
    Way("a checkpoint, told by a function", start("tells", {}), {"worker": 0}, pieces=SOME, notes={"worker": LENT}),
    Way("a short checkpoint, told by a function", start("tells_little", {}), {"worker": 0}, SMALL, pieces=SOME, notes={"worker": LENT}),
    Way("a checkpoint among other lines", start("tells_more", {}), {"worker": 0}, SMALL, pieces=SOME, notes={"worker": LENT}),
    Way("a checkpoint that is made durable", start("tells_much_and_fails", {}), {"coordinator": 1}, pieces=SOME,
        notes={"coordinator": TOLD}),
    Way("a checkpoint, to Redis and the next attempt", start("tells_and_goes_on", {}), {"coordinator": 1}, pieces=SOME,
        notes={"coordinator": TOLD}),
    Way("a checkpoint that a recover takes over", recover_told, {"coordinator": 1}, pieces=SOME,
        notes={"coordinator": "kept, for the order and Redis"}),
    Way("a result, to Redis and the next step", start("hands_on", {"bytes": 8}), {"worker": 0, "coordinator": 1},
        notes={"worker": LENT, "coordinator": TEXT}),
    Way("an item's input, to Redis and its order", start("spreads", {"list": ["x" * SMALL] * SHORT_RESULTS}), {"coordinator": 1, "worker": 1}, SMALL,
        SHORT_RESULTS, pieces=SOME, notes={"coordinator": f"the list {TEXT}; {LENT}"}),
    Way("an item's input of 24 KiB, to Redis and its order", start("spreads", {"list": ["x" * PART] * BURST}), {"coordinator": 1, "worker": 1}, PART,
        BURST, notes={"coordinator": f"the list {TEXT}; {LENT}"}),
    Way("an item's result, to Redis and the join", start("fans", {"list": list(range(SHORT_RESULTS))}), {"worker": 0, "coordinator": 1}, SMALL,
        SHORT_RESULTS, pieces=SOME, notes={"coordinator": CALL}),
    Way("an item's result of 24 KiB, to Redis and the join", start("fans_much", {"list": list(range(BURST))}), {"worker": 0, "coordinator": 1}, PART,
        BURST, notes={"coordinator": CALL}),
    Way("an input of a pipeline within, by expressions", start("nests", pad(PAYLOAD)), {"coordinator": 2},
        notes={"coordinator": f"{TEXT}; put together, and read and written from there"}),
    Way("a result of a pipeline within", start("joins", {"bytes": 8}), {"coordinator": 2},
        notes={"coordinator": f"{TEXT}; likewise, out of that of its step"}),
    Way("a list that an expression makes", start("makes_list", pad(PAYLOAD)), {"coordinator": 2},
        notes={"coordinator": f"{TEXT}; made, and written from there"}),
    Way("a text that an expression makes", start("makes_text", pad(PAYLOAD)), {"coordinator": 2},
        notes={"coordinator": f"{TEXT}; made, and written from there"}),
    Way("a list within a text", start("makes_note", {"list": ["x"] * (PART // 5)}), {"coordinator": 1}, PART, pieces=SOME,
        notes={"coordinator": f"{TEXT}; put there piece by piece"}),
    Way("a result, from Redis to client", lambda e: e.get(f"/result/{e.results.pop()}"), {"coordinator": 0, "gateway": 1},
        notes={"coordinator": LENT}),
    Way("short results of a long answer", lambda e: short_results(e, lambda t: e.get(f"/result/{t}")), {"gateway": 1}, SMALL, SHORT_RESULTS,
        pieces=SOME, notes={"gateway": KEPT}),
    Way("short results of a long status", lambda e: short_results(e, lambda t: e.get(f"/status/{t}")), {"gateway": 1}, SMALL, SHORT_RESULTS,
        pieces=SOME, notes={"gateway": KEPT}, spare=OWN_TEXT),
    Way("items of a page", lambda e: e.get(f"/tasks/{e.fanned}/steps/each/items"), {"coordinator": 0, "gateway": 1}, SMALL, SHORT_RESULTS,
        pieces=ALL, notes={"coordinator": LENT}),
    Way("a checkpoint in a status", lambda e: e.get(f"/status/{e.told}"), {"coordinator": 1, "gateway": 1}, SMALL, pieces=SOME,
        notes={"coordinator": "kept, and written from there"}),
    Way("a checkpoint in a history", lambda e: e.get(f"/history/{e.told_durably}"), {"gateway": 1}, SMALL, pieces=SOME),
    Way("short results of a WebSocket's two messages", lambda e: short_results(e, lambda t: watch_socket(e, t)), {"gateway": 1}, SMALL,
        SHORT_RESULTS, pieces=SOME, notes={"gateway": KEPT}, spare=OWN_TEXT),
    Way("short results of an event stream's two messages", lambda e: short_results(e, lambda t: watch_stream(e, t)), {"gateway": 1}, SMALL,
        SHORT_RESULTS, pieces=SOME, notes={"gateway": KEPT}, spare=OWN_TEXT),
]


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps("x" * (PAYLOAD - 2)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class CopyEngine(Engine):
    def __init__(self):
        super().__init__("everysec", PAYLOAD)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.functions.append(os.path.join(self.dir, "copied.json"))
        with open(self.functions[-1], "w") as f:
            json.dump({"functions": {"slow": {"exec": ["/bin/sh", "-c", "sleep 0.03; cat > /dev/null; echo 1"]},
                                     "tells_and_fails": {"exec": ["/bin/sh", "-c", f"cat > /dev/null; cat {self.dir}/little >&3; exit 65"]},
                                     "tells_much_and_fails": {"exec": ["/bin/sh", "-c", f"cat > /dev/null; cat {self.dir}/told >&3; exit 65"]},
                                     **{name: {"exec": ["/bin/sh", "-c", f'case "$(cat)" in *xxxx*) {told};; esac; cat {self.dir}/told >&3; exit {end}']}
                                        for name, told, end in (("tells_and_goes_on", "echo 1; exit 0", 75), ("tells_once_and_fails", "exit 65", 65))},
                                     "tells_and_stays": {"exec": ["/bin/sh", "-c", f"cat > /dev/null; cat {self.dir}/little >&3; sleep 1.5; echo 1"]},
                                     "fails": {"exec": ["/bin/sh", "-c", "exit 65"]},
                                     "http": {"http": f"http://127.0.0.1:{self.server.server_port}/"},
                                     **{name: {"exec": ["/bin/sh", "-c", f"cat > /dev/null; cat {self.dir}/{name} >&3; echo 1"]}
                                        for name in ("told", "little", "more")},
                                     **{name: {"exec": ["/bin/sh", "-c", f"cat > /dev/null; cat {self.dir}/{name}"]} for name, _ in WRITTEN}}}, f)
        for name, size in WRITTEN:
            with open(os.path.join(self.dir, name), "w") as f:
                json.dump("x" * size, f)
            self.write_pipeline(name, [{"name": "a", "function": name}])
        some = json.dumps({"progress": 0.5}) + "\n"
        for name, size, others in (("told", PAYLOAD, ""), ("little", SMALL, ""), ("more", SMALL, some)):
            with open(os.path.join(self.dir, name), "w") as f:
                f.write(others + json.dumps({"checkpoint": "x" * size}) + "\n" + others)
        self.write_pipeline("takes_input", [{"name": "a", "function": "stamp"}])
        self.write_pipeline("takes_rendered", [{"name": "a", "function": "stamp", "input": {
            "bytes": 8, "pad": "${input.pad}", "note": "it is: ${input.text}", "of": "${task.id}"}}])
        self.write_pipeline("takes_slowly", [{"name": "a", "function": "slow"}])
        self.write_pipeline("w1", chain(5, USUAL))
        self.write_pipeline("gives_result", chain(1, PAYLOAD))
        self.write_pipeline("gives_short_results", chain(SHORT_RESULTS, SMALL))
        self.write_pipeline("gives_over_http", [{"name": "a", "function": "http"}])
        self.write_pipeline("tells", [{"name": "a", "function": "told"}])
        self.write_pipeline("tells_little", [{"name": "a", "function": "little"}])
        self.write_pipeline("tells_more", [{"name": "a", "function": "more"}])
        self.write_pipeline("hands_on", [*chain(1, PAYLOAD), {"name": "b", "function": "stamp", "needs": ["s0"]}])
        self.write_pipeline("hands_on_and_fails", [*chain(1, PAYLOAD), {"name": "b", "function": "stamp", "needs": ["s0"], "input": {"bytes": 8}},
                                                   {"name": "c", "function": "fails", "needs": ["b"]}])
        self.write_pipeline("fans", [{"name": "each", "function": "stamp", "for_each": "${input.list}", "input": {"bytes": SMALL}}])
        self.write_pipeline("fans_much", [{"name": "each", "function": "stamp", "for_each": "${input.list}", "input": {"bytes": PART}}])
        self.write_pipeline("spreads", [{"name": "each", "function": "stamp", "for_each": "${input.list}", "input": {"bytes": 8, "text": "${item}"}}])
        self.write_pipeline("nests", [{"name": "within", "input": {"bytes": 8, "list": ["${input.pad}"]}, "pipeline": {
            "steps": [{"name": "a", "function": "stamp", "input": {"bytes": 8, "text": "${input.list[0]}"}}]}}])
        self.write_pipeline("joins", [{"name": "within", "pipeline": {"steps": chain(1, PAYLOAD)}}])
        self.write_pipeline("makes_list", [{"name": "a", "function": "stamp", "input": {"bytes": 8, "list": "${[input.pad]}"}}])
        self.write_pipeline("makes_text", [{"name": "a", "function": "stamp", "input": {"bytes": 8, "text": "${input.pad + '!'}"}}])
        self.write_pipeline("makes_note", [{"name": "a", "function": "stamp", "input": {"bytes": 8, "text": "it is: ${input.list}"}}])
        self.write_pipeline("takes_part", [{"name": "a", "function": "stamp", "input": {"bytes": 8, "text": "${input.text}"}}])
        self.write_pipeline("gives_many", [*chain(SHORT_RESULTS, SMALL), {"name": "last", "function": "stamp", "input": {"bytes": 8}}])
        self.write_pipeline("tells_and_fails", [{"name": "a", "function": "tells_and_fails"}])
        self.write_pipeline("tells_and_stays", [{"name": "a", "function": "tells_and_stays"}])
        self.write_pipeline("tells_much_and_fails", [{"name": "a", "function": "tells_much_and_fails"}])
        self.write_pipeline("tells_and_goes_on", [{"name": "a", "function": "tells_and_goes_on", "retry": {"initial": 0.01}}])
        self.write_pipeline("tells_once_and_fails", [{"name": "a", "function": "tells_once_and_fails"}])
        self.copies_dir = os.path.join(self.dir, "copies")
        os.mkdir(self.copies_dir)
        self.results = []  # tasks with one of PAYLOAD
        self.short = []  # the task with short results
        self.forked = []  # the task that forks are of
        self.puts = 0  # versions of a pipeline

    def begin_counted(self):
        shim = {"LD_PRELOAD": SHIM, "COPIES_DIR": self.copies_dir}
        self.start_redis()
        self.start_coordinator(**shim)
        self.start_worker(1, **shim)
        self.start_gateway(**shim)
        for _ in range(3):  # the worker is given orders beyond its slot while its steps are quick
            batch(8, 8)(self)
        self.forked_result = self.end([self.begin(task_type="hands_on", input_data={"bytes": 8})])[0]  # of forks that take over its result
        self.many = self.end([self.begin(task_type="gives_many", input_data={})])[0]  # and of those that take over many
        self.failed = self.end([self.begin(task_type="hands_on_and_fails", input_data={"bytes": 8})])[0]  # it is recovered
        self.fanned = self.end([self.begin(task_type="fans", input_data={"list": list(range(SHORT_RESULTS))})])[0]
        self.told = self.end([self.begin(task_type="tells_and_fails", input_data={})])[0]
        self.told_much = self.end([self.begin(task_type="tells_once_and_fails", input_data={})])[0]
        self.told_durably = self.end([self.begin(task_type="tells_and_stays", input_data={}, checkpoint_interval_seconds=1)])[0]

    def begin_batch(self, tasks):
        status, _, answer = self.call("POST", "/start/batch", {"tasks": tasks})
        assert status == 200, (status, answer)
        return [t["task_id"] for t in answer]

    def end(self, ids):
        """Waits for them; told by Redis, since a status would be one more way of their payloads."""
        for task in ids:
            until("it has ended", lambda t=task: self.redis("HEXISTS", f"marathon:task:{t}", "end") == "1", 10)
        return ids

    def copied(self, pieces):
        """Bytes, by role."""
        found = {}
        for p in self.ours():
            with open(os.path.join(self.copies_dir, str(p.popen.pid)), "rb") as f:
                found[p.name.rstrip("0123456789")] = struct.unpack("QQQ", f.read(24))[pieces]
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        return super().close()


def way_rows(e, way, times):
    before = e.copied(way.pieces)
    for _ in range(times):
        way.begin(e)
    after = e.copied(way.pieces)
    return [Row(f"copies, {way.name}: {role}", "x payload", [(after[role] - before[role]) / times / way.count / way.size], passes + way.spare,
                False, way.notes.get(role, "")) for role, passes in way.passes.items()]


def copies(o):
    if not os.path.exists(SHIM):
        return []
    rows = []
    with CopyEngine() as e:
        e.begin_counted()
        for way in WAYS:
            rows += way_rows(e, way, 4 if o.short else 40)
    return rows
