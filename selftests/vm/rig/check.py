#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make check-rig: each planted fault has to fail its test, and only that one.

First faults of a module that only has faults, on Debian's kernel; then the real
module, built with one bug at a time, on the debug kernels.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))
import vm                                   # pylint: disable=wrong-import-position
import check as suite                       # pylint: disable=wrong-import-position
from machine import Failure, run_script, say    # pylint: disable=wrong-import-position
from tap import Tally                       # pylint: disable=wrong-import-position

# what has to be said about each test; all others have to pass
EXPECT = {
    "test_warn": [r"kernel log: WARNING: .*bug_set"],
    "test_oops": [r"kernel log: BUG: kernel NULL pointer dereference"],
    "test_panic": [r"kernel log: .*Kernel panic - not syncing: planted panic"],
    "test_hang": [r"the machine hung"],
    "test_stuck": [r"module cannot be removed: 1 references left"],
    "test_timeout": [r"timed out after 2 s"],
    "test_unkillable": [r"timed out after 3 s"],
    "test_silent": [r"no TAP"],
    "test_plan": [r"1 points, 2 planned"],
    "test_status": [r"exit status 3 though nothing failed"],
    "test_skip": [r"skipped without a reason"],
    "test_point": [r"^not fine"],
}
# bug (kmod/plant.h): the kernel and the test, and what has to be said
PLANTS = {
    "uaf": ("kasan", "test_pair", r"kernel log: BUG: KASAN: use-after-free in af_zmq_poll"),
    "leak": ("kasan", "test_pair", r"kmemleak: unreferenced object"),
    "inversion": ("kasan", "test_pair",
                  r"kernel log: WARNING: possible circular locking dependency"),
    "sleep": ("kasan", "test_pair",
              r"kernel log: BUG: sleeping function called from invalid context"),
    "race": ("kcsan", "test_threads", r"kernel log: BUG: KCSAN: data-race in af_zmq_poll"),
}
# runs after the test which leaks, and does not: leaks are looked for after both
INNOCENT = {"leak": ["test_sockopt"]}
PASSES = ["test_good", "test_zgood", "test_leftover"]
# an emulator that dies at so many starts before it goes on
LOSES = """#!/bin/sh
left=$(cat "$0.left")
[ "$left" = 0 ] || { echo $((left - 1)) >"$0.left"; exit 1; }
exec qemu-system-x86_64 "$@"
"""


def judge(total, failures):
    """Compare what was said with what had to be said."""
    said = {}
    for f in failures:
        name, _, what = f.partition(": ")
        said.setdefault(name, []).append(what)
    for name, patterns in EXPECT.items():
        found = said.pop(name, [])
        for p in patterns:
            if any(re.search(p, x) for x in found):
                total.passed += 1
                vm.show(f"ok - {name} fails: {p}")
            else:
                total.fail(name, f"nobody said: {p}, only {found}")
    for name, found in said.items():
        total.fail(name, f"failed for no reason: {found}")


def plants(total, names):
    """Build each bug into the module and let an ordinary test stumble over it."""
    os.environ["VM_SLOW"] = os.environ.get("VM_SLOW") or "6"
    if suite.make("-k", "selftests", "SELFTESTS=test_pair test_threads test_sockopt"):
        raise Failure("the test programs do not build")
    for name in names:
        kernel, test, wanted = PLANTS[name]
        kdir = run_script("mkdebug.sh", kernel)
        out = os.path.join(suite.TOP, "build", f"plant-{name}")
        r = subprocess.run([os.path.join(suite.TOP, "tools", "build-variant.sh"), out,
                            kdir, f"ZMQ_PLANT={name}"], check=False)
        if r.returncode:
            raise Failure(f"the module with {name} does not build")
        run = vm.run_tests(argparse.Namespace(
            kdir=kdir, keep=os.environ.get("KEEP"), dir=None,
            tests=[test, *INNOCENT.get(name, [])],
            ko=os.path.join(out, "zmq.ko")))
        said = [f for f in run.failures if re.search(wanted, f)]
        others = [f for f in run.failures if not f.startswith(f"{test}: ")]
        if said and not others:
            total.passed += 1
            vm.show(f"ok - {name} is caught: {said[0]}")
        else:
            total.fail(name, f"{test} did not say: {wanted}, or others did:"
                       f" {run.failures}")


def lost_boots(total, args):
    """One lost boot is made good, a second one is a failure."""
    with tempfile.TemporaryDirectory() as tmp:
        qemu = os.path.join(tmp, "qemu")
        with open(qemu, "w", encoding="utf-8") as f:
            f.write(LOSES)
        os.chmod(qemu, 0o755)
        for lost, wanted in ((1, []),
                             (2, ["test_good: the machine did not boot: QEMU ended with 1"])):
            with open(f"{qemu}.left", "w", encoding="utf-8") as f:
                f.write(str(lost))
            os.environ["VM_QEMU"] = qemu
            run = vm.run_tests(argparse.Namespace(
                kdir=args.kdir, keep=None, ko=args.ko, tests=["test_good"],
                dir=[os.path.join(HERE, "tests")]))
            del os.environ["VM_QEMU"]
            if run.failures == wanted:
                total.passed += 1
                vm.show(f"ok - {lost} lost boots: {wanted or 'the test passes'}")
            else:
                total.fail("rig", f"{lost} lost boots: {run.failures}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--kdir", required=True)
    p.add_argument("--ko", required=True)
    p.add_argument("--plant", action="append", choices=list(PLANTS),
                   help="only this bug in the real module")
    args = p.parse_args()
    total = Tally()
    try:
        if not args.plant:
            faults(total, args)
            lost_boots(total, args)
        plants(total, args.plant or PLANTS)
    except Failure as e:
        say(e)
        return 2
    for what in total.failures:
        vm.show(f"not ok - {what}")
    vm.show(total.summary())
    return bool(total.failures)


def faults(total, args):
    """The faults of the module that has nothing else."""
    args.dir, args.tests = [os.path.join(HERE, "tests")], []
    args.keep = os.environ.get("KEEP")
    run = vm.run_tests(args)
    vm.show("\n# What follows counts: the failures above were planted.")
    judge(total, run.failures)
    for name in PASSES:
        if not any(f.startswith(name + ":") for f in run.failures):
            total.passed += 1
            vm.show(f"ok - {name} passes")
    if run.skipped != 2:
        total.fail("rig", f"{run.skipped} points skipped, not 2")


if __name__ == "__main__":
    sys.exit(main())
