"""A few lines of RESP, enough for a test to talk to Redis. Replies: str for text, list, int, None; errors raise ValueError."""

import socket


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
