#!/usr/bin/python3
"""Very many WebSocket watchers of one task in one process. Usage: crowd.py PORT TASK COUNT SHARE_THAT_NEVER_READS

Prints "complete" when all are in, and one JSON line once the healthy ones have seen the end: how many saw every seq from their state to the
final message."""

import json
import select
import socket
import struct
import sys
import time

FINAL = ("task_complete", "task_error", "task_cancelled")


class Member:
    def __init__(self, port, task, deaf, after):
        self.deaf, self.data, self.last, self.whole, self.ended, self.upgraded = deaf, b"", after, True, False, False
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if deaf else 65536)
        if deaf:  # the sender's kernel buffers by segments: with those of loopback it would swallow megabytes
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.connect(("127.0.0.1", port))
        query = f"?after={after}" if after is not None else ""
        self.socket.sendall(f"GET /api/v1/ws/marathon/{task}{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.socket.setblocking(False)

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
        seq = int(text[text.rindex(b'"seq":') + 6:].rstrip(b"}"))
        kind = text[9:text.index(b'"', 9)].decode()
        if kind == "gap":
            self.whole = False
        elif kind != "initial_state" and seq != (self.last or 0) + 1:
            self.whole = False
        self.last = seq
        self.ended = self.ended or kind in FINAL


def main(port, task, count, share):
    poll = select.epoll()
    members = {}
    for n in range(count):
        # The deaf, and a few of the others, are sent the large state first.
        deaf = n % max(1, round(1 / share)) == 0
        m = Member(port, task, deaf, None if deaf or n % 20 == 1 else 1)
        members[m.socket.fileno()] = m
        # The deaf only hear that the connection is gone.
        poll.register(m.socket, (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR) if m.deaf else select.EPOLLIN)
        if n % 50 == 0:
            serve(poll, members, 0)
    print("complete", flush=True)
    left = sum(1 for m in members.values() if not m.deaf)
    result = {"healthy": left, "healthy_whole": 0, "deaf": len(members) - left}
    end = time.monotonic() + 90
    while left > 0 and time.monotonic() < end:
        for m in serve(poll, members, 0.2):
            if not m.deaf:
                left -= 1
                result["healthy_whole"] += m.ended and m.whole
    print(json.dumps(result))


gone_early = []


def serve(poll, members, timeout):
    """Reads what is there; the members whose connection has ended."""
    gone, gone_early[:] = list(gone_early), []
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
        gone.append(m)
    if timeout == 0:
        gone_early[:] = gone
        return []
    return gone


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
