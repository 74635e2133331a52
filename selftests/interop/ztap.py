# SPDX-License-Identifier: GPL-2.0
"""The test programs' output: one TAP point per case, the plan at the end.

A case is a function; it passes when it returns and fails when it raises.  It
gets a limit of its own, so that one which hangs does not take the rest along.
"""

import os
import signal
import sys
import time
import traceback

CASE_LIMIT = 30     # seconds; case(limit=...) asks for another one
SLOW = int(os.environ.get("KZMQ_SLOW") or 1)


class Skip(Exception):
    """Raised by a case that cannot run here; the text says why."""


class Late(Exception):
    """A case has used up its time."""


class Tap:
    """Counts the points of one program."""

    def __init__(self):
        self.points = 0
        self.failed = 0
        self.cases = []

    def case(self, name, limit=CASE_LIMIT):
        """Decorator: add a function to the cases."""
        def add(fn):
            self.cases.append((name, fn, limit))
            return fn
        return add

    def add(self, name, fn, limit=CASE_LIMIT):
        self.cases.append((name, fn, limit))

    def _point(self, good, name, note=""):
        self.points += 1
        self.failed += not good
        word = "ok" if good else "not ok"
        print(f"{word} {self.points} - {name}{note}", flush=True)

    def _one(self, name, fn, limit):
        limit *= SLOW

        def late(*_):
            raise Late(f"took more than {limit} s")

        signal.signal(signal.SIGALRM, late)
        # again and again: a handler's exception may be lost inside a destructor
        signal.setitimer(signal.ITIMER_REAL, limit, 1)
        began = time.monotonic()
        try:
            try:
                fn()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Skip as why:
            self._point(True, name, f" # SKIP {why}")
        except Exception as e:  # pylint: disable=broad-except
            self._point(False, name)
            explain(e)
        else:
            self._point(True, name)
        spent = time.monotonic() - began
        if spent > 5:
            print(f"# {name}: {spent:.1f} s", flush=True)

    def run(self):
        """All cases, or those whose names hold a word of the command line."""
        words = sys.argv[1:]
        began = time.monotonic()
        for name, fn, limit in self.cases:
            if not words or any(w in name for w in words):
                self._one(name, fn, limit)
        print(f"# {time.monotonic() - began:.1f} s")
        print(f"1..{self.points}", flush=True)
        sys.exit(1 if self.failed or not self.points else 0)


def explain(e):
    """Where it went wrong, the last places first."""
    places = [f"{os.path.basename(f.filename)}:{f.lineno} {f.name}()"
              for f in traceback.extract_tb(e.__traceback__)][1:]
    print(f"#   {type(e).__name__}: {e}")
    print(f"#   in {' < '.join(places[:-7:-1])}", flush=True)
    if e.__cause__:
        explain(e.__cause__)


def same(got, want, what="value"):
    """The check most cases are made of; long octet strings are cut."""
    if got != want:
        raise AssertionError(f"{what}: got {brief(got)}, want {brief(want)}")


def brief(value):
    if isinstance(value, (bytes, bytearray)):
        if len(value) <= 80:
            return repr(bytes(value))
        return f"{bytes(value[:32])!r}...({len(value)} octets)"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(brief(v) for v in value[:12]) \
            + (", ..." if len(value) > 12 else "") + f"] ({len(value)})"
    return repr(value)


def fails(number, fn, *args, **kwargs):
    """fn has to raise an OSError with this number."""
    try:
        got = fn(*args, **kwargs)
    except OSError as e:
        if e.errno != number:
            raise AssertionError(f"errno {e.errno}, want {number}") from e
        return
    raise AssertionError(f"returned {brief(got)}, want errno {number}")


def until(condition, what, timeout=15):
    """Wait for something that gives no event; bounded, longer where all is slow."""
    end = time.monotonic() + timeout * SLOW
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"timed out waiting for {what}")
        time.sleep(0.002)
