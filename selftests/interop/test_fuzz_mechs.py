#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 400 + ZMQ_SECONDS
"""A raw peer that knows the keys, and spoils something: its greeting, a command, its
sealed inside, a box of the traffic, or what is in one. Nothing that was spoiled
may be delivered, each fault is counted, and good peers are served.

ZMQ_SECONDS: how long, 15 by default. ZMQ_SEED: which cases; a case is a function
of the seed and its number. Keys are new in each run.
"""

import contextlib
import os
import random
import time

import rawpeer
from curvepeer import COMMAND, MORE, metadata, prop, seal, short
from mechpeer import MECHANISMS, ROLES, Ended, Handler, Meeting, counters, faults
from ztap import SLOW, Tap, brief, same, until

SECONDS = int(os.environ.get("ZMQ_SECONDS") or 15)
SEED = int(os.environ.get("ZMQ_SEED") or 0) or int.from_bytes(os.urandom(3), "big")
LEAST = 60 // SLOW     # cases that have to come about, of each kind
PUSH = metadata(b"PUSH") + prop(b"Identity", b"somebody") + prop(b"X-A", b"b" * 9)
WORDS = (b"\4PING\0\0", b"\4PONG", b"\x09SUBSCRIBE", b"\6CANCEL", b"\5READY",
         b"\5ERROR\003400", b"\5HELLO", b"\7MESSAGE", b"\4JOIN\1g", b"\0", b"\xff")
tap = Tap()


def octets(rnd, most):
    return rnd.randbytes(rnd.randrange(most + 1))


def spoiled(rnd, data):
    """Some octets changed, cut off, put in, doubled; never the same."""
    out = bytearray(data)
    while out == data:
        for _ in range(rnd.choice((1, 1, 1, 2, 5))):
            at = rnd.randrange(len(out) + 1)
            how = rnd.randrange(6)
            if how == 0 and at < len(out):
                out[at] ^= 1 << rnd.randrange(8)
            elif how == 1 and at < len(out):
                out[at] = rnd.choice((0, 1, 0x7f, 0x80, 0xff, rnd.randrange(256)))
            elif how == 2:
                del out[at:at + rnd.choice((1, 2, 8, 16, 1000))]
            elif how == 3:
                out[at:at] = octets(rnd, rnd.choice((1, 16, 300)))
            elif how == 4 and at < len(out):
                end = rnd.randrange(at, len(out) + 1)
                out[at:at] = out[at:end]
            elif at < len(out):
                end = min(len(out), at + rnd.choice((4, 8, 32)))
                out[at:end] = rnd.randbytes(end - at)
    return bytes(out)


class Fuzz:
    """Cases of one kind, until the time is over."""

    def __init__(self, number, share):
        self.seed, self.end = number * 1000003 + SEED, None
        self.share = share
        self.cases = self.kept = self.ended = 0

    def __iter__(self):
        end = time.monotonic() + SECONDS * self.share
        while self.cases < LEAST or not self.ended or time.monotonic() < end:
            yield random.Random(self.seed + self.cases)
            self.cases += 1

    def counted(self, was, what):
        self.ended += 1
        until(lambda: faults() > was, f"a fault: {what}")

    def done(self):
        print(f"# {self.cases} cases, {self.ended} ended, {self.kept} kept",
              flush=True)
        same(self.ended > 0, True, "some ended")


def same_hello(step, body, was):
    """libzmq does not look at HELLO's zeros, so neither do we."""
    return step == 0 and len(body) == len(was) and \
        body[:8] == was[:8] and body[80:] == was[80:]


def commands(mechanism, role, fuzz):
    """One command of a handshake is spoiled."""
    steps = 1 if mechanism == "NULL" else 2
    with Meeting(mechanism, role) as m:
        for rnd in fuzz:
            which = rnd.randrange(steps)
            told = []

            def spoil(step, body, rnd=rnd, which=which, told=told):
                if step != which:
                    return body
                told.append((step, spoiled(rnd, body), body))
                return told[0][1]

            was = faults()
            try:
                m.shake(PUSH, spoil)
                fuzz.kept += 1
                if mechanism == "CURVE" and not (
                        role == "client" and same_hello(*told[0])):
                    raise AssertionError(f"case {fuzz.cases}: "
                                         f"{brief(told[0][1])} was let in")
            except Ended:
                if mechanism != "PLAIN" or which:
                    fuzz.counted(was, f"case {fuzz.cases}")
                else:
                    # another name or password, maybe
                    fuzz.ended += 1
            m.part()
            if fuzz.cases % 100 == 0:
                m.good()
        m.good()


def greetings(mechanism, role, fuzz):
    """A spoiled greeting, and what would be enough to come in where it is taken for
    one of an older version: nobody gets past a mechanism that way."""
    greeting = rawpeer.greeting3(1, mechanism.encode(), role == "server")
    with Meeting(mechanism, role) as m:
        for rnd in fuzz:
            was = counters()["HandshakesOk"]
            m.meet()
            with contextlib.suppress(OSError):
                m.raw.send(spoiled(rnd, greeting), b"\0\0\0\4evil")
                m.raw.sock.shutdown(1)
            m.raw.ended()
            m.ours.wait_peers(0)
            fuzz.ended += 1
            same(counters()["HandshakesOk"], was, f"let in, case {fuzz.cases}")
            same(m.ours.poll(timeout=0), 0, f"messages, case {fuzz.cases}")
            m.part()
        m.good()


def insides(role, fuzz):
    """The metadata are spoiled, then sealed as they should be."""
    with Meeting("CURVE", role) as m:
        for rnd in fuzz:
            meta = spoiled(rnd, PUSH)
            was = faults()
            try:
                m.shake(meta)
                fuzz.kept += 1
            except Ended:
                fuzz.counted(was, f"case {fuzz.cases}")
            m.part()
        m.good()


def delivered(m, want, what):
    """Exactly these messages, and then nothing."""
    for n, frames in enumerate(want):
        same(m.ours.recv_multipart(), frames, f"message {n}, {what}")
    m.ours.wait_peers(0)
    same(m.ours.poll(timeout=0), 0, f"more messages, {what}")


def good_messages(rnd, peer):
    """Their frames and octets; frames of one message in boxes of their own."""
    want, out = [], []
    for _ in range(rnd.randrange(4)):
        frames = [octets(rnd, rnd.choice((3, 40, 300, 5000)))
                  for _ in range(rnd.choice((1, 1, 3)))]
        want.append(frames)
        out += [peer.message(f, MORE) for f in frames[:-1]]
        out.append(peer.message(frames[-1]))
    return want, out


def forged(rnd, peer, before):
    """The body of a frame that is none of ours, though it looks like one."""
    size = rnd.choice((0, 1, 30, 300, 4000, 5000, 9000))
    good = rawpeer.parse(peer.message(octets(rnd, size)))
    how = rnd.randrange(5)
    if how == 0 and before:
        return rawpeer.parse(rnd.choice(before))        # said before
    if how == 1:
        return good[:8] + short(rnd.randrange(1 << 64)) + good[16:]
    if how == 2:
        number = short(peer.number())       # sealed for the other direction
        return b"\7MESSAGE" + number + seal(b"\0turned", peer.theirs + number,
                                           peer.key)
    if how == 3:
        number = short(peer.number())       # under another key
        return b"\7MESSAGE" + number + seal(b"\0stolen", peer.mine + number,
                                           rnd.randbytes(32))
    return spoiled(rnd, good)


def boxes(role, fuzz):
    """Traffic is good up to a frame that was changed, replayed or forged."""
    with Meeting("CURVE", role) as m:
        for rnd in fuzz:
            peer = m.shake(PUSH)
            want, before = good_messages(rnd, peer)
            last = forged(rnd, peer, before)
            was = faults()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.raw.send(b"".join(before), rawpeer.frame(last))
            peer.raw.ended()
            fuzz.counted(was, f"case {fuzz.cases}")
            delivered(m, want, f"case {fuzz.cases}: {brief(last)}")
            m.part()
            if fuzz.cases % 100 == 0:
                m.good()
        m.good()


def to_the_end(m, peer, data):
    """Say this and no more; the other side may have hung up before."""
    with contextlib.suppress(OSError):
        peer.raw.send(data)
        peer.raw.sock.shutdown(1)
    peer.raw.ended()
    m.ours.wait_peers(0)


def stream(role, fuzz):
    """Octets are spoiled wherever they stand, headers too; then no more come."""
    with Meeting("CURVE", role) as m:
        for rnd in fuzz:
            peer = m.shake(PUSH)
            want, out = good_messages(rnd, peer)
            all_of_it = b"".join(out) + peer.message(b"last")
            want.append([b"last"])
            bad = spoiled(rnd, all_of_it)
            to_the_end(m, peer, bad)
            got = []
            while m.ours.poll(timeout=0):
                got.append(m.ours.recv_multipart())
            same(got, want[:len(got)], f"messages, case {fuzz.cases}")
            fuzz.kept += len(got) == len(want)
            fuzz.ended += len(got) < len(want)
            m.part()
        m.good()


def contents(role, fuzz):
    """Boxes are good, what is in them is any flags and octets."""
    with Meeting("CURVE", role) as m:
        for rnd in fuzz:
            peer = m.shake(PUSH)
            want, out = [], b""
            for _ in range(rnd.randrange(1, 4)):
                flags = rnd.choice((0, 0, COMMAND, COMMAND, rnd.randrange(256)))
                data = octets(rnd, rnd.choice((9, 300)))
                if rnd.randrange(2):
                    data = spoiled(rnd, rnd.choice(WORDS))
                want.append(data)
                out += peer.message(data, flags)
            to_the_end(m, peer, out)
            while m.ours.poll(timeout=0):
                for frame in m.ours.recv_multipart():
                    same(frame in want, True, f"sent, case {fuzz.cases}")
                    fuzz.kept += 1
            fuzz.ended += 1
            m.part()
        m.good()


def add(text, number, fn, share, *args):
    def case():
        fuzz = Fuzz(number, share)
        try:
            fn(*args, fuzz)
        except Exception:
            print(f"# ZMQ_SEED={SEED}, case {fuzz.cases} of {text}")
            raise
        fuzz.done()
    tap.add(text, case, 120 + SECONDS)


def _nothing_is_held():
    until(lambda: not counters()["MemBytes"], "memory")


# all kinds, and the share of the time that each gets
for i, what in enumerate((m, r) for m in MECHANISMS for r in ROLES):
    if what[0] != "NULL":       # kernel/test_fuzz_wire.c does
        add(f"greetings: {what[0]}, raw {what[1]}", i + 10, greetings, 0.03, *what)
    add(f"commands: {what[0]}, raw {what[1]}", i, commands, 0.05, *what)
for i, who in enumerate(ROLES):
    add(f"insides: raw {who}", i + 20, insides, 0.05, who)
    add(f"boxes: raw {who}", i + 30, boxes, 0.1, who)
    add(f"stream: raw {who}", i + 40, stream, 0.06, who)
    add(f"contents: raw {who}", i + 50, contents, 0.05, who)
tap.add("nothing is held", _nothing_is_held)

if __name__ == "__main__":
    print(f"# ZMQ_SEED={SEED}")
    Handler()
    tap.run()
