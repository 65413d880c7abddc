"""What every function in Python does alike: read the envelope, report, resolve paths, answer.
Standard library only.

    from marathon_function import run
    def greet(call):
        return {"hello": call.text("name")}
    run(greet)

The contract: one envelope on stdin, one JSON value on stdout, exit 0; 65 permanent, 75 try again
later; news as JSON lines on fd 3,
which may be closed when a function is run by hand: ./functions/menu_extract.py < envelope.json"""
import errno
import json
import os
import pathlib
import sys
import traceback

EXIT_PERMANENT = 65
EXIT_TRY_AGAIN = 75
NEWS_FD = 3
FILE_BYTES_MAX = 64 << 20  # far over any sane input of these functions, far under a worker's memory

# Errors of the machine that may be gone at the next attempt; all others are the input's.
PASSING = {
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EAGAIN,
    errno.EINTR,
    errno.ESTALE,
    errno.ENOSPC,
}


class Failure(Exception):
    """code: a name of the function's own, for retry.on and non_retryable; retry_after: seconds in
    which another attempt is of no use."""

    def __init__(self, message, code=None, retry_after=None):
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Permanent(Failure):
    """The input is at fault: trying again cannot help."""


class TryAgain(Failure):
    """The machine is at fault for now."""


def data_dir():
    """Where the files named in inputs live: MARATHON_DATA_DIR, else the folder samples two levels
    above the functions."""
    named = os.environ.get("MARATHON_DATA_DIR")
    here = pathlib.Path(__file__).resolve().parent
    return pathlib.Path(named).resolve() if named else here.parent.parent / "samples"


def data_path(name, what):
    """The file of that name in the data directory. Refuses names that lead out of it, by ..,
    absolute path or symbolic link."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise Permanent(f"{what}: expected the name of a file, got {json.dumps(name)[:80]}")
    base = data_dir().resolve()
    path = (base / name).resolve()
    if base != path and base not in path.parents:
        raise Permanent(f"{what}: {name!r} leads out of the data directory")
    if not path.is_file():
        raise Permanent(f"{what}: no file {name!r} in the data directory {base}")
    return path


def read_bytes(name, what):
    path = data_path(name, what)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Permanent(f"{what}: {name!r} is larger than {FILE_BYTES_MAX >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        kind = TryAgain if error.errno in PASSING else Permanent
        raise kind(f"{what}: {name!r}: {error.strerror}") from error


def read_text(name, what):
    try:
        return read_bytes(name, what).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Permanent(f"{what}: {name!r} is not UTF-8 (byte {error.start})") from error


def read_json(name, what):
    try:
        return json.loads(read_text(name, what))
    except ValueError as error:
        raise Permanent(f"{what}: {name!r} is not JSON: {error}") from error


class Call:
    """One envelope."""

    def __init__(self, envelope):
        self.envelope = envelope
        self.input = envelope.get("input")
        if self.input is None:
            self.input = {}
        if not isinstance(self.input, dict):
            raise Permanent("input: expected an object")
        results = envelope.get("results")
        self.results = results if isinstance(results, dict) else {}
        self.progress_checkpoint = envelope.get("progress_checkpoint")

    def text(self, field, default=None):
        """A string of the input; an error where it is missing and there is no default."""
        value = self.input.get(field)
        if value is None:
            if default is None:
                raise Permanent(f"input.{field} is missing")
            return default
        if not isinstance(value, str) or not value:
            raise Permanent(f"input.{field}: expected a text, got {json.dumps(value)[:80]}")
        return value

    def number(self, field, default, low, high):
        value = self.input.get(field, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not low <= value <= high
        ):
            raise Permanent(
                f"input.{field}: expected a number from {low} to {high}, got {json.dumps(value)[:80]}"
            )
        return value

    def whole(self, field, default, low, high):
        value = self.number(field, default, low, high)
        if value != int(value):
            raise Permanent(f"input.{field}: expected a whole number, got {value}")
        return int(value)

    def _of_step(self, step):
        """What an earlier step has returned: from the results, or handed over by the step's input
        under that name ("bcg_analysis": "${steps.bcg_analysis.result}")."""
        value = self.results.get(step)
        return self.input.get(step) if value is None else value

    def result(self, step, needed=True):
        """The result of an earlier step, an object; None where it is not needed and not there."""
        value = self._of_step(step)
        if value is None and not needed:
            return None
        if not isinstance(value, dict):
            raise Permanent(
                f"results.{step} is missing: this function needs the result of the step {step!r}"
            )
        return value

    def items(self, step):
        """The results of a step with for_each, those that failed left out."""
        value = self._of_step(step)
        if not isinstance(value, list):
            raise Permanent(
                f"results.{step} is missing: this function needs the items of the step {step!r}"
            )
        return [item for item in value if item is not None]

    def progress(self, fraction, message=""):
        _news({"progress": round(min(1.0, max(0.0, fraction)), 4), "message": message})

    def checkpoint(self, value):
        _news({"checkpoint": value})

    def usage(self, model, **used):
        """What has been used since the last time: input_tokens, output_tokens, cost_usd."""
        _news({"usage": {"model": model, **used}})


def _news(value):
    """One line on fd 3; nobody listening is no error."""
    try:
        os.write(NEWS_FD, (json.dumps(value, separators=(",", ":")) + "\n").encode())
    except OSError:
        pass


def _fail(error, status):
    """The message goes to the log; with its code it stands on fd 3 as well, and once in the step's
    error. Only what is raised as a Failure has a code that was meant for this: HTTPError's is a number."""
    print(error, file=sys.stderr)
    named = {"code": error.code, "retry_after": error.retry_after} if isinstance(error, Failure) else {}
    more = {name: value for name, value in named.items() if value is not None}
    if more:
        _news({"error": {"message": str(error), **more}})
    sys.exit(status)


def _log_effect(envelope):
    """For tests that prove that no completed step ran twice: one line per completed execution,
    durable before the result leaves."""
    path = os.environ.get("MARATHON_EFFECTS_LOG")
    if not path:
        return
    fields = [
        str(envelope.get(k, "-")) for k in ("task_id", "step_id", "attempt", "idempotency_key")
    ]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, (" ".join(fields) + "\n").encode())
        os.fsync(fd)
    finally:
        os.close(fd)


def _envelope():
    try:
        envelope = json.loads(sys.stdin.buffer.read())
    except (ValueError, RecursionError) as error:
        raise Permanent(f"the envelope on stdin is not JSON: {error}") from error
    if not isinstance(envelope, dict):
        raise Permanent("the envelope on stdin is not an object")
    return envelope


def run(function):
    """Calls function(Call) and ends the process as the contract wants it."""
    try:
        envelope = _envelope()
        answer = _answer_text(function(Call(envelope)))
        _log_effect(envelope)
    except Permanent as error:
        _fail(error, EXIT_PERMANENT)
    except (TryAgain, OSError) as error:
        _fail(error, EXIT_TRY_AGAIN)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Another attempt would meet the same: these come from data of another shape than expected.
        spot = traceback.extract_tb(error.__traceback__)[-1]
        print(
            "the input or an earlier result has an unexpected shape: "
            f"{type(error).__name__}: {error} ({pathlib.Path(spot.filename).name}:{spot.lineno})",
            file=sys.stderr,
        )
        sys.exit(EXIT_PERMANENT)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _answer_text(value):
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def method(name):
    """How a result says what made it."""
    return {"kind": "deterministic", "name": name}
