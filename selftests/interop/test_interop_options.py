#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 120
"""Options of connections: what AF_ZMQ and libzmq make of them, each with the
other at the far end."""

import functools
import os
import re
import signal
import socket
import subprocess

from afzmq import (BACKLOG, BINDTODEVICE, DEALER, HEARTBEAT_IVL,
                   HEARTBEAT_TIMEOUT, IPC_FILTER_GID, IPC_FILTER_PID,
                   IPC_FILTER_UID, IPV6, PULL, PUSH, RCVBUF, RECONNECT_IVL,
                   SNDBUF, TCP_ACCEPT_FILTER, TCP_KEEPALIVE, TCP_KEEPALIVE_CNT,
                   TCP_KEEPALIVE_IDLE, TCP_KEEPALIVE_INTVL, TOS, USE_FD)
from child import Child
from interop import Cases, K, L, TCP, joined
from ztap import Skip, same, until

tap = Cases()
SOON = {RECONNECT_IVL: 30}


def port_of(where):
    return where.rpartition(":")[2]


# ---- the TCP sockets


def ss(*args):
    return subprocess.run(["ss", "-H", *args], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def traits(line, options):
    """What ss(8) tells of a socket, as far as these options are to be seen."""
    seen = {"keepalive": re.findall(r"timer:\(keepalive,(\d+min)", line),
            "tos": re.findall(r"tos:(\S+)", line),
            "device": re.findall(r"%(\w+):", line)}
    if SNDBUF in options:
        seen["buffers"] = re.findall(r"\b([rt]b\d+)", line)
    return seen


def of_connection(cls, options, binds):
    """The socket of cls, whose peer is libzmq's and has no options."""
    with cls(DEALER, {**options, **SOON}) as a, L(DEALER, SOON) as b:
        if binds:
            where = joined(a, b)
        else:
            where = joined(b, a)
        side = "sport" if binds else "dport"

        def acknowledged():
            """Its line, once no other timer stands in the place of keepalive."""
            line, = ss("-tnmoe", "-O", "--tos", "state", "established",
                       f"{side} = :{port_of(where)}").splitlines()
            return "timer:(on" not in line and line

        return traits(until(acknowledged, "the acknowledgement"), options)


def alike(options, binds):
    want = of_connection(L, options, binds)
    print("#  ", want)
    same(of_connection(K, options, binds), want, "the socket")
    return want


def seen(options, name, value, binds):
    """Nor do both of them show nothing."""
    same(alike(options, binds)[name], value, name)


KEEPALIVE = {TCP_KEEPALIVE: 1, TCP_KEEPALIVE_IDLE: 1000, TCP_KEEPALIVE_CNT: 3,
             TCP_KEEPALIVE_INTVL: 20}

for _text, *_what in (
        ("no options", {}, "keepalive", []),
        ("keepalive", KEEPALIVE, "keepalive", ["16min"]),
        ("keepalive of the system", {TCP_KEEPALIVE: 1}, "keepalive", ["119min"]),
        ("no keepalive", {**KEEPALIVE, TCP_KEEPALIVE: 0}, "keepalive", []),
        ("TOS", {TOS: 0x28}, "tos", ["0x28"]),
        ("SNDBUF and RCVBUF", {SNDBUF: 20000, RCVBUF: 30000}, "buffers",
         ["rb60000", "tb40000"]),
        ("BINDTODEVICE", {BINDTODEVICE: b"lo"}, "device", ["lo"])):
    for _binds in True, False:
        tap.add(f"{_text}: {'accepted' if _binds else 'connecting'} sockets are "
                "as libzmq's", functools.partial(seen, *_what, _binds))


def backlog(cls, options):
    with cls(PULL, options) as a:
        port = port_of(a.bind(TCP))
        return ss("-ltn", f"sport = :{port}").split()[2]


@tap.case("BACKLOG: listening sockets are as libzmq's")
def _backlog():
    for value in 100, 1, 7:
        for cls in L, K:
            same(backlog(cls, {BACKLOG: value}), str(value), "backlog")
    same(backlog(K, {}), backlog(L, {}), "backlog")


# ---- who listens, and to whom


def listener(text):
    """A socket that listens, made by the program."""
    if text.startswith("tcp"):
        return socket.create_server(("127.0.0.1", 0))
    s = socket.socket(socket.AF_UNIX)
    s.bind(text[6:])
    s.listen(5)
    return s


@tap.both("USE_FD: a socket that listens already, tcp and ipc")
def _use_fd(cls, peer):
    name = f"ipc://{os.getcwd()}/adopted"
    for text in "tcp", name:
        with listener(text) as own:
            where = text if text == name else \
                f"tcp://127.0.0.1:{own.getsockname()[1]}"
            # libzmq closes it in the end, AF_ZMQ leaves it to the program
            fd = os.dup(own.fileno())
            with cls(PULL, {USE_FD: fd}) as a, peer(PUSH, SOON) as b:
                same(a.bind(where), where)
                if a.kernel:
                    os.close(fd)
                b.connect(where)
                for n in range(10):
                    b.send(b"%d" % n)
                same([a.recv() for _ in range(10)],
                     [b"%d" % n for n in range(10)])
            # neither has ended it, nor removed its file
            with socket.socket(own.family) as last:
                last.connect(own.getsockname())
    os.unlink(name[6:])


@tap.both("TCP_ACCEPT_FILTER: who may come in")
def _accept_filter(cls, peer):
    with cls(PULL) as a, peer(PUSH, SOON) as good, peer(PUSH, SOON) as bad:
        a.set(TCP_ACCEPT_FILTER, b"127.0.0.2/31")
        a.set(TCP_ACCEPT_FILTER, b"127.9.0.0/16")
        port = port_of(a.bind(TCP))
        bad.connect(f"tcp://127.0.0.4:0;127.0.0.1:{port}")
        bad.send(b"bad")
        good.connect(f"tcp://127.0.0.3:0;127.0.0.1:{port}")
        good.connect(f"tcp://127.9.8.7:0;127.0.0.1:{port}")
        good.wait_peers(2)
        for n in range(2):
            good.send(b"good")
            same(a.recv(), b"good")
        a.nothing(300)


@tap.both("IPC_FILTER_UID, GID and PID: who may come in")
def _ipc_filter(cls, peer):
    for option, own in ((IPC_FILTER_UID, os.getuid()),
                        (IPC_FILTER_GID, os.getgid()),
                        (IPC_FILTER_PID, os.getpid())):
        for value in own + 1, own:
            where = f"ipc://@filter-{cls is K}-{option}-{value}"
            with cls(PULL, {option: value}) as a, peer(PUSH, SOON) as b:
                a.bind(where)
                b.connect(where)
                b.send(b"x")
                if value == own:
                    same(a.recv(), b"x")
                else:
                    a.nothing(200)


# ---- addresses


@tap.both("the name of an interface, to bind and as the source")
def _interface(cls, peer):
    with cls(PULL) as a, peer(PUSH) as b:
        where = a.bind("tcp://lo:*")
        same(where, f"tcp://127.0.0.1:{port_of(where)}")
        b.connect(f"tcp://lo:0;127.0.0.1:{port_of(where)}")
        b.send(b"through")
        same(a.recv(), b"through")


@tap.both("the zone of a link-local address")
def _zone(cls, peer):
    if not os.path.exists("/proc/net/if_inet6"):
        raise Skip("no IPv6 here")
    subprocess.run(["ip", "addr", "replace", "fe80::1/64", "dev", "lo", "nodad"],
                   check=True)
    with cls(PULL, {IPV6: 1}) as a, peer(PUSH, {IPV6: 1}) as b:
        where = a.bind("tcp://[fe80::1%lo]:*")
        same(where, f"tcp://[fe80::1%lo]:{port_of(where)}")
        b.connect(where)
        b.send(b"through")
        same(a.recv(), b"through")


# ---- heartbeats


def dealer(tell, cls, where):
    with cls(DEALER, SOON) as d:
        d.connect(where)
        d.wait_peers(1)
        tell("there")
        while True:
            d.send(d.recv())


@tap.case("HEARTBEAT_IVL: libzmq that is stopped is left, and comes back")
def _heartbeat():
    with K(DEALER, {HEARTBEAT_IVL: 50, HEARTBEAT_TIMEOUT: 1000}) as a:

        def answers():
            return a.peers == 1 and (a.send(b"?") or a.poll(timeout=500))

        where = a.bind(TCP)
        with Child(dealer, L, where) as c:
            same(c.hear(), "there")
            until(answers, "an answer")
            os.kill(c.pid, signal.SIGSTOP)
            a.wait_peers(0)
            while a.poll(timeout=0):
                same(a.recv(), b"?")
            os.kill(c.pid, signal.SIGCONT)
            until(answers, "another answer")


tap.run()
