"""A program as somebody starts it in a terminal, and what its screen shows."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time


def environment(**more):
    """Of this process, without settings of ours."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MARATHON_") and k not in ("REDIS_URL", "NO_COLOR")}
    env.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", **more})
    return env


def terminals_here():
    """Is there a pseudo terminal to be had? Not in a chroot without /dev/pts."""
    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError:
        return False
    return True


CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Terminal:
    def __init__(self, argv, env, rows, columns):
        self.raw = b""
        self.code = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Before the program looks: who asks for the size first would otherwise be a matter of luck.
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(argv[0], argv, env)

    @property
    def text(self):
        return self.raw.decode(errors="replace")

    def _read(self, deadline):
        """False at the end of the output."""
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"no news in time; so far: {self.text}")
        try:
            piece = os.read(self.fd, 65536)
        except OSError:  # how Linux reports that the other side is closed
            piece = b""
        self.raw += piece
        return bool(piece)

    def until(self, pattern, seconds=60):
        deadline = time.monotonic() + seconds
        while not self.saw(pattern):
            if not self._read(deadline):
                raise AssertionError(f"ended without {pattern}: {self.text}")

    def saw(self, pattern):
        return re.search(pattern, CONTROL.sub("", self.text)) is not None

    def write(self, text):
        os.write(self.fd, text.encode())

    def finish(self, seconds=120):
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        os.close(self.fd)
        return self

    def all_lines(self):
        """Every line ever drawn, without controls."""
        return CONTROL.sub("", self.text).replace("\r", "").split("\n")

    def screen(self):
        """The lines that stand there at the end: cursor up and clear to the end are obeyed, colours dropped."""
        lines = [""]
        row = 0
        for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)", self.text):
            control = CONTROL.fullmatch(part)
            if part == "\n":
                row += 1
                while len(lines) <= row:
                    lines.append("")
            elif control and control[2] == "A":
                row = max(0, row - int(control[1] or 1))
            elif control and control[2] == "J":
                del lines[row:]
                lines.append("")
            elif part != "\r" and not control:
                lines[row] += part
        return lines
