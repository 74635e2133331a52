#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 120
"""SOCKS_PROXY: AF_ZMQ and libzmq as clients of one SOCKS5 proxy, which has to
hear the same from both."""

from afzmq import (DEALER, HANDSHAKE_IVL, IPV6, PULL, PUSH, RECONNECT_IVL, ROUTER,
                   SOCKS_PASSWORD, SOCKS_PROXY, SOCKS_USERNAME)
from interop import Cases, TCP
from socks5 import Proxy
from ztap import SLOW, same, until

tap = Cases()
SOON = {RECONNECT_IVL: 30, HANDSHAKE_IVL: 20000 * SLOW}


def through(proxy, cls, peer, options, name="127.0.0.1"):
    """A message each way, by way of the proxy. Returns what that has heard."""
    with cls(DEALER, {**SOON, **options, SOCKS_PROXY: proxy.address}) as s, \
            peer(ROUTER, {IPV6: 1}) as r:
        port = r.bind("tcp://*:*").rpartition(":")[2]
        s.connect(f"tcp://{name}:{port}")
        s.send(b"there")
        who, what = r.recv_multipart()
        same(what, b"there")
        r.send_multipart([who, b"and back"])
        same(s.recv(), b"and back")
        for n in range(100):
            s.send(b"%d" % n * n)
        for n in range(100):
            same(r.recv_multipart(), [who, b"%d" % n * n])
        number = int(port).to_bytes(2, "big")
        return b"".join(proxy.heard[-1]), number


@tap.both("no authentication: IPv4, IPv6, a name")
def _plain(cls, peer):
    with Proxy() as proxy:
        heard, port = through(proxy, cls, peer, {})
        same(heard, b"\5\1\0" b"\5\1\0\1\x7f\0\0\1" + port)
        heard, port = through(proxy, cls, peer, {}, "localhost")
        same(heard, b"\5\1\0" b"\5\1\0\3\x09localhost" + port)
        heard, port = through(proxy, cls, peer, {IPV6: 1}, "[::1]")
        same(heard, b"\5\1\0" b"\5\1\0\4" + b"\0" * 15 + b"\1" + port)


@tap.both("user name and password")
def _auth(cls, peer):
    with Proxy("me", "secret") as proxy:
        heard, port = through(proxy, cls, peer, {SOCKS_USERNAME: "me",
                                                 SOCKS_PASSWORD: "secret"})
        same(heard, b"\5\1\2" b"\1\2me\6secret" b"\5\1\0\1\x7f\0\0\1" + port)
    with Proxy("only me") as proxy:
        heard, port = through(proxy, cls, peer, {SOCKS_USERNAME: "only me"})
        same(heard, b"\5\1\2" b"\1\7only me\0" b"\5\1\0\1\x7f\0\0\1" + port)


# libzmq 4.3.4 aborts: "Bad file descriptor (src/epoll.cpp:113)"
@tap.kernel_only("the wrong password, and none: tries go on, nobody gets through")
def _wrong(cls, peer):
    for options in {}, {SOCKS_USERNAME: "me", SOCKS_PASSWORD: "guess"}:
        with Proxy("me", "secret") as proxy, peer(PULL) as pull, \
                cls(PUSH, {**SOON, **options, SOCKS_PROXY: proxy.address}) as s:
            s.connect(pull.bind(TCP))
            s.send(b"not this way")
            until(lambda: len(proxy.heard) > 3, "three tries")
            same(pull.poll(timeout=0), 0, "messages")


@tap.both("a proxy that refuses at first, and one that goes away")
def _refuse(cls, peer):
    with Proxy(refuse=3) as proxy, peer(PULL) as pull, \
            cls(PUSH, {**SOON, SOCKS_PROXY: proxy.address}) as s:
        s.connect(pull.bind(TCP))
        s.send(b"first")
        same(pull.recv(), b"first")
        same(len(proxy.heard), 4, "tries")
        for _ in range(3):
            before = len(proxy.heard)
            pull.wait_peers(1)
            proxy.drop()
            until(lambda: len(proxy.heard) > before, "another connection")
            # what is sent before the end is known is lost
            until(lambda: s.send(b"again") or pull.poll(timeout=100), "a message")
            while pull.poll(timeout=0):
                same(pull.recv(), b"again")


# libzmq wants NULL, which pyzmq cannot give it
@tap.kernel_only("the option is cleared: no proxy any more")
def _clear(cls, peer):
    with Proxy() as proxy, peer(PULL) as pull, \
            cls(PUSH, {**SOON, SOCKS_PROXY: proxy.address}) as s:
        same(s.get_bytes(SOCKS_PROXY).rstrip(b"\0"), proxy.address.encode())
        s.set(SOCKS_PROXY, b"")
        s.connect(pull.bind(TCP))
        s.send(b"directly")
        same(pull.recv(), b"directly")
        same(proxy.heard, [])


tap.run()
