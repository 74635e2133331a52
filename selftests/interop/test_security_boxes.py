#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 240
"""Issue 2681 of libzmq: boxes of sizes nobody had thought of ran over a buffer of
CURVE, or ended the process. Here each size comes out as it went in, however it was
cut, or ends its connection."""

import functools
import random

import rawpeer
from curvepeer import MORE, metadata, seal, short
from mechpeer import ROLES, Meeting, counters, faults
from ztap import SLOW, Tap, same, until

tap = Tap()
PUSH = metadata(b"PUSH")
DATA = random.Random(2681).randbytes(140000)
HEAD = 8 + 8 + 16 + 1       # octets of a MESSAGE without anything in it


def sizes():
    """All small ones, and those around where something may end."""
    found = set(range(0, 520, 1 if SLOW == 1 else 7))
    for edge in (1024, 1460, 1500, 2048, 4096, 8192, 16384, 32768, 65483, 65536,
                 131072):
        for beside in (0, 16, 17, 25, HEAD, HEAD + 2, HEAD + 9):
            found.update(range(edge - beside - 1, edge - beside + 2))
    return sorted(found)


def in_pieces(raw, data, cut):
    for at in range(0, len(data), cut):
        raw.send(data[at:at + cut])


def each(text, limit=100):
    def add(fn):
        for role in ROLES:
            tap.add(f"{text}: raw {role}", functools.partial(fn, role), limit)
        return fn
    return add


@each("boxes of all sizes, cut anywhere")
def issue_2681_sizes_of_boxes(role):
    with Meeting("CURVE", role) as m:
        peer = m.shake(PUSH)
        for n, size in enumerate(sizes()):
            body = DATA[n:n + size]
            octets = peer.message(body)
            if n % 3 == 0:
                peer.raw.send(octets)
            elif n % 3 == 1:
                in_pieces(peer.raw, octets, max(1, len(octets) // 3))
            else:
                in_pieces(peer.raw, octets, max(41, len(octets) // 40))
            if m.ours.recv_multipart() != [body]:
                raise AssertionError(f"{size} octets differ")
        # several in one segment, as parts of one message
        frames = [DATA[n:n + size] for n, size in enumerate(sizes()[::5])]
        peer.raw.send(*(peer.message(f, MORE) for f in frames),
                      peer.message(b"last"))
        same(m.ours.recv_multipart(), [*frames, b"last"])
        m.part()
        m.good()


@each("boxes without room for what has to be in them")
def issue_2681_short_boxes(role):
    with Meeting("CURVE", role) as m:
        for size in range(0, HEAD + 3):
            peer = m.shake(PUSH)
            number = short(peer.number())
            whole = b"\7MESSAGE" + number \
                + seal(b"", peer.mine + number, peer.key) + b"more"
            was = faults()
            peer.raw.send(rawpeer.frame(whole[:size].ljust(size, b"\0")))
            peer.raw.ended()
            until(lambda w=was: faults() > w, f"a fault: {size} octets")
            same(faults(), was + 1, f"faults: {size} octets")
            m.ours.wait_peers(0)
            same(m.ours.poll(timeout=0), 0, "messages")
            m.part()
        m.good()
        m.part()
    until(lambda: not counters()["MemBytes"], "memory")


if __name__ == "__main__":
    tap.run()
