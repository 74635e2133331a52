#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Boot the test machine: for a list of tests, for one command, for a shell.

The environment may hold VM_MEM, VM_SMP, VM_ICOUNT=1 (deterministic, one CPU),
VM_KVM=0/1 (instead of probing), VM_SLOW (factor for all time limits),
VM_APPEND (kernel command line), VM_QEMU.
"""

import argparse
import glob
import json
import os
import re
import signal
import sys
import time

from machine import TOP, Config, Failure, Machine, RunDir, module_depends, say
from tap import Tally, Program

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "guest"))
from runner import REPORT, REPORT_LINES     # pylint: disable=wrong-import-position

BUILD = os.path.join(TOP, "build", "selftests")
SELFTESTS = os.path.join(TOP, "selftests")
MAX_BOOTS = 12
SLACK = 20              # seconds which the guest may be behind its own limits
HINT = re.compile(r"^\s*(?:/\*|#|//|\*)\s*(TIMEOUT|MODULE|VM_MEM|VM_SMP):\s*(.*?)\s*(?:\*/)?$")


class Spec:
    """A test program: where it is, how to run it, what it asks for."""

    def __init__(self, source):
        self.name = os.path.splitext(os.path.basename(source))[0]
        self.source = source
        kind = os.path.basename(os.path.dirname(source))
        self.hints = {}
        with open(source, encoding="utf-8") as f:
            for _, text in zip(range(30), f):
                m = HINT.match(text)
                if m:
                    self.hints[m[1]] = m[2]
        guest = f"/zmq/tests/{kind}"
        if source.endswith(".c"):
            self.argv = [f"{guest}/{self.name}"]
        elif source.endswith(".py"):
            self.argv = ["/usr/bin/python3", f"{guest}/{self.name}.py"]
        else:
            self.argv = ["/bin/bash", f"{guest}/{self.name}.sh"]

    def built(self):
        return not self.source.endswith(".c") or os.path.exists(
            os.path.join(BUILD, os.path.basename(os.path.dirname(self.source)), self.name))

    @property
    def size(self):
        """Tests which need the same machine share a boot."""
        return self.hints.get("VM_MEM"), self.hints.get("VM_SMP")

    def job(self):
        return {"name": self.name, "argv": self.argv,
                "timeout": int(self.hints.get("TIMEOUT", 60)),
                "module": self.hints.get("MODULE", "")}


def discover(dirs, wanted):
    specs = {}
    for d in dirs:
        for source in sorted(glob.glob(os.path.join(d, "test_*"))):
            if not source.endswith((".c", ".py", ".sh")):
                continue
            spec = Spec(source)
            if spec.name in specs:
                raise Failure(f"two tests are called {spec.name}")
            specs[spec.name] = spec
    missing = [w for w in wanted if w not in specs]
    if missing:
        raise Failure(f"no such test: {' '.join(missing)}")
    return [s for s in specs.values() if not wanted or s.name in wanted]


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
            if f.endswith((".py", ".sh")) or f == "data":
                rundir.copy(os.path.join(d, f), f"tests/{kind}/{f}")
    add_tools(rundir)


def add_tools(rundir):
    for d in ("tools", "demo"):
        built = os.path.join(BUILD, d)
        if os.path.isdir(built):
            rundir.copy(built, "bin", ignore="*.d")


def show(text):
    print(text, flush=True)


def show_detail(lines):
    for line in lines:
        show(f"#   {line}")


class Boots:
    """All boots needed to get through a list of tests."""

    def __init__(self, config, rundir, total):
        self.config, self.rundir, self.total = config, rundir, total
        self.boots = 0

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
            started = self.boot(left)
            if not started:
                self.total.fail(left[0].name, "the machine did not boot")
                return
            left = left[started:]

    def boot(self, left):
        """One boot; how many of the tests left have been started in it."""
        machine = Machine(self.config, self.rundir, self.boots)
        self.boots += 1
        names = {s.name: s for s in left}
        started, program, why = 0, None, "the machine went down"
        machine.start()
        try:
            for e in machine.events():
                if e["ev"] == "start":
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
                elif e["ev"] == "problem":
                    self.problem(program, e["what"], e["detail"])
                elif e["ev"] == "end":
                    self.close(program, e["rc"])
                    program = None
                    machine.limit = 60 * self.config.scale + now()
                elif e["ev"] == "lost":
                    why = e["why"]
                elif e["ev"] == "done":
                    return started
        finally:
            machine.stop()
        self.broken(machine, program, started, why)
        return started

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

    def close(self, program, rc):
        for what in program.end(rc):
            show(f"not ok - {what}")
        show(f"# {program.name}: {program.summary()}")
        self.total.add(program)


def now():
    return time.monotonic()


def run_tests(args):
    """Run tests, print the sum; the exit status says whether all is well."""
    dirs = args.dir or [os.path.join(SELFTESTS, d) for d in ("kernel", "interop", "vm")]
    dirs = [os.path.realpath(d) for d in dirs if os.path.isdir(d)]
    total = Tally()
    groups = {}
    specs = discover(dirs, args.tests)
    if not specs:
        raise Failure("there are no tests")
    for spec in specs:
        if not spec.built():
            show(f"\nnot ok - {spec.name}: it has not been built")
            total.fail(spec.name, "it has not been built")
            continue
        groups.setdefault(spec.size, []).append(spec)
    config = Config(args.kdir)
    mem, smp = config.mem, config.smp
    with RunDir(args.keep) as rundir:
        if args.ko:
            rundir.add_module(args.ko)
        depends = module_depends(args.ko) if args.ko else []
        add_tests(rundir, dirs)
        boots = Boots(config, rundir, total)
        for (want_mem, want_smp), specs in groups.items():
            config.mem = want_mem or mem
            config.smp = want_smp or smp
            boots.run(specs, depends)
    return total


def command(args):
    """Run one command in the machine; its exit status, 1 on a kernel report."""
    config = Config(args.kdir)
    with RunDir(args.keep) as rundir:
        if args.ko:
            rundir.add_module(args.ko)
        dirs = [os.path.join(SELFTESTS, d) for d in ("kernel", "interop", "vm")]
        add_tests(rundir, [d for d in dirs if os.path.isdir(d)])
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
        dirs = [os.path.join(SELFTESTS, d) for d in ("kernel", "interop", "vm")]
        add_tests(rundir, [d for d in dirs if os.path.isdir(d)])
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
