# SPDX-License-Identifier: GPL-2.0
"""A peer of bytes that shakes hands by NULL, PLAIN or CURVE in either role, one
command at a time, so that each can be spoiled before it is sent; and what it meets."""

import threading

import rawpeer
from afzmq import (HANDSHAKE_IVL, PLAIN_PASSWORD, PLAIN_SERVER, PLAIN_USERNAME,
                   PULL, PUSH, RECONNECT_IVL, ROUTER, ZAP_DOMAIN, under_test)
from curvepeer import Client, Keys, Peer, Server
from ztap import SLOW

K = under_test()
HANDLER = "inproc://zeromq.zap.01"
TCP = "tcp://127.0.0.1:*"
MECHANISMS = "NULL", "PLAIN", "CURVE"
ROLES = "client", "server"      # of the raw peer
HELLO = b"\5HELLO\4good\6secret"
KEYS = Keys()
SERVER = {
    "NULL": {},
    "PLAIN": {PLAIN_SERVER: 1, ZAP_DOMAIN: b"d"},
    "CURVE": KEYS.at_server(),
}
CLIENT = {
    "NULL": {},
    "PLAIN": {PLAIN_USERNAME: b"good", PLAIN_PASSWORD: b"secret"},
    "CURVE": KEYS.at_client(),
}
TIMES = {HANDSHAKE_IVL: 20000 * SLOW, RECONNECT_IVL: 60000}


def counters():
    with open("/proc/net/zmq_stat", encoding="ascii") as f:
        return {k: int(v) for k, v in map(str.split, f)}


def faults():
    """What peers did wrong, all in all."""
    return sum(v for k, v in counters().items() if k.startswith("Bad")
               or k in ("MsgTooBig", "PeerErrors", "TooManyFrames"))


class Handler(threading.Thread):
    """A ZAP handler that lets in whoever calls himself good, and who has the key."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = K(ROUTER, timeout=-1)
        self.sock.bind(HANDLER)
        self.start()

    def run(self):
        while True:
            frames = self.sock.recv_multipart()
            if len(frames) == 1:
                return
            at = frames.index(b"") + 1
            good = frames[at + 6:] in ([b"good", b"secret"], [KEYS.client])
            self.sock.send_multipart(frames[:at] + [
                b"1.0", frames[at + 1], b"200" if good else b"400", b"",
                b"good" if good else b"", b""])


def curve_client(raw, meta):
    c = Client(raw, KEYS)
    c.greet(0)
    yield c, c.hello()
    c.welcome(c.expect(b"WELCOME"))
    yield c, c.initiate(meta)
    c.ready(c.expect(b"READY"))


def curve_server(raw, meta):
    s = Server(raw, KEYS)
    s.greet(1)
    s.hello(s.expect(b"HELLO"))
    yield s, s.welcome()
    s.initiate(s.expect(b"INITIATE"))
    yield s, s.ready(meta)


def plain_client(raw, meta):
    p = Peer(raw)
    p.greet(0, mechanism=b"PLAIN")
    yield p, HELLO
    p.expect(b"WELCOME")
    yield p, b"\x08INITIATE" + meta
    p.expect(b"READY")


def plain_server(raw, meta):
    p = Peer(raw)
    p.greet(1, mechanism=b"PLAIN")
    p.expect(b"HELLO")
    yield p, b"\7WELCOME"
    p.expect(b"INITIATE")
    yield p, b"\5READY" + meta


def null_peer(raw, meta):
    p = Peer(raw)
    p.greet(0, mechanism=b"NULL")
    yield p, b"\5READY" + meta
    p.expect(b"READY")


TALKS = {
    ("NULL", "client"): null_peer, ("NULL", "server"): null_peer,
    ("PLAIN", "client"): plain_client, ("PLAIN", "server"): plain_server,
    ("CURVE", "client"): curve_client, ("CURVE", "server"): curve_server,
}


class Ended(Exception):
    """AF_ZMQ has hung up in the handshake."""


class Meeting:
    """AF_ZMQ, a PULL socket, and raw peers, of which there is one at a time. A
    client of ours is made anew each time: it does not come again after a fault."""

    def __init__(self, mechanism, role):
        self.mechanism, self.role = mechanism, role
        self.ours = self.where = self.listener = self.raw = None
        if role == "client":
            self.ours = K(PULL, {**SERVER[mechanism], **TIMES})
            self.where = self.ours.bind(TCP)
        else:
            self.listener = rawpeer.Listener()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.part()
        if self.listener:
            self.listener.close()
        if self.ours:
            self.ours.close()

    def meet(self):
        if self.role == "client":
            self.raw = rawpeer.connect(self.where)
        else:
            self.ours = K(PULL, {**CLIENT[self.mechanism], **TIMES})
            self.ours.connect(self.listener.endpoint)
            self.raw = self.listener.accept()

    def part(self):
        if self.raw:
            self.raw.close()
            self.raw = None
        if self.role == "client":
            self.ours.wait_peers(0)
        elif self.ours:
            self.ours.close()
            self.ours = None

    def shake(self, meta, spoil=lambda step, body: body):
        """The whole handshake, each command as spoil() makes it. The peer, which
        may go on; Ended if there was no end to it."""
        self.meet()
        peer = None
        try:
            talk = TALKS[self.mechanism, self.role](self.raw, meta)
            for step, (peer, body) in enumerate(talk):
                peer.command(spoil(step, body))
            self.admitted()
        except AssertionError as e:
            if not str(e).startswith("the end instead of") \
                    and r"\x05ERROR" not in str(e):
                raise
            raise Ended from e
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Ended from e
        return peer

    def admitted(self):
        """Wait for what we said to be taken, or to be the end."""
        while not self.ours.peers:
            if self.raw.waits(0.002) and not self.raw.sock.recv(1, 2):
                raise Ended

    def good(self):
        """Somebody who keeps the rules is served, in the same role."""
        kind = PUSH
        options = {**(CLIENT if self.role == "client" else SERVER)
                   [self.mechanism], **TIMES}
        with K(kind, options) as other:
            if self.role == "client":
                other.connect(self.where)
                ours = self.ours
            else:
                ours = K(PULL, {**CLIENT[self.mechanism], **TIMES})
                ours.connect(other.bind(TCP))
            other.send(b"good")
            got = ours.recv()
            if got != b"good":
                raise AssertionError(f"{got!r} instead of what is good")
            if ours is not self.ours:
                ours.close()
