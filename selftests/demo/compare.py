#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""compare.py SENT RECEIVED PREFIX COUNT: what was received has to be COUNT
messages as they were sent, all that match the prefix from the first to the
last of them, and some that do not match have to lie between."""

import sys


def lines(path):
    with open(path, encoding="ascii") as f:
        return f.read().splitlines()


def main():
    sent, received = lines(sys.argv[1]), lines(sys.argv[2])
    prefix, count = sys.argv[3], int(sys.argv[4])
    if len(received) != count:
        sys.exit(f"{len(received)} messages received, {count} asked for")
    if received[0] not in sent:
        sys.exit(f"nobody has sent {received[0]!r}")
    start = sent.index(received[0])
    if received[-1] not in sent[start:]:
        sys.exit(f"nobody has sent {received[-1]!r}")
    window = sent[start:sent.index(received[-1]) + 1]
    expected = [x for x in window if x.startswith(prefix)]
    if received != expected:
        sys.exit(f"received {received}\nexpected {expected}")
    others = len(window) - len(expected)
    if prefix and not others:
        sys.exit("there was nothing to filter")
    print(f"{count} messages as they were sent, {others} others kept away")


main()
