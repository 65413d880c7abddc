#!/usr/bin/python3
"""A small HTTP server for the tests of http functions: prints its port, then answers by path."""
import http.server
import json
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.path
        if path == "/echo":
            seen = {name.lower(): value for name, value in self.headers.items()}
            wanted = ("content-type", "idempotency-key", "x-key", "expect")
            self.answer(200, json.dumps({"envelope": json.loads(body), "headers": {
                name: seen.get(name) for name in wanted}, "peer": self.client_address[1]}).encode())
        elif path.startswith("/status/"):
            self.answer(int(path.split("/")[2]), b"the body says why")
        elif path.startswith("/large/"):
            try:
                self.answer(int(path.split("/")[2]), b"x" * (4 << 20))
            except OSError:
                self.close_connection = True
        elif path == "/busy":
            self.answer(429, b"slow down", [("Retry-After", "7")])
        elif path == "/says":
            self.answer(400, b'{"error":{"code":"QUOTA","message":"no more today","retryable":true,"retry_after":90}}')
        elif path.startswith("/lines"):
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            lines = {"/lines": [b'{"progress":0.25,"message":"a quar', b'ter"}\n{"checkpoint":{"at":1}}\n', b'{"usage":{"cost_usd":0.1}}\nwhat?\n{"checkpoint":{"at":2}}\n',
                                b'{"result":{"n":[1,', b'2]}}\n'],
                     "/lines/none": [b'{"progress":1}\nwhat?\n'],
                     "/lines/error": [b'{"progress":0.5}\n{"error":{"code":"QUOTA","message":"no more today","retryable":false}}\n'],
                     "/lines/cut": [b'{"result":1}\n'],
                     "/lines/huge": [b'{"result":"' + b"x" * (3 << 20)]}[path]
            try:
                for part in lines:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.write(b"" if path == "/lines/cut" else b"0\r\n\r\n")
            except OSError:
                pass
            self.close_connection = path == "/lines/cut"
        elif path == "/costs":
            self.answer(200, b"1", [("Marathon-Usage", '{"model":"m","input_tokens":10,"cost_usd":0.02}'),
                                    ("marathon-usage", '{"model":"n","cost_usd":0.01}'), ("Marathon-Usage", "nonsense")])
        elif path == "/cost_of_failure":
            self.answer(500, b'{"usage":{"cost_usd":0.5}}', [("Marathon-Usage", '{"cost_usd":0.25}')])
        elif path == "/elsewhere":
            self.answer(302, b"", [("Location", "/echo")])
        elif path == "/nonsense":
            self.answer(200, b"<html>")
        elif path == "/huge":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                self.close_connection = True
        elif path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"[1,")
            self.close_connection = True
        elif path == "/hang":
            time.sleep(600)


http.server.ThreadingHTTPServer.request_queue_size = 128  # many come at once, and it may not be its turn
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *_: None  # a worker that hangs up is what some tests want
print(server.server_address[1], flush=True)
sys.stdout.close()
server.serve_forever()
