#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make check: build, sparse, unit tests, fuzzing, then the tests in the machine.

With names as arguments only these tests are built and run; with --machine all
that need the machine.  Prints TAP and, as the last line, "N passed, N failed,
N skipped".
"""

import argparse
import os
import re
import signal
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(TOP, "selftests", "vm"))
import vm                                   # pylint: disable=wrong-import-position
from machine import Failure                 # pylint: disable=wrong-import-position
from tap import Program, Tally              # pylint: disable=wrong-import-position

# REPEAT=N: of a whole run so many programs may be repeated, N times each
REPEATED = 3
FUZZ_SECONDS = os.environ.get("FUZZ_SECONDS") or "60"


def environment():
    """Ours for a make of our own: its variables, not its job server."""
    env = dict(os.environ)
    flags = env.pop("MAKEFLAGS", "")
    env.pop("MAKELEVEL", None)
    keep = re.findall(r"(?:^|\s)([A-Z]\w*=(?:\\.|\S)*)", flags)
    return env, [k.replace("\\ ", " ") for k in keep if not k.startswith("TESTS=")]


def make(*args, program=None):
    """Run make here; feed its output to a TAP program when there is one."""
    env, variables = environment()
    cmd = ["make", "-s", f"-j{os.cpu_count()}", "--no-print-directory", *variables, *args]
    with subprocess.Popen(cmd, cwd=TOP, env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          errors="replace") as p:
        for line in p.stdout:
            vm.show(line.rstrip("\n") if program else f"# {line.rstrip()}")
            if program:
                program.line(line.rstrip("\n"))
    return p.returncode


def step(total, what, *args):
    """One make that has to end well is one point."""
    vm.show(f"\n# {what}")
    if make(*args):
        vm.show(f"not ok - {what}")
        total.fail("check", what)
        return False
    vm.show(f"ok - {what}")
    total.passed += 1
    return True


def unit(total):
    """The tests in user space and a minute of fuzzing."""
    if not os.path.exists(os.path.join(TOP, "selftests", "unit", "Makefile")):
        vm.show("\n# no unit tests: there is no selftests/unit/Makefile")
        return
    vm.show("\n# unit tests under ASan and UBSan")
    tests = UnitTests()
    tests.end(make("-C", "selftests/unit", "check", program=tests))
    total.add(tests)
    step(total, f"{FUZZ_SECONDS} s of fuzzing without a finding",
         "-C", "selftests/unit", "fuzz", f"FUZZ_SECONDS={FUZZ_SECONDS}")


class UnitTests(Tally):
    """The TAP of several programs; "# unit/NAME" comes before that of each."""

    def __init__(self):
        super().__init__()
        self.program = None

    def line(self, text):
        if text.startswith("# unit/") and not text.endswith("failed"):
            self.close()
            self.program = Program(text[2:])
        elif self.program:
            self.program.line(text)

    def close(self):
        if self.program:
            for what in self.program.end(0):
                vm.show(f"not ok - {what}")
            self.add(self.program)
        self.program = None

    def end(self, rc):
        self.close()
        what = None
        if rc and not self.failures:
            what = f"make ended with {rc} though nothing failed"
        elif not self.passed + len(self.failures):
            what = "no TAP"
        if what:
            vm.show(f"not ok - unit: {what}")
            self.fail("unit", what)


def value(name):
    """A variable of the Makefile, as this call sees it."""
    env, variables = environment()
    r = subprocess.run(["make", "-s", *variables, f"print-{name}"], cwd=TOP, env=env,
                       stdout=subprocess.PIPE, text=True, check=False)
    if r.returncode or not r.stdout.strip():
        raise Failure(f"the Makefile does not know {name}")
    return r.stdout.strip()


def run_tests(tests):
    return vm.run_tests(argparse.Namespace(
        kdir=value("VM_KDIR"), keep=os.environ.get("KEEP"),
        ko=os.path.join(TOP, value("vm_ko")), dir=None, tests=tests,
        gcov=os.environ.get("VM_GCOV")))


def repeat(first, times):
    """Run the programs again of which a point has failed.

    A point that fails once in hundreds of runs says nothing about the change
    under test; one that this change broke does not pass so often.  What passes
    each time is told and counted as passed.  Nothing is repeated when the kernel
    has reported something, or a program hung, or the module stayed.
    """
    names = list(dict.fromkeys(f.partition(": ")[0] for f in first.failures))
    if not times or not names or len(names) > REPEATED or \
             first.failures != first.points_failed:
        return
    for time in range(times):
        vm.show(f"\n# {' '.join(names)}: again, {time + 1} of {times}")
        if run_tests(names).failures:
            return
    first.unsteady = [f"{what}, then passed {times} times" for what in first.failures]
    first.passed += len(first.failures)
    first.failures, first.points_failed = [], []


def machine_tests(total, tests):
    first = run_tests(tests)
    repeat(first, int(os.environ.get("REPEAT") or 0))
    total.add(first)


def run(total, tests, machine):
    if not step(total, "the module builds without warnings", "vm-module"):
        return
    if not tests and not machine:
        step(total, "sparse has no remarks", "sparse")
        unit(total)
    # both runs of a program of shim/ have the same one
    names = [f"SELFTESTS={' '.join(t.split('@')[0] for t in tests)}"] if tests else []
    # a program which does not build fails by name below, the others run
    step(total, "the test programs build", "-k", "selftests", *names)
    machine_tests(total, tests)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--machine", action="store_true", help="only what needs the machine")
    p.add_argument("tests", nargs="*")
    args = p.parse_args()
    total = Tally()
    signal.signal(signal.SIGTERM, vm.interrupted)
    try:
        run(total, args.tests, args.machine)
    except Failure as e:
        vm.show(f"not ok - {e}")
        total.fail("check", str(e))
    except KeyboardInterrupt:
        total.fail("check", "interrupted")
    vm.show("")
    told = [f"failed: {what}" for what in total.failures]
    told += [f"unsteady: {what}" for what in total.unsteady]
    for what in told:
        vm.show(f"# {what}")
    os.makedirs(os.path.join(TOP, "build"), exist_ok=True)
    with open(os.path.join(TOP, "build", "summary"), "w", encoding="utf-8") as f:
        print(total.summary(), *told, sep="\n", file=f)
    vm.show(total.summary())
    return bool(total.failures or not total.passed)


if __name__ == "__main__":
    sys.exit(main())
