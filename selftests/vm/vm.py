#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Boot the test machine: for a list of tests, for one command, for a shell.

The environment may hold VM_MEM, VM_SMP, VM_ICOUNT=1 (deterministic, one CPU),
VM_KVM=0/1 (instead of probing), VM_SLOW (factor for all time limits),
VM_APPEND (kernel command line), VM_QEMU, VM_JOBS (machines at a time), VM_IMAGE
(clients, valgrind: the root images of make check-clients and check-shim-valgrind).
To the tests go KZMQ_SLOW, made from VM_SLOW, and what PASS names.
"""

import argparse
import collections
import contextlib
import copy
import glob
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

from machine import TOP, Config, Failure, Machine, RunDir, module_depends, say
from tap import Tally, Program

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "guest"))
from runner import REPORT, REPORT_LINES     # pylint: disable=wrong-import-position

BUILD = os.path.join(TOP, "build", "selftests")
SELFTESTS = os.path.join(TOP, "selftests")
MAX_BOOTS = 20
DIRS = ("kernel", "interop", "debug", "vm", "shim", "clients")
USERLIB = os.path.join(TOP, "build", "userlib")
STOCK = "@stock"        # ends the name of a program of shim/ that runs on libzmq
# what else ends the name of such a C program: how it runs, and words of its environment
TOOLS = {
    "@asan": (["LD_LIBRARY_PATH=/zmq/lib-asan", "SHIM_LIB=/zmq/lib-asan",
               "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1",
               "UBSAN_OPTIONS=print_stacktrace=1"], []),
    # its shadow memory wants addresses where they usually are
    "@tsan": (["LD_LIBRARY_PATH=/zmq/lib-tsan", "SHIM_LIB=/zmq/lib-tsan",
               "TSAN_OPTIONS=die_after_fork=0:second_deadlock_stack=1"],
              ["setarch", "-R"]),
    "@valgrind": (["LD_LIBRARY_PATH=/zmq/lib", "SHIM_LIB=/zmq/lib"],
                  ["valgrind", "--error-exitcode=99", "--leak-check=full",
                   "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
                   "--fair-sched=yes", "--num-callers=20"]),
}
# the first line of what these find, and valgrind's last
FINDING = re.compile(r"(?:ERROR|WARNING): \w+Sanitizer|: runtime error: "
                     r"|^==\d+== ERROR SUMMARY: [1-9]")
PASS = ("ZMQ_SEED", "ZMQ_SECONDS", "ZMQ_COUNT", "ZMQ_CASE")
SLACK = 20              # seconds which the guest may be behind its own limits
HINT = re.compile(r"^\s*(?:/\*|#|//|\*)\s*(TIMEOUT|MODULE|VM_MEM|VM_SMP|KERNEL|IMAGE|LOG):\s*(.*?)\s*(?:\*/)?$")
TIMEOUT = re.compile(r"(\d+)( \+ ZMQ_SECONDS)?")


class Spec:
    """A test program: where it is, how to run it, what it asks for."""

    def __init__(self, source, variant=""):
        program = os.path.splitext(os.path.basename(source))[0]
        self.name = program + variant
        self.source = source
        kind = os.path.basename(os.path.dirname(source))
        self.hints = {}
        with open(source, encoding="utf-8") as f:
            for _, text in zip(range(30), f):
                m = HINT.match(text)
                if m:
                    self.hints[m[1]] = m[2]
        self.kind = kind
        guest = f"/zmq/tests/{kind}"
        if source.endswith(".c"):
            self.argv = [f"{guest}/{program}"]
        elif source.endswith(".py"):
            self.argv = ["/usr/bin/python3", f"{guest}/{program}.py"]
        else:
            self.argv = ["/bin/bash", f"{guest}/{program}.sh"]
        self.needs = [os.path.join(BUILD, kind, program)] if source.endswith(".c") else []
        self.tool = variant if variant in TOOLS else ""
        if self.tool:
            self.under_tool(program)
        elif variant == STOCK:
            self.hints["MODULE"] = "none"
        elif kind in ("shim", "clients"):
            self.needs.append(os.path.join(USERLIB, "libzmq.so.5"))
            # those of clients/ choose the library for each program they start
            env = ["SHIM_LIB=/zmq/lib", "LD_LIBRARY_PATH=/zmq/lib"]
            self.argv[:0] = ["/usr/bin/env", *env[:1 if kind == "clients" else 2]]

    def under_tool(self, program):
        """Sanitizers have programs and a library of their own, valgrind takes all."""
        env, argv = TOOLS[self.tool]
        built = self.tool != "@valgrind"
        kind = f"{self.kind}-{self.tool[1:]}" if built else self.kind
        self.argv = ["/usr/bin/env", *env, *argv, f"/zmq/tests/{kind}/{program}"]
        san = "-" + self.tool[1:] if built else ""
        self.needs = [os.path.join(BUILD + san, self.kind, program),
                      os.path.join(USERLIB + san, "libzmq.so.5")]
        if not built:
            self.hints["IMAGE"] = "valgrind"

    def built(self):
        return all(os.path.exists(f) for f in self.needs)

    def fits(self, config):
        """Some tests need what only one of the debug kernels or the images has;
        others tell nothing that is worth their time there."""
        kernel, image = self.hints.get("KERNEL"), self.hints.get("IMAGE")
        if image and config.image != image:
            return False
        if self.name.endswith((STOCK, *TOOLS)) or kernel == "debian":
            return "-zmq-" not in config.release
        return not kernel or config.release.endswith(f"-zmq-{kernel}")

    @property
    def size(self):
        """Tests which need the same machine share a boot."""
        return self.hints.get("VM_MEM"), self.hints.get("VM_SMP")

    def limit(self):
        """Seconds for a fast machine, and those it is told to take on any."""
        m = TIMEOUT.fullmatch(self.hints.get("TIMEOUT", "60"))
        if not m:
            raise Failure(f"{self.source}: TIMEOUT: {self.hints['TIMEOUT']}?")
        told = os.environ.get("ZMQ_SECONDS", "")
        return int(m[1]), int(told) if m[2] and told.isdecimal() else 0

    def job(self):
        timeout, told = self.limit()
        return {"name": self.name, "argv": self.argv,
                "timeout": timeout, "told": told,
                "module": self.hints.get("MODULE", ""),
                "log": self.hints.get("LOG", "")}


def discover(dirs, wanted):
    specs = {}
    for d in dirs:
        for source in sorted(glob.glob(os.path.join(d, "test_*"))):
            if not source.endswith((".c", ".py", ".sh")):
                continue
            for spec in [Spec(source, v) for v in variants(source, os.path.basename(d))]:
                if spec.name in specs:
                    raise Failure(f"two tests are called {spec.name}")
                specs[spec.name] = spec
    missing = [w for w in wanted if w not in specs]
    if missing:
        raise Failure(f"no such test: {' '.join(missing)}")
    return [s for s in specs.values() if s.name in wanted or not wanted and not s.tool]


def variants(source, kind):
    """What may end the name of a program; those with a tool run when asked for."""
    if kind != "shim":
        return [""]
    return ["", STOCK, *(TOOLS if source.endswith(".c") else ())]


def add_tests(rundir, dirs):
    """The programs, the scripts and what they bring along."""
    for d in dirs:
        kind = os.path.basename(d)
        built = os.path.join(BUILD, kind)
        if os.path.isdir(built):
            rundir.copy(built, f"tests/{kind}", ignore="*.d")
        for f in os.listdir(d):
            if kind == "vm" and not f.startswith("test_"):
                continue
            if f.endswith((".py", ".sh")) or f in ("data", "python"):
                rundir.copy(os.path.join(d, f), f"tests/{kind}/{f}")
    add_tools(rundir)
    if os.path.exists(os.path.join(USERLIB, "libzmq.so.5")):
        rundir.copy(os.path.join(USERLIB, "libzmq.so.5"), "lib/libzmq.so.5")


def add_sanitized(rundir, specs):
    """Programs, library and run time of the sanitizers that tests ask for."""
    for san in sorted({s.tool[1:] for s in specs if s.built()} & {"asan", "tsan"}):
        rundir.copy(f"{BUILD}-{san}/shim", f"tests/shim-{san}", ignore="*.d")
        lib = f"{USERLIB}-{san}/libzmq.so.5"
        rundir.copy(lib, f"lib-{san}/libzmq.so.5")
        r = subprocess.run(["ldd", lib], stdout=subprocess.PIPE, text=True, check=True)
        for m in re.finditer(r"(lib(?:asan|ubsan|tsan|stdc\+\+)\S+) => (\S+)", r.stdout):
            rundir.copy(os.path.realpath(m[2]), f"lib-{san}/{m[1]}")


def add_env(rundir, config):
    env = {k: os.environ[k] for k in PASS if os.environ.get(k)}
    env["KZMQ_SLOW"] = str(math.ceil(config.scale))
    rundir.write("env", "".join(f"export {k}={shlex.quote(v)}\n" for k, v in env.items()))


def add_tools(rundir):
    for d in ("tools", "demo"):
        built = os.path.join(BUILD, d)
        if os.path.isdir(built):
            rundir.copy(built, "bin", ignore="*.d")


HELD = threading.local()
PRINTING = threading.Lock()


def show(text):
    """Print; a thread among others holds back until release()."""
    held = getattr(HELD, "lines", None)
    if held is None:
        print(text, flush=True)
    else:
        held.append(text)


def release():
    """Print what was held back, in one piece."""
    held = getattr(HELD, "lines", None)
    if held:
        with PRINTING:
            print("\n".join(held), flush=True)
        held.clear()


def show_detail(lines):
    for line in lines:
        show(f"#   {line}")


class Boots:
    """All boots needed to get through a list of tests."""

    def __init__(self, config, rundir, gcov=None):
        self.config, self.rundir, self.gcov = config, rundir, gcov
        self.total = Tally()
        self.boots = 0

    def all(self, groups, depends):
        """The groups of tests that need the same machine, one by one."""
        mem, smp = self.config.mem, self.config.smp
        for (want_mem, want_smp), specs in groups.items():
            self.config.mem = want_mem or mem
            self.config.smp = want_smp or smp
            self.run(specs, depends)
        release()

    def among_others(self, batches, depends):
        """The same for each batch that is left, in a thread whose output does not
        mix with others'."""
        HELD.lines = []
        with contextlib.suppress(IndexError):
            while True:
                groups = batches.popleft()
                try:
                    self.all(groups, depends)
                except Exception as e:      # pylint: disable=broad-except
                    show(f"not ok - {e}")
                    self.total.fail("vm", str(e))
                    release()

    def run(self, specs, depends):
        left = list(specs)
        while left:
            if self.boots == MAX_BOOTS:
                for s in left:
                    self.total.fail(s.name, f"not run, {MAX_BOOTS} boots used up")
                return
            self.rundir.write("job", "job=test\n")
            self.rundir.write("tests.json", json.dumps(
                {"tests": [s.job() for s in left], "depends": depends,
                 "scale": self.config.scale}))
            started, why = self.boot(left)
            if not started:
                # an emulator may lose a boot; nothing of ours has run by then
                show("# booting once more")
                started, why = self.boot(left)
            if not started:
                self.total.fail(left[0].name, f"the machine did not boot: {why}")
                return
            left = left[started:]

    def boot(self, left):
        """One boot; how many of the tests left it has started, why it ended."""
        machine = Machine(self.config, self.rundir, self.boots)
        self.boots += 1
        names = {s.name: s for s in left}
        started, program, why = 0, None, "the machine went down"
        machine.start(("events", "gcov") if self.gcov else ("events",))
        try:
            for e in machine.events():
                if e["ev"] == "gcov":
                    self.coverage(e["data"])
                elif e["ev"] == "start":
                    started += 1
                    program = Program(e["test"])
                    machine.limit = e["limit"] + SLACK * self.config.scale + now()
                    src = os.path.relpath(names[e["test"]].source, TOP)
                    show(f"\n# {program.name} ({src})")
                elif e["ev"] == "unload":
                    machine.limit = e["limit"] + SLACK * self.config.scale + now()
                elif e["ev"] == "out" and program:
                    show(e["line"])
                    program.line(e["line"])
                elif e["ev"] == "err":
                    show(f"# {e['line']}")
                    if FINDING.search(e["line"]) and program:
                        self.problem(program, e["line"].strip(), [])
                elif e["ev"] == "problem":
                    if program and e["test"] == program.name:
                        self.problem(program, e["what"], e["detail"])
                    else:
                        self.late_problem(e["test"], e["what"], e["detail"])
                elif e["ev"] == "end":
                    self.close(program, e["rc"])
                    program = None
                    machine.limit = 60 * self.config.scale + now()
                elif e["ev"] == "lost":
                    why = e["why"]
                elif e["ev"] == "done":
                    return started, ""
        finally:
            machine.stop()
        self.broken(machine, program, started, why)
        return started, why

    def coverage(self, data):
        name = f"boot-{id(self)}-{self.boots}.tar"
        with open(os.path.join(self.gcov, name), "ab") as f:
            f.write(data)

    def broken(self, machine, program, started, why):
        """The guest has ended before its list: in a test, or at boot."""
        log = machine.console_since("zmq-vm: start")
        if program:
            found = [i for i, x in enumerate(log) if REPORT.search(x)]
            if found:
                title = log[found[0]].partition("] ")[2] or log[found[0]]
                why = f"kernel log: {title}; {why}"
                log = log[max(0, found[0] - 3):]
            self.problem(program, why, log[:REPORT_LINES])
            self.close(program, None)
        elif not started:
            show(f"# no test has started: {why}; the console says:")
            show_detail(log[-REPORT_LINES:])

    def problem(self, program, what, detail):
        """Something the harness has seen is a failed point of that test."""
        show(f"not ok - {program.name}: {what}")
        program.fail(program.name, what)
        show_detail(detail)

    def late_problem(self, name, what, detail):
        """The same of a test that has ended some time ago."""
        show(f"not ok - {name}: {what}")
        self.total.fail(name, what)
        show_detail(detail)

    def close(self, program, rc):
        for what in program.end(rc):
            show(f"not ok - {what}")
        show(f"# {program.name}: {program.summary()}, {now() - program.begun:.0f} s")
        self.total.add(program)
        release()


def now():
    return time.monotonic()


def run_tests(args):
    """Run tests, print the sum; the exit status says whether all is well."""
    dirs = args.dir or [os.path.join(SELFTESTS, d) for d in DIRS]
    dirs = [os.path.realpath(d) for d in dirs if os.path.isdir(d)]
    total = Tally()
    groups = {}
    config = Config(args.kdir)
    specs = discover(dirs, args.tests)
    unfit = [s for s in specs if not s.fits(config)]
    if unfit and args.tests:
        raise Failure(f"not for {config.release} {config.image}: "
                      f"{' '.join(s.name for s in unfit)}")
    specs = [s for s in specs if s not in unfit]
    if not specs:
        raise Failure("there are no tests")
    for spec in specs:
        if not spec.built():
            show(f"\nnot ok - {spec.name}: it has not been built")
            total.fail(spec.name, "it has not been built")
            continue
        groups.setdefault(spec.size, []).append(spec)
    depends = module_depends(args.ko) if args.ko else []
    jobs = int(os.environ.get("VM_JOBS") or 1)
    batches = divide(groups, jobs)
    with contextlib.ExitStack() as stack:
        boots = []
        for n in range(min(jobs, len(batches))):
            keep = args.keep and (f"{args.keep}/{n}" if n else args.keep)
            rundir = stack.enter_context(RunDir(keep))
            if args.ko:
                rundir.add_module(args.ko)
            add_tests(rundir, dirs)
            add_sanitized(rundir, specs)
            add_env(rundir, config)
            boots.append(Boots(copy.copy(config), rundir, getattr(args, "gcov", None)))
        run_batches(boots, batches, depends)
    for b in boots:
        total.add(b.total)
    return total


def cost(specs):
    """The time they may take, for want of the one they will."""
    return sum(sum(s.limit()) for s in specs)


def divide(groups, jobs):
    """Batches of tests for so many machines, smaller and smaller ones: each that
    is done takes the next.

    Those of debug/ count together and stay together, and so do those that need
    another machine than most.
    """
    pieces = []
    most = max(groups, key=lambda size: len(groups[size]), default=None)
    for size, specs in groups.items():
        together = [s for s in specs if s.kind == "debug" or size != most]
        pieces += [(size, [s]) for s in specs if s not in together]
        pieces += [(size, together)] if together else []
    pieces.sort(key=lambda p: cost(p[1]))
    left = sum(cost(specs) for _, specs in pieces)
    least = left / (10 * jobs)
    batches = collections.deque()
    while pieces:
        room = max(left / (2 * jobs), least) if jobs > 1 else left
        batch = {}
        while pieces and (not batch or cost(pieces[-1][1]) <= room):
            size, specs = pieces.pop()
            batch.setdefault(size, []).extend(specs)
            room -= cost(specs)
            left -= cost(specs)
        for specs in batch.values():
            specs.sort(key=lambda s: (s.kind, s.name))
        batches.append(batch)
    return batches


def run_batches(boots, batches, depends):
    if len(boots) == 1:
        for groups in batches:
            boots[0].all(groups, depends)
        return
    threads = [threading.Thread(target=b.among_others, args=(batches, depends), daemon=True)
               for b in boots]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def command(args):
    """Run one command in the machine; its exit status, 1 on a kernel report."""
    config = Config(args.kdir)
    with RunDir(args.keep) as rundir:
        if args.ko:
            rundir.add_module(args.ko)
        dirs = [os.path.join(SELFTESTS, d) for d in DIRS]
        add_tests(rundir, [d for d in dirs if os.path.isdir(d)])
        add_env(rundir, config)
        for path in args.add:
            rundir.copy(path, os.path.basename(os.path.realpath(path)))
        rundir.write("job", "job=cmd\n")
        rundir.write("cmd", args.cmd + "\n")
        machine = Machine(config, rundir)
        rc, why = None, "the machine did not boot"
        machine.start(("events", "stdout", "stderr"))
        try:
            for e in machine.events():
                if e["ev"] in ("stdout", "stderr"):
                    out = getattr(sys, e["ev"]).buffer
                    out.write(e["data"])
                    out.flush()
                elif e["ev"] == "boot":
                    machine.limit = now() + args.timeout if args.timeout else None
                    why = "the machine went down"
                elif e["ev"] == "exit":
                    rc = e["rc"]
                    machine.limit = now() + 30
                elif e["ev"] == "lost" and rc is None:
                    why = e["why"]
        finally:
            machine.stop()
        return command_end(machine, rc, why)


def command_end(machine, rc, why):
    log = machine.console_since("zmq-vm: start cmd")
    found = [i for i, x in enumerate(log) if REPORT.search(x)]
    if found:
        say("the kernel has something to report:")
        print("\n".join(log[max(0, found[0] - 3):found[0] + REPORT_LINES]),
              file=sys.stderr)
    if rc is None:
        say(why)
        if not found:
            print("\n".join(log[-20:]), file=sys.stderr)
        return 125
    return rc or bool(found)


def shell(args):
    """An interactive shell on the terminal; Ctrl-A X ends the machine."""
    config = Config(args.kdir)
    with RunDir(args.keep) as rundir:
        if args.ko:
            rundir.add_module(args.ko)
        dirs = [os.path.join(SELFTESTS, d) for d in DIRS]
        add_tests(rundir, [d for d in dirs if os.path.isdir(d)])
        add_env(rundir, config)
        size = ""
        if sys.stdin.isatty():
            t = os.get_terminal_size()
            size = f"rows {t.lines} cols {t.columns}"
        rundir.write("job", f"job=shell\nsize='{size}'\n")
        say(f"booting {config.release}; files are in /zmq; "
            "exit with Ctrl-D, or Ctrl-A X when all else fails")
        machine = Machine(config, rundir)
        machine.limit = None
        machine.start(stdio=True)
        rc = 1
        try:
            for e in machine.events():
                if e["ev"] == "exit":
                    rc = e["rc"]
        finally:
            machine.stop()
        return rc


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--kdir", required=True, help="headers of the kernel to boot")
    p.add_argument("--ko", help="the module to load")
    p.add_argument("--keep", metavar="DIR", help="leave the run's files and logs here")
    sub = p.add_subparsers(dest="what", required=True)
    t = sub.add_parser("test")
    t.add_argument("--dir", action="append", help="take the tests from here")
    t.add_argument("tests", nargs="*")
    c = sub.add_parser("cmd")
    c.add_argument("--add", action="append", default=[], help="bring this along in /zmq")
    c.add_argument("--timeout", type=int, default=0)
    c.add_argument("cmd")
    sub.add_parser("shell")
    return p.parse_args()


def interrupted(*_):
    """Go the same way on SIGTERM as on Ctrl-C, so that all is cleaned up."""
    raise KeyboardInterrupt


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    try:
        if args.what == "test":
            total = run_tests(args)
            show("")
            for what in total.failures:
                show(f"# failed: {what}")
            show(total.summary())
            return bool(total.failures or not total.passed)
        return command(args) if args.what == "cmd" else shell(args)
    except Failure as e:
        say(e)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
