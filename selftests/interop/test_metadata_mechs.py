#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 300
"""Metadata of all sizes, of each mechanism, from clients and servers: libzmq wrote
behind a buffer on its stack when a peer told more than it had expected."""

import functools
import struct

from curvepeer import metadata, prop
from mechpeer import MECHANISMS, ROLES, Ended, Handler, Meeting, faults
from ztap import Tap, same, until

tap = Tap()
PUSH = metadata(b"PUSH")
KEPT = 1024         # octets of a value that can be asked for
ALL_KEPT = 4096     # of all properties


def each(text, limit=120):
    """Decorator: fn(mechanism, role of the raw peer)"""
    def add(fn):
        for mechanism in MECHANISMS:
            for role in ROLES:
                tap.add(f"{text}: {mechanism}, raw {role}",
                        functools.partial(fn, mechanism, role), limit)
        return fn
    return add


def told(meeting, meta, properties=()):
    """It is let in, and known by these."""
    meeting.shake(meta)
    (peer, *_), = meeting.ours.peer_list()
    for name, value in properties:
        same(meeting.ours.peer_prop(peer.handle, name), value, name)
    meeting.part()


def refused(meeting, meta, what):
    was = faults()
    try:
        meeting.shake(meta)
    except Ended:
        meeting.part()
        until(lambda: faults() > was, f"a fault: {what}")
        same(faults(), was + 1, f"faults: {what}")
    else:
        raise AssertionError(f"{what}: let in")


@each("names and values of 0, 1, 255, 256 octets and more")
def cve_2019_13132_sizes(mechanism, role):
    with Meeting(mechanism, role) as m:
        for size in 0, 1, 255, 256, KEPT:
            told(m, PUSH + prop(b"X-Size", bytes(size)),
                 [("X-Size", bytes(size))])
        for size in KEPT + 1, ALL_KEPT, 32768, 65000:
            told(m, PUSH + prop(b"X-Size", bytes(size))
                 + prop(b"X-Next", b"kept"), [("X-Next", b"kept")])
        for size in 1, 2, 254, 255:
            told(m, prop(b"n" * size, b"value") + PUSH,
                 [("n" * size, b"value")])
        refused(m, PUSH + prop(b"", b"value"), "no name")
        refused(m, PUSH + prop(b"", b""), "nothing")
        for size in 0, 1, 255:
            told(m, PUSH + prop(b"Identity", bytes(size)))
        for size in 256, 257, 65000:
            refused(m, PUSH + prop(b"Identity", bytes(size)),
                    f"identity of {size}")
            refused(m, prop(b"Socket-Type", b"P" * size), f"type of {size}")
        m.good()


@each("lengths that are not true")
def cve_2019_13132_lengths(mechanism, role):
    with Meeting(mechanism, role) as m:
        for size in (5, 6, 255, 256, 65536, 0x7fffffff, 0x80000000, 0xfffffff0,
                     0xfffffffb, 0xfffffffc, 0xffffffff):
            refused(m, PUSH + b"\1X" + struct.pack(">I", size) + b"four",
                    f"value of {size:#x}")
        for size in 6, 7, 127, 128, 255:
            refused(m, PUSH + bytes((size,)) + b"X\0\0\0\0", f"name of {size}")
        whole = PUSH + prop(b"X-Next", b"value")
        for n in range(1, len(whole)):
            if n != len(PUSH):
                refused(m, whole[:n], f"{n} octets")
        m.good()


@each("64 KiB in one piece and in ten thousand")
def cve_2019_13132_64_kib(mechanism, role):
    tiny = prop(b"x", b"")
    with Meeting(mechanism, role) as m:
        told(m, PUSH + tiny * ((65000 - len(PUSH)) // len(tiny)),
             [("x", b"")])
        told(m, prop(b"x", b"") * 9000 + PUSH)
        told(m, PUSH + b"".join(prop(b"X-%d" % n, b"v" * 100)
                                for n in range(550)), [("X-0", b"v" * 100)])
        told(m, PUSH + prop(b"X", bytes(65536 - 64)))
        for size in 65537, 65600, 1 << 17, 1 << 20:
            refused(m, PUSH + prop(b"X", bytes(size)), f"{size} octets")
        m.good()


if __name__ == "__main__":
    Handler()
    tap.run()
