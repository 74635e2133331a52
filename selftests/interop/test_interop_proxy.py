#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 100
"""Brokers: libzmq's proxies between AF_ZMQ programs, AF_ZMQ as the broker of
libzmq programs, and crowds of clients."""

import functools
import selectors
import threading

import zmq
from zmq.utils.monitor import parse_monitor_message

import afzmq
import lzmq
from afzmq import (DEALER, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, ROUTING_ID,
                   SUB, SUBSCRIBE, XPUB, XSUB)
from matrix import body
from ztap import SLOW, Tap, same, until

K = afzmq.under_test()
L = lzmq.Socket
TCP = "tcp://127.0.0.1:*"
tap = Tap()


class Proxy:
    """libzmq's own proxy between two bound sockets, in a thread."""

    def __init__(self, front, back):
        self.ctx = zmq.Context()
        self.front, self.back = self.ctx.socket(front), self.ctx.socket(back)
        self.monitor = self.back.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED, "inproc://behind")
        control = self.ctx.socket(PAIR)
        control.bind("inproc://control")
        self.control = self.ctx.socket(PAIR)
        self.control.connect("inproc://control")
        self.where = []
        for s in self.front, self.back:
            s.linger = 0
            s.bind(TCP)
            self.where.append(s.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
        self.thread = threading.Thread(target=self.work, args=(control,))
        self.thread.start()

    def work(self, control):
        zmq.proxy_steerable(self.front, self.back, None, control)
        self.back.disable_monitor()
        for s in self.front, self.back, control:
            s.close(0)

    def wait_behind(self, count):
        """Until it knows so many on the far side: libzmq deals out to those only."""
        for n in range(count):
            if not self.monitor.poll(afzmq.TIMEOUT):
                raise AssertionError(f"only {n} of {count} behind the proxy")
            parse_monitor_message(self.monitor.recv_multipart())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.control.send(b"TERMINATE")
        self.thread.join()
        self.control.close(0)
        self.monitor.close(0)
        self.ctx.term()


def many(cls, kind, count, where, options=()):
    """So many connected sockets."""
    made = []
    for n in range(count):
        made.append(cls(kind, {**dict(options)}))
        made[n].connect(where)
    return made


def close(sockets):
    for s in sockets:
        s.close()


def thread(fn, *args):
    t = threading.Thread(target=fn, args=args, daemon=True)
    t.start()
    return t


def serve(worker, count):
    """A REP's life: answer so many requests with something made of them."""
    for _ in range(count):
        frames = worker.recv_multipart()
        worker.send_multipart([b"re"] + frames[::-1])


@tap.case("libzmq's ROUTER/DEALER proxy between our REQs and our REPs", 60)
def _broker():
    with Proxy(ROUTER, DEALER) as proxy:
        front, back = proxy.where
        workers = many(K, REP, 3, back)
        clients = many(K, REQ, 5, front)
        for w in workers:
            w.wait_peers(1)
        proxy.wait_behind(3)
        threads = [thread(serve, w, 20) for w in workers]
        for n in range(12):
            for k, c in enumerate(clients):
                c.send_multipart([b"%d" % n, body(k * 1000)])
            for k, c in enumerate(clients):
                same(c.recv_multipart(), [b"re", body(k * 1000), b"%d" % n])
        for t in threads:
            t.join(10 * SLOW)
            same(t.is_alive(), False, "a worker has work left: ")
        close(workers + clients)


@tap.case("libzmq's PULL/PUSH proxy between our PUSHes and our PULLs", 60)
def _streamer():
    with Proxy(PULL, PUSH) as proxy:
        front, back = proxy.where
        sources = many(K, PUSH, 2, front)
        sinks = many(K, PULL, 2, back)
        for s in sinks:
            s.wait_peers(1)
        for n in range(200):
            sources[n % 2].send_multipart([b"%d" % n, body(n)])
        got = []
        for n in range(200):
            turns = sinks[n % 2], sinks[1 - n % 2]
            sink = until(lambda t=turns: next((s for s in t if s.poll(timeout=0)),
                                              None), "a message")
            number, data = sink.recv_multipart()
            same(data, body(int(number)))
            got.append(int(number))
        same(sorted(got), list(range(200)))
        close(sources + sinks)


@tap.case("libzmq's XSUB/XPUB proxy between our PUBs and our SUBs", 60)
def _forwarder():
    with Proxy(XSUB, XPUB) as proxy:
        front, back = proxy.where
        pubs = many(K, PUB, 2, front)
        subs = [K(SUB, {SUBSCRIBE: b"%d" % n}) for n in range(3)]
        for s in subs:
            s.connect(back)
        for n, s in enumerate(subs):
            for p in pubs:
                until(lambda p=p, s=s, n=n: p.send(b"%d settle" % n)
                      or s.poll(timeout=20), "a way through")
                p.send(b"%d settled" % n)
                while s.recv() != b"%d settled" % n:
                    pass
        for k in range(50):
            for n in range(4):
                pubs[k % 2].send_multipart([b"%d" % n, b"%d" % k, body(k)])
            for n, s in enumerate(subs):
                # each has the settling of later ones behind it
                got = s.recv_multipart()
                while len(got) == 1:
                    got = s.recv_multipart()
                same(got, [b"%d" % n, b"%d" % k, body(k)])
        close(pubs + subs)


def forward(front, back, stop):
    """A broker in the way of the book: whole messages from one to the other."""
    with selectors.DefaultSelector() as sel:
        sel.register(front.sock, selectors.EVENT_READ, (front, back))
        sel.register(back.sock, selectors.EVENT_READ, (back, front))
        while not stop.is_set():
            for key, _ in sel.select(0.1):
                source, sink = key.data
                sink.send_multipart(source.recv_multipart())


@tap.case("our ROUTER and DEALER as the broker of libzmq programs", 60)
def _our_broker():
    if not K.kernel:
        return      # libzmq's sockets are not pollable file descriptors
    stop = threading.Event()
    with K(ROUTER) as front, K(DEALER) as back:
        clients = many(L, REQ, 5, front.bind(TCP))
        workers = many(L, REP, 3, back.bind(TCP))
        front.wait_peers(5)
        back.wait_peers(3)
        broker = thread(forward, front, back, stop)
        threads = [thread(serve, w, 20) for w in workers]
        try:
            for n in range(12):
                for k, c in enumerate(clients):
                    c.send_multipart([b"%d" % n, body(k * 1000)])
                for k, c in enumerate(clients):
                    same(c.recv_multipart(), [b"re", body(k * 1000), b"%d" % n])
        finally:
            for t in threads:
                t.join(10)
            stop.set()
            broker.join(10)
        close(clients + workers)


def crowd(server_class, client_class):
    """Fifty DEALERs at one ROUTER, all talking at once."""
    count = 50
    with server_class(ROUTER) as server:
        where = server.bind(TCP)
        clients = [client_class(DEALER, {ROUTING_ID: b"client %d" % n})
                   for n in range(count)]
        for c in clients:
            c.connect(where)
        for n, c in enumerate(clients):
            for k in range(10):
                c.send_multipart([b"%d" % k, body(n)])
        seen = {}
        for _ in range(count * 10):
            who, number, data = server.recv_multipart()
            n = int(who.split()[1])
            same((int(number), data), (seen.get(n, 0), body(n)))
            seen[n] = seen.get(n, 0) + 1
            server.send_multipart([who, b"re " + number])
        same(seen, {n: 10 for n in range(count)})
        for c in clients:
            same([c.recv() for _ in range(10)], [b"re %d" % k for k in range(10)])
        server.wait_peers(count)
        close(clients)
        server.wait_peers(0)


tap.add("fifty libzmq clients at our ROUTER", functools.partial(crowd, K, L), 60)
tap.add("our fifty clients at libzmq's ROUTER", functools.partial(crowd, L, K), 60)


def audience(publisher_class, subscriber_class):
    """Thirty subscribers, each of them gets what it asked for."""
    with publisher_class(XPUB) as p:
        where = p.bind(TCP)
        subs = []
        for n in range(30):
            s = subscriber_class(SUB, {SUBSCRIBE: b"%02d" % n})
            s.set(SUBSCRIBE, b"all")
            s.connect(where)
            subs.append(s)
        want = {b"\1%02d" % n for n in range(30)} | {b"\1all"}
        got = set()
        until(lambda: got.add(p.recv()) or got == want, "31 notices", 30)
        # the second subscription of the last one may still be on its way
        until(lambda: p.send(b"all settle") or all(
            s.poll(timeout=20) for s in subs), "all of them")
        p.send(b"all settled")
        for n in range(30):
            p.send_multipart([b"%02d" % n, body(n * 100)])
        p.send(b"nobody")
        p.send(b"all done")
        for n, s in enumerate(subs):
            while s.recv() != b"all settled":
                pass
            same(s.recv_multipart(), [b"%02d" % n, body(n * 100)])
            same(s.recv_multipart(), [b"all done"])
        close(subs)


tap.add("thirty libzmq subscribers of our publisher",
        functools.partial(audience, K, L), 60)
tap.add("our thirty subscribers of libzmq's publisher",
        functools.partial(audience, L, K), 60)


@tap.case("a socket with peers of both kinds: ours and libzmq's")
def _mixed():
    with K(DEALER) as hub:
        where = hub.bind(TCP)
        peers = many(K, DEALER, 3, where) + many(L, DEALER, 3, where)
        hub.wait_peers(6)
        for n in range(60):
            hub.send(b"%d" % n)
        got = []
        for p in peers:
            mine = [int(p.recv()) for _ in range(10)]
            same(mine, sorted(mine))
            got += mine
            p.send(b"done")
        same(sorted(got), list(range(60)))
        same([hub.recv() for _ in peers], [b"done"] * 6)
        close(peers)


@tap.case("a hundred connections one after the other")
def _turnover():
    for server_class, client_class in (K, L), (L, K):
        with server_class(REP) as server:
            where = server.bind(TCP)
            for n in range(50):
                with client_class(REQ) as c:
                    c.connect(where)
                    c.send(b"%d" % n)
                    same(server.recv(), b"%d" % n)
                    server.send(b"yes")
                    same(c.recv(), b"yes")
            server.wait_peers(0)


tap.run()
