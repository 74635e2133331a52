#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 200
"""Servers that ask a ZAP handler beside them, clients of the other make: what is
asked, and what a client makes of the answer."""

import errno
import itertools

from afzmq import (DEALER, HANDSHAKE_IVL, LINGER, PULL, PUSH, RECONNECT_IVL, REP,
                   ROUTER, ROUTING_ID)
from curvepeer import Keys
from interop import Cases, TCP
from ztap import SLOW, same, until

PLAIN_SERVER, PLAIN_USERNAME, PLAIN_PASSWORD, ZAP_DOMAIN = 44, 45, 46, 55
HANDLER = "inproc://zeromq.zap.01"
KEYS = Keys()
numbers = itertools.count()
tap = Cases()

SERVER = {
    "NULL": {ZAP_DOMAIN: b"global"},
    "PLAIN": {ZAP_DOMAIN: b"global", PLAIN_SERVER: 1},
    "CURVE": {ZAP_DOMAIN: b"global", **KEYS.at_server()},
}
CLIENT = {
    "NULL": {RECONNECT_IVL: 50, LINGER: 0},
    "PLAIN": {RECONNECT_IVL: 50, LINGER: 0, PLAIN_USERNAME: b"joe",
              PLAIN_PASSWORD: b"secret"},
    "CURVE": {RECONNECT_IVL: 50, LINGER: 0, **KEYS.at_client()},
}
CREDENTIALS = {"NULL": [], "PLAIN": [b"joe", b"secret"], "CURVE": [KEYS.client]}


def opened(handler):
    """libzmq lets go of a name some time after close()."""
    def bound():
        try:
            handler.bind(HANDLER)
        except OSError as e:
            if e.errno != errno.EADDRINUSE:
                raise
            return False
        return True
    until(bound, "the name of handlers")


def question(handler):
    """What was asked, from the version on, and how to answer."""
    frames = handler.recv_multipart()
    at = frames.index(b"") + 1 if frames[0] != b"1.0" else 0

    def answer(status, user=b"", metadata=b""):
        handler.send_multipart(frames[:at] + [b"1.0", frames[at + 1], status, b"text",
                                              user, metadata])
    return frames[at:], answer


def each(text, handlers=(REP, ROUTER)):
    """Decorator: fn(server, client, mechanism, handler), each make as the server."""
    def add(fn):
        for mechanism in SERVER:
            for kind in handlers:
                name = "REP" if kind == REP else "ROUTER"
                tap.both(f"{text}: {mechanism}, handler {name}")(
                    lambda server, client, a=(mechanism, kind): fn(server, client, *a))
        return fn
    return add


@each("what is asked, and who may come in does")
def _asked(server, client, mechanism, kind):
    # a file of its own: libzmq removes it some time after close()
    ipc = f"ipc:///tmp/interop-zap-{next(numbers)}"
    for where, address in (TCP, b"127.0.0.1"), (ipc, None):
        with server(kind) as handler, \
                server(DEALER, {**SERVER[mechanism], ROUTING_ID: b"me"}) as ours, \
                client(DEALER, CLIENT[mechanism]) as theirs:
            opened(handler)
            theirs.connect(ours.bind(where))
            asked, answer = question(handler)
            same(asked[0], b"1.0")
            same(asked[2], b"global")
            if address:
                same(asked[3], address)
            else:
                same(asked[3].split(b":")[0], b"localhost")
                same(len(asked[3].split(b":")), 4)
            same(asked[4], b"me")
            same(asked[5], mechanism.encode())
            same(asked[6:], CREDENTIALS[mechanism])
            answer(b"200", b"joe")
            theirs.send_multipart([b"let", b"me", b"in"])
            same(ours.recv_multipart(), [b"let", b"me", b"in"])
            ours.send(b"yes")
            same(theirs.recv(), b"yes")


@each("300: comes again", handlers=(REP,))
def _again(server, client, mechanism, kind):
    """A server of libzmq ends it only when the time of the handshake is over."""
    limit = {HANDSHAKE_IVL: 500 * SLOW}
    with server(kind) as handler, \
            server(PULL, {**SERVER[mechanism], **limit}) as ours, \
            client(PUSH, CLIENT[mechanism]) as theirs:
        opened(handler)
        theirs.connect(ours.bind(TCP))
        theirs.send(b"in")
        question(handler)[1](b"300")
        # again and again: that time may be over before the answer is there
        until(lambda: ours.poll(timeout=20) or (
            handler.poll(timeout=0) and question(handler)[1](b"200")), "the message")
        same(ours.recv(), b"in")


@each("400 and 500: stays away", handlers=(ROUTER,))
def _refused(server, client, mechanism, kind):
    """The client of libzmq overlooks an ERROR that comes before it has said READY,
    and so it may come again: with NULL the handler may be that fast."""
    for status in b"400", b"500":
        with server(kind) as handler, server(PULL, SERVER[mechanism]) as ours, \
                client(PUSH, CLIENT[mechanism]) as theirs:
            opened(handler)
            theirs.connect(ours.bind(TCP))
            theirs.send(b"in")
            question(handler)[1](status)
            tries = 50 if mechanism == "NULL" and not theirs.kernel else 0
            while handler.poll(timeout=500) and tries:
                question(handler)[1](status)
                tries -= 1
            same(handler.poll(timeout=0), 0, "questions")
            same(ours.poll(timeout=0), 0, "messages")


if __name__ == "__main__":
    tap.run()
