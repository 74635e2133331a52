# SPDX-License-Identifier: GPL-2.0
"""Judge what test programs print, and keep the sum over all of them."""

import re
import time

POINT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(#.*)?$")
SKIP = re.compile(r"#\s*SKIP\b:?\s*(.*)$", re.I)


class Tally:
    """Points passed, failed and skipped, and the names of the failed ones."""

    def __init__(self):
        self.passed = self.skipped = 0
        self.failures = []
        self.points_failed = []     # of failures, those which are points of a plan
        self.unsteady = []

    def fail(self, where, what):
        self.failures.append(f"{where}: {what}")

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.points_failed += other.points_failed
        self.unsteady += other.unsteady

    def summary(self):
        return (f"{self.passed} passed, {len(self.failures)} failed, "
                f"{self.skipped} skipped")


class Program(Tally):
    """One test program's TAP, fed line by line."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.plan = None
        self.points = 0
        self.begun = time.monotonic()

    def line(self, text):
        plan = PLAN.match(text)
        if plan:
            if self.plan is not None:
                self.fail(self.name, "more than one plan")
            self.plan = int(plan[1])
            if self.plan == 0:
                self.skip(plan[2] or "", "the whole program")
            return
        point = POINT.match(text)
        if point:
            self.point(*point.groups())
        elif text.startswith("Bail out!"):
            self.fail(self.name, text)

    def point(self, bad, number, text):
        self.points += 1
        if number and int(number) != self.points:
            self.fail(self.name, f"point {number} comes as number {self.points}")
        if bad:
            self.fail(self.name, text.lstrip("- ") or f"point {self.points}")
            self.points_failed.append(self.failures[-1])
        elif SKIP.search(text):
            self.skip(text, f"point {self.points}")
        else:
            self.passed += 1

    def skip(self, text, what):
        reason = SKIP.search(text)
        if reason and reason[1].strip():
            self.skipped += 1
        else:
            self.fail(self.name, f"{what} is skipped without a reason")

    def end(self, rc):
        """The program has ended with status rc; None: something stopped it,
        which has been counted already."""
        known = len(self.failures)
        if rc is None:
            return []
        if self.plan is None and not self.points:
            self.fail(self.name, "no TAP" + (f", exit status {rc}" if rc else ""))
        elif self.plan is None:
            self.fail(self.name, "no plan")
        elif self.plan != self.points:
            self.fail(self.name, f"{self.points} points, {self.plan} planned")
        if rc == 4 and not self.skipped:
            self.fail(self.name, "exit status 4, but no reason for a skip")
        elif rc not in (0, 4) and not self.failures:
            self.fail(self.name, f"exit status {rc} though nothing failed")
        return self.failures[known:]
