"""A few lines of RESP, enough for a test to talk to Redis, or to the nodes of a cluster. Replies: str for text, list, int, None; errors raise ValueError."""

import socket
import time


class Redis:
    """path: of a socket, or (host, port)."""

    def __init__(self, path, timeout=5):
        self.socket = socket.socket(socket.AF_INET if isinstance(path, tuple) else socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def __del__(self):
        self.socket.close()

    @staticmethod
    def encode(command):
        parts = [p if isinstance(p, bytes) else str(p).encode() for p in command]
        return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)

    def reply(self, raw):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise ValueError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            data = self.file.read(int(rest) + 2)[:-2]
            return data if raw else data.decode(errors="replace")
        return None if rest == b"-1" else [self.reply(raw) for _ in range(int(rest))]

    def call(self, *command, raw=False):
        self.socket.sendall(self.encode(command))
        return self.reply(raw)

    def pipeline(self, commands, raw=False):
        """Errors are raised after all replies were read."""
        self.socket.sendall(b"".join(self.encode(c) for c in commands))
        replies, error = [], None
        for _ in commands:
            try:
                replies.append(self.reply(raw))
            except ValueError as e:
                error = e
        if error:
            raise error
        return replies


SLOTS = 16384


def slot_of(key):
    """CRC-16/XMODEM of the part in braces, where there is one."""
    begin = key.find("{")
    end = key.find("}", begin + 1)
    if begin >= 0 and end > begin + 1:
        key = key[begin + 1:end]
    crc = 0
    for byte in key.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xffff
    return crc % SLOTS


def partition_slot(p):
    return slot_of(f"{{p{p:02}}}")


class ClusterClient:
    """Looks like a Redis for commands with one key, the first argument."""

    def __init__(self, ports, timeout=5):
        self.ports, self.timeout, self.links, self.map = list(ports), timeout, {}, {}

    def link(self, port):
        if port not in self.links:
            self.links[port] = Redis(("127.0.0.1", port), self.timeout)
        return self.links[port]

    def masters(self):
        """Ports of those with slots, and which; asked of the first node that answers."""
        for port in self.ports:
            try:
                ranges = self.link(port).call("CLUSTER", "SLOTS")
                return {r[2][1]: [x[:2] for x in ranges if x[2][1] == r[2][1]] for r in ranges}
            except (OSError, EOFError, ValueError):
                self.links.pop(port, None)
        raise OSError("no node of the cluster answers")

    def port_of(self, slot):
        found = next((p for p, ranges in self.map.items() if any(a <= slot <= b for a, b in ranges)), None)
        if found is None:
            self.map = self.masters()
            found = next(p for p, ranges in self.map.items() if any(a <= slot <= b for a, b in ranges))
        return found

    def call(self, *command, raw=False):
        port, asking = self.port_of(slot_of(command[1])), False
        for _ in range(200):
            try:
                if asking:
                    self.link(port).call("ASKING")
                return self.link(port).call(*command, raw=raw)
            except ValueError as e:
                word, *rest = str(e).split()
                if word in ("MOVED", "ASK"):
                    port, asking = int(rest[1].rsplit(":", 1)[1]), word == "ASK"
                    self.map = self.map if asking else {}
                elif word in ("TRYAGAIN", "CLUSTERDOWN"):
                    time.sleep(0.02)
                else:
                    raise
            except (OSError, EOFError):
                self.links.pop(port, None)
                raise
        raise ValueError(f"{command[:2]}: sent from node to node")

    def pipeline(self, commands, raw=False):
        return [self.call(*c, raw=raw) for c in commands]

    def keys(self, pattern):
        found = set()
        for port in self.masters():
            cursor = "0"
            while True:
                cursor, page = self.link(port).call("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
                found.update(page)
                if cursor == "0":
                    break
        return sorted(found)
