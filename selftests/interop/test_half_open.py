#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 500
"""Ten thousand strangers that begin the handshake of PLAIN or CURVE and never end
it, each at another step, while good clients come and talk. All sockets of these
strangers stay open; how many of them the server holds is bounded."""

import resource
import socket
import struct
import threading

import rawpeer
from afzmq import (DEALER, HANDSHAKE_IVL, PLAIN_PASSWORD, PLAIN_SERVER,
                   PLAIN_USERNAME, ROUTER, ROUTING_ID, ZAP_DOMAIN)
from curvepeer import Client, Keys
from matrix import K, L
from ztap import SLOW, Tap, same, until

# how many, and how many of them are held: the default of sysctl handshakes_max,
# less where each takes a tenth of a second
STRANGERS, LIMIT = (10000, 1024) if SLOW == 1 else (400, 128)
SYSCTL = "/proc/sys/net/zmq/handshakes_max"
GOOD = 10               # clients that come in between
HANDLER = "inproc://zeromq.zap.01"
WELCOME = 64 + 2        # octets in front of what is in WELCOME
tap = Tap()


def counter(name):
    with open("/proc/net/zmq_stat", encoding="ascii") as f:
        return int(dict(map(str.split, f))[name])


def held(port):
    """TCP connections of this port of ours that are not at their end."""
    want = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as f:
        return sum(1 for line in f if line[6:19].endswith(want)
                   and line.split()[3] == "01")


def bounded(port):
    """How many are held: the oldest make room for each that comes, but end a
    moment later."""
    return until(lambda: (n := held(port)) <= LIMIT + 8 and n, "the evicted")


def more_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (STRANGERS + 1000, max(hard, STRANGERS + 1000)))


class Curve:
    """One recorded HELLO for all: a stranger need not spend what it costs us."""

    welcome = WELCOME + 168

    def __init__(self):
        self.keys = Keys()
        self.server = self.keys.at_server()
        self.good = self.keys.at_client()
        hello = rawpeer.frame(Client(None, self.keys).hello(), command=True)
        greeting = rawpeer.greeting3(1, b"CURVE")
        self.steps = (b"", greeting, greeting + hello[:100], greeting + hello,
                      greeting + hello)

    def close(self):
        pass


class Plain:
    """The handler never answers about those who are called silent."""

    welcome = WELCOME + 8

    def __init__(self):
        self.server = {PLAIN_SERVER: 1, ZAP_DOMAIN: b"d"}
        self.good = {PLAIN_USERNAME: b"good", PLAIN_PASSWORD: b"p"}
        greeting = rawpeer.greeting3(1, b"PLAIN")
        silent = rawpeer.command(b"HELLO", b"\6silent\1p")
        good = rawpeer.command(b"HELLO", b"\4good\1p")
        self.steps = (b"", greeting, greeting + silent[:9], greeting + silent,
                      greeting + good)
        self.handler = K(ROUTER, timeout=-1)
        self.handler.bind(HANDLER)
        self.thread = threading.Thread(target=self.answer)
        self.thread.start()

    def answer(self):
        while True:
            frames = self.handler.recv_multipart()
            at = frames.index(b"") + 1
            user = frames[at + 6]
            if user == b"good":
                self.handler.send_multipart(frames[:at] + [
                    b"1.0", frames[at + 1], b"200", b"", b"good", b""])
            elif user == b"end":
                return

    def close(self):
        """A last question, which ends the thread."""
        with K(DEALER, {**self.good, PLAIN_USERNAME: b"end"}) as c, \
                K(ROUTER, self.server) as s:
            c.connect(s.bind("tcp://127.0.0.1:*"))
            self.thread.join()
        self.handler.close()


def stranger(port, mech, n):
    """One that has said so much; the last kind has read its WELCOME, too."""
    sock = socket.create_connection(("127.0.0.1", port), 60)
    step = n % len(mech.steps)
    sock.sendall(mech.steps[step])
    if step == len(mech.steps) - 1:
        left = mech.welcome
        while left:
            got = sock.recv(left)
            if not got:
                raise AssertionError(f"stranger {n}: the end, not WELCOME")
            left -= len(got)
    return sock


def talks(server, client, name):
    client.send_multipart([b"hello", name])
    same(server.recv_multipart(), [name, b"hello", name])
    server.send_multipart([name, b"welcome"])
    same(client.recv(), b"welcome")


def siege(make):
    with open(SYSCTL, "r+", encoding="ascii") as f:
        if SLOW == 1:
            same(int(f.read()), LIMIT, "the default")
        else:
            f.write(str(LIMIT))
    mech = make()
    crowd = []
    more_files()
    evicted = counter("HandshakesEvicted")
    most = 0
    with K(ROUTER, {**mech.server, HANDSHAKE_IVL: 3600000}) as s, \
            K(DEALER, {**mech.good, ROUTING_ID: b"old"}) as old:
        where = s.bind("tcp://127.0.0.1:*")
        port = int(where.rpartition(":")[2])
        old.connect(where)
        talks(s, old, b"old")
        memory = counter("MemBytes")
        try:
            for n in range(STRANGERS):
                crowd.append(stranger(port, mech, n))
                if n % (STRANGERS // GOOD):
                    continue
                name = b"new %d" % n
                cls = L if len(crowd) % 2 else K
                with cls(DEALER, {**mech.good, ROUTING_ID: name}) as new:
                    new.connect(where)
                    talks(s, new, name)
                talks(s, old, b"old")
                s.wait_peers(1)
                most = max(most, bounded(port))
            print(f"# {STRANGERS} strangers, {most} held at most, "
                  f"{counter('HandshakesEvicted') - evicted} evicted, "
                  f"{counter('MemBytes') - memory} octets of memory")
            same(s.peers, 1, "peers")
            bounded(port)
            same(counter("HandshakesEvicted") - evicted
                 >= STRANGERS - LIMIT - 8, True, "evicted")
            same(counter("MemBytes") - memory < 1 << 20, True, "memory")
            same(s.stats.mem, 0, "octets against the socket's bounds")
            talks(s, old, b"old")
        finally:
            for sock in crowd:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
                sock.close()
        until(lambda: held(port) == 1, "the end of all strangers", 60)
        talks(s, old, b"old")
    mech.close()
    until(lambda: not held(port), "the end of all", 30)
    until(lambda: not counter("MemBytes"), "memory", 30)


@tap.case(f"CURVE: {STRANGERS} stop at some step", 220)
def _curve():
    siege(Curve)


@tap.case(f"PLAIN: {STRANGERS} stop at some step", 220)
def _plain():
    siege(Plain)


if __name__ == "__main__":
    tap.run()
