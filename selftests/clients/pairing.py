# SPDX-License-Identifier: GPL-2.0
"""Runs the example programs on one libzmq or the other and compares.

An example is a function which starts programs and waits for them; it says of
each whether it is the server or the client.  It runs four times: all on stock
libzmq, which shows what has to be printed, then all on our library, and with
the server or the client alone on it.  SHIM_LIB names the directory of ours.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.append(os.path.join(TOP, "selftests", "interop"))
# pylint: disable=wrong-import-position
from child import free_endpoint
from ztap import Skip, Tap

BUILT = os.path.join(TOP, "build", "selftests", "clients")
SHIM = os.environ.get("SHIM_LIB")
LOADED = re.compile(r"calling init: (\S*/libzmq\.so\.5\S*)")
PRCTL = ctypes.CDLL(None).prctl
PYTHON = "/usr/bin/python3"
# which parts are on our library
WAYS = (("stock on both sides", ()),
        ("ours on both sides", ("server", "client")),
        ("our server, stock client", ("server",)),
        ("stock server, our client", ("client",)))


def die_with_parent():
    """In a child: do not outlive a driver that is killed."""
    PRCTL(1, signal.SIGKILL)        # PR_SET_PDEATHSIG


def find(program):
    """The path of an example: in the test machine all are beside us."""
    if program.startswith("/"):
        return [program]
    if program.endswith(".py"):
        return [PYTHON, os.path.join(HERE, "python", program)]
    for d in HERE, BUILT:
        path = os.path.join(d, program)
        if os.path.isfile(path):
            return [path]
    raise AssertionError(f"{program} has not been built")


class Process:
    """A running program; its lines are read all the time."""

    def __init__(self, label, argv, env, others):
        self.label, self.others = label, others
        self.lines, self.errors = [], []
        self.changed = threading.Condition()
        self.p = subprocess.Popen(argv, env=env, text=True, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  errors="replace", start_new_session=True,
                                  preexec_fn=die_with_parent)
        self.threads = [threading.Thread(target=self.read, args=a, daemon=True)
                        for a in ((self.p.stdout, self.lines),
                                  (self.p.stderr, self.errors))]
        for t in self.threads:
            t.start()

    def read(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_line(self, text, count=1):
        """Until it has printed this line, so many times."""
        with self.changed:
            while self.lines.count(text) < count:
                if not self.threads[0].is_alive():
                    raise AssertionError(f"{self.label} ended without saying {text!r}")
                self.changed.wait(0.1)
                for other in self.others:
                    other.check()

    def say(self, line):
        """A line for its standard input."""
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def check(self):
        """Nobody may have ended with an error."""
        if self.p.poll():
            raise AssertionError(f"{self.label} ended with {self.p.returncode}")

    def end(self):
        """Wait until it ends by itself, or until another one fails."""
        while True:
            try:
                self.p.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                for other in self.others:
                    other.check()
        self.check()
        for t in self.threads:
            t.join()

    def end_input(self):
        """End its input and wait for it."""
        self.p.stdin.close()
        self.end()

    def interrupt(self):
        """SIGTERM, until it is heard: a program may just not wait yet, or not
        even have come so far that the signal does not kill it.
        """
        while self.p.poll() is None and not catches(self.p.pid, signal.SIGTERM):
            time.sleep(0.01)
        while self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
            try:
                self.p.wait(0.3)
            except subprocess.TimeoutExpired:
                pass
        self.end()

    def stop(self):
        """End one that goes on for ever and calls that an error."""
        self.p.terminate()
        self.p.wait()

    def kill(self):
        if self.p.poll() is None:
            os.killpg(self.p.pid, signal.SIGKILL)
            self.p.wait()
        for t in self.threads:
            t.join(1)
        for stream in self.p.stdin, self.p.stdout, self.p.stderr:
            try:
                stream.close()
            except OSError:
                pass


def catches(pid, number):
    """Whether a process has a handler for this signal."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        caught = next((x.split()[1] for x in f if x.startswith("SigCgt:")), "0")
    return int(caught, 16) >> number - 1 & 1


def waiting(pid):
    """What each thread of a process waits in, as far as we may know."""
    for tid in sorted(os.listdir(f"/proc/{pid}/task")):
        try:
            with open(f"/proc/{pid}/task/{tid}/stack", encoding="utf-8") as f:
                calls = [line.split()[-1].partition("+")[0] for line in f]
        except OSError:
            continue
        yield f"thread {tid}: {' < '.join(calls[:6])}"


class Run:
    """One run of an example."""

    def __init__(self, ours):
        self.ours = ours
        self.dir = tempfile.mkdtemp(prefix="clients.")
        self.processes, self.notes = [], {}
        self.given = set()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for p in self.processes:
            if kind and p.p.poll() is None:
                for line in waiting(p.p.pid):
                    print(f"#   {p.label}: {line}")
        for p in self.processes:
            p.kill()
        if kind:
            for p in self.processes:
                for line in p.lines[-8:] + p.errors[-12:]:
                    print(f"#   {p.label}: {line}")
        shutil.rmtree(self.dir, ignore_errors=True)

    def tcp(self):
        """A free port, none twice: the first may not be in use yet."""
        where = free_endpoint()
        while where in self.given:
            where = free_endpoint()
        self.given.add(where)
        return where

    def ipc(self):
        return f"ipc://{self.dir}/{len(os.listdir(self.dir))}-{time.monotonic_ns()}"

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, side, program, args):
        env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
        if side in self.ours:
            env["LD_LIBRARY_PATH"] = SHIM
        label = f"{os.path.basename(program)} ({side} {len(self.processes)})"
        # the loader writes down what it loads
        env["LD_DEBUG"] = "files"
        env["LD_DEBUG_OUTPUT"] = self.path(f"loaded-{side}-{len(self.processes)}")
        env["HOME"] = self.dir
        env["PYTHONPATH"] = os.path.join(BUILT, "python")
        p = Process(label, find(program) + [str(a) for a in args], env, self.processes)
        self.processes.append(p)
        return p

    def server(self, program, *args):
        return self.start("server", program, args)

    def client(self, program, *args):
        return self.start("client", program, args)

    def check_loaded(self):
        """Every program has had the library that it was meant to have."""
        seen = set()
        for name in os.listdir(self.dir):
            if not name.startswith("loaded-"):
                continue
            side = name.split("-")[1]
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                for path in LOADED.findall(f.read()):
                    ours = SHIM is not None and path.startswith(SHIM.rstrip("/") + "/")
                    if ours != (side in self.ours):
                        raise AssertionError(f"the {side} has loaded {path}")
                    seen.add(side)
        missing = [s for s in self.ours if s not in seen and s in self.sides()]
        if missing or not seen:
            raise AssertionError(f"no libzmq was loaded: {missing}")

    def sides(self):
        return {p.label.split("(")[1].split()[0] for p in self.processes}

    def note(self, what, text):
        """Something else to compare than what the programs print."""
        self.notes[what] = [text]

    def output(self):
        lines = {p.label: [x.replace(self.dir, "DIR") for x in p.lines]
                 for p in self.processes}
        return {**lines, **self.notes}


class Examples(Tap):
    """The cases of a program: each example in all ways."""

    def __init__(self):
        super().__init__()
        self.printed = {}

    def example(self, text, limit=60, alone=False, foreign=None):
        """Decorator for fn(run). ALONE: there is a server only. FOREIGN: this
        side has a ZMTP of its own.
        """
        def add(fn):
            for way, ours in WAYS:
                if alone and len(ours) == 1 or foreign and ours not in (
                        (), ("server",) if foreign == "client" else ("client",)):
                    continue
                self.add(f"{text}: {way}", lambda way=way, ours=ours:
                         self.one(text, fn, ours), limit)
            return fn
        return add

    def one(self, text, fn, ours):
        if ours and not SHIM:
            raise Skip("SHIM_LIB does not say where our library is")
        if text not in self.printed:
            self.printed[text] = self.run_once(fn, ())
        if ours:
            differ(self.run_once(fn, ours), self.printed[text])

    @staticmethod
    def run_once(fn, ours):
        """What the programs print."""
        with Run(ours) as run:
            fn(run)
            run.check_loaded()
            printed = run.output()
        if not any(printed.values()):
            raise AssertionError("nothing was printed")
        return printed


def differ(got, want):
    """Fail at the first line that differs."""
    for label, lines in want.items():
        for n, line in enumerate(lines):
            if n >= len(got[label]) or got[label][n] != line:
                there = got[label][n] if n < len(got[label]) else "nothing"
                raise AssertionError(f"{label}, line {n + 1}: {there!r}, on stock {line!r}")
        if len(got[label]) > len(lines):
            raise AssertionError(f"{label}: one more line, {got[label][len(lines)]!r}")
