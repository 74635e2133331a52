#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make check-rig: each planted fault has to fail its test, and only that one."""

import argparse
import os
import re
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import vm                                   # pylint: disable=wrong-import-position
from machine import Failure, say            # pylint: disable=wrong-import-position
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
PASSES = ["test_good", "test_zgood", "test_leftover"]


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


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--kdir", required=True)
    p.add_argument("--ko", required=True)
    args = p.parse_args()
    args.dir, args.tests = [os.path.join(HERE, "tests")], []
    args.keep = os.environ.get("KEEP")
    total = Tally()
    try:
        run = vm.run_tests(args)
    except Failure as e:
        say(e)
        return 2
    vm.show("\n# What follows counts: the failures above were planted.")
    judge(total, run.failures)
    for name in PASSES:
        if not any(f.startswith(name + ":") for f in run.failures):
            total.passed += 1
            vm.show(f"ok - {name} passes")
    if run.skipped != 2:
        total.fail("rig", f"{run.skipped} points skipped, not 2")
    for what in total.failures:
        vm.show(f"not ok - {what}")
    vm.show(total.summary())
    return bool(total.failures)


if __name__ == "__main__":
    sys.exit(main())
