#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What `make check REPEAT=N` forgives, and what it never does (../check.py)."""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.realpath(__file__)))]

import check                                # pylint: disable=wrong-import-position
from tap import Program, Tally              # pylint: disable=wrong-import-position


def program(name, *lines):
    """What a program has printed."""
    total, p = Tally(), Program(name)
    for line in lines:
        p.line(line)
    p.end(1 if p.failures else 0)
    total.add(p)
    return total


def good(name="test_a"):
    return program(name, "1..2", "ok 1 one", "ok 2 two")


def bad(name="test_a"):
    return program(name, "1..2", "ok 1 one", "not ok 2 two")


def repeated(first, later, times=3):
    """The runs it takes, each with what comes of it; what is left in the end."""
    asked, later = [], list(later)
    check.vm.show = lambda text: None
    check.run_tests = lambda names: (asked.append(names), later.pop(0))[1]
    check.repeat(first, times)
    return asked, first


def passes_each_time():
    asked, t = repeated(bad(), [good()] * 3)
    return asked == [["test_a"]] * 3 and not t.failures and t.passed == 2 and \
        t.unsteady == ["test_a: two, then passed 3 times"]


def fails_once_more():
    asked, t = repeated(bad(), [good(), bad(), good()])
    return len(asked) == 2 and t.failures == ["test_a: two"] and not t.unsteady


def not_unless_asked():
    asked, t = repeated(bad(), [], 0)
    return not asked and t.failures == ["test_a: two"] and not t.unsteady


def nothing_failed():
    asked, t = repeated(good(), [])
    return not asked and t.passed == 2


def too_many():
    t = Tally()
    for name in "abcd":
        t.add(bad(f"test_{name}"))
    asked, t = repeated(t, [])
    return not asked and len(t.failures) == 4


def _never(what):
    t = bad()
    t.fail("test_a", what)
    asked, t = repeated(t, [])
    return not asked and len(t.failures) == 2


def the_kernel_reported():
    return _never("kernel: BUG: KASAN: use-after-free in zmq")


def it_took_too_long():
    return _never("timed out after 60 s")


def exit_status():
    t = program("test_a", "1..1", "ok 1 one")
    p = Program("test_a")
    p.line("1..1")
    p.line("ok 1 one")
    p.end(139)
    t.add(p)
    asked, t = repeated(t, [])
    return not asked and t.failures


def plan_not_kept():
    asked, t = repeated(program("test_a", "1..3", "ok 1 one", "not ok 2 two"), [])
    return not asked and len(t.failures) == 2


CASES = (passes_each_time, fails_once_more, not_unless_asked, nothing_failed, too_many,
         the_kernel_reported, it_took_too_long, exit_status, plan_not_kept)


def main():
    print(f"1..{len(CASES)}")
    wrong = 0
    for i, case in enumerate(CASES, 1):
        ok = case()
        wrong += not ok
        print(f"{'' if ok else 'not '}ok {i} {case.__name__}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
