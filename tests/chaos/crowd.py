#!/usr/bin/python3
"""Very many WebSocket watchers of one task in one process. Usage: crowd.py PORT TASK COUNT SHARE_THAT_NEVER_READS

Prints "complete" when all are in and the deaf have something before them that they do not take, and one JSON line after it has watched for
a while: how many of those that read are still there and saw every seq, and are not behind; how many of the deaf are still there."""

import json
import select
import socket
import struct
import sys
import time

WATCHED_S = 20


class Member:
    def __init__(self, port, task, deaf, after):
        self.deaf, self.data, self.last, self.whole, self.upgraded = deaf, b"", after, True, False
        self.gaps = 0
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if deaf else 65536)
        if deaf:  # the sender's kernel buffers by segments: with those of loopback it would swallow megabytes
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.connect(("127.0.0.1", port))
        query = f"?after={after}" if after is not None else ""
        self.socket.sendall(f"GET /api/v1/ws/marathon/{task}{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.socket.setblocking(False)

    def is_in(self):
        """The deaf look at what has come without taking it: with more than the upgrade's answer there, they begin not to take."""
        if self.deaf and not self.upgraded:
            try:
                self.upgraded = len(self.socket.recv(2048, socket.MSG_PEEK)) > 1024
            except BlockingIOError:
                pass
        return self.upgraded

    def frames(self):
        """Whole text frames that have arrived; a member keeps only what is incomplete."""
        while len(self.data) >= 2:
            length, at = self.data[1] & 127, 2
            if length == 126 and len(self.data) >= 4:
                length, at = struct.unpack(">H", self.data[2:4])[0], 4
            elif length == 127 and len(self.data) >= 10:
                length, at = struct.unpack(">Q", self.data[2:10])[0], 10
            elif length > 125:
                return
            if len(self.data) < at + length:
                return
            opcode, payload = self.data[0], bytes(self.data[at:at + length])
            self.data = self.data[at + length:]
            yield opcode, payload

    def take(self, data):
        self.data = bytearray(self.data) + data
        if not self.upgraded:
            head, found, rest = bytes(self.data).partition(b"\r\n\r\n")
            if not found:
                return
            self.upgraded, self.data = head.startswith(b"HTTP/1.1 101"), rest
            self.parts = b""
        for opcode, payload in self.frames():
            if opcode & 15 < 3:
                self.parts += payload
                if opcode & 0x80:
                    text, self.parts = self.parts, b""
                    self.message(text)

    def message(self, text):
        # The large messages are not decoded whole: their seq stands at their end, their type at their beginning.
        kind = text[9:text.index(b'"', 9)].decode()
        if kind == "gap":  # it lagged, and is told so: the state follows
            self.gaps, self.last = self.gaps + 1, None
            return
        seq = int(text[text.rindex(b'"seq":') + 6:].rstrip(b"}"))
        if kind != "initial_state" and (self.last is None or seq != self.last + 1):
            self.whole = False
        self.last = seq


def main(port, task, count, share):
    poll = select.epoll()
    members = {}
    for n in range(count):
        # The deaf, and a few of the others, are sent the large state first; a reader as slow as this one could not take more of it.
        deaf = n % max(1, round(1 / share)) == 0
        m = Member(port, task, deaf, None if deaf or n % 100 == 1 else 1)
        members[m.socket.fileno()] = m
        # The deaf only hear that the connection is gone.
        poll.register(m.socket, (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR) if m.deaf else select.EPOLLIN)
        if n % 50 == 0:
            serve(poll, members, 0)
    while not all(m.is_in() for m in members.values()):
        serve(poll, members, 0.05)
    print("complete", flush=True)
    end = time.monotonic() + WATCHED_S
    while time.monotonic() < end:
        serve(poll, members, 0.2)
    healthy = [m for m in members.values() if not m.deaf]
    newest = max((m.last or 0 for m in healthy), default=0)
    whole = sum(1 for m in healthy if m.whole and (m.last or 0) >= newest - 3)
    print(json.dumps({"in": count, "deaf": len(members) - len(healthy), "healthy": len(healthy), "whole": whole,
                      "gaps": sum(m.gaps for m in healthy), "newest_seq": newest}))


def serve(poll, members, timeout):
    """Reads what is there; who is closed is no member any more."""
    for fd, _ in poll.poll(timeout):
        m = members[fd]
        try:
            data = b"" if m.deaf else m.socket.recv(262144)
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if data:
            m.take(data)
            continue
        poll.unregister(fd)
        m.socket.close()
        del members[fd]


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
