"""Watchers with nothing but sockets: a WebSocket client and an event-stream client. Both yield decoded messages and end when the server
does; anything that breaks is an OSError."""

import base64
import http.client
import json
import os
import socket
import struct

PREFIX = "/api/v1"


def read_exactly(file, count):
    data = file.read(count)
    if len(data) < count:
        raise ConnectionError("closed in the middle of a message")
    return data


class WebSocket:
    """`code` is that of the server's close, once it has come."""

    def __init__(self, port, task, after=None, timeout=10):
        self.code = None
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.file = self.socket.makefile("rb")
        path = f"{PREFIX}/ws/marathon/{task}" + (f"?after={after}" if after is not None else "")
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.status = self.file.readline().split(b" ")
        while self.file.readline() not in (b"\r\n", b""):
            pass
        if len(self.status) < 2 or self.status[1] != b"101":
            self.close()
            raise ConnectionError(f"upgrade answered {self.status[1:2]}")

    def send(self, opcode, payload):
        mask = os.urandom(4)
        body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + body)

    def messages(self):
        parts = []
        while True:
            head = read_exactly(self.file, 2)
            opcode, length = head[0] & 15, head[1] & 127
            if length == 126:
                length = struct.unpack(">H", read_exactly(self.file, 2))[0]
            elif length == 127:
                length = struct.unpack(">Q", read_exactly(self.file, 8))[0]
            payload = read_exactly(self.file, length)
            if opcode == 8:
                self.code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                return
            if opcode == 9:
                self.send(10, payload)
            elif opcode < 3:
                parts.append(payload)
                if head[0] & 0x80:
                    text, parts = b"".join(parts), []
                    yield json.loads(text)

    def close(self):
        self.file.close()
        self.socket.close()


class EventStream:
    """`status` is the answer's; 204 says that the task has ended and its final message was seen."""

    def __init__(self, port, task, after=None, timeout=30):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        headers = {"Last-Event-ID": str(after)} if after is not None else {}
        try:
            self.connection.request("GET", f"{PREFIX}/marathon/stream/{task}", headers=headers)
            self.response = self.connection.getresponse()
        except (OSError, http.client.HTTPException) as e:
            self.connection.close()
            raise ConnectionError(str(e)) from e
        self.status = self.response.status
        if self.status not in (200, 204):
            self.close()
            raise ConnectionError(f"stream answered {self.status}")

    def messages(self):
        data = []
        while True:
            try:
                line = self.response.readline()
            except http.client.HTTPException as e:
                raise ConnectionError(str(e)) from e
            if not line:
                return
            line = line.rstrip(b"\r\n")
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif not line and data:
                text, data = b"\n".join(data), []
                yield json.loads(text)

    def close(self):
        self.response.close()
        self.connection.close()
