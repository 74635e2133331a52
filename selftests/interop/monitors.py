# SPDX-License-Identifier: GPL-2.0
"""Monitors of AF_ZMQ and of libzmq, behind the same methods: lists of Event."""

import collections
import itertools
import os
import select
import struct

import zmq

import afzmq
import lzmq
from ztap import SLOW

MONITOR_OPEN = 1030
RECORD = "=IHHQQQQQQIHHHHHH"
BOUND = 1
WAIT = 15000    # ms for an event that has to come

NAMES = {getattr(zmq, "EVENT_" + name): name for name in (
    "CONNECTED", "CONNECT_DELAYED", "CONNECT_RETRIED", "LISTENING",
    "BIND_FAILED", "ACCEPTED", "ACCEPT_FAILED", "CLOSED", "CLOSE_FAILED",
    "DISCONNECTED", "MONITOR_STOPPED", "HANDSHAKE_FAILED_NO_DETAIL",
    "HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_PROTOCOL",
    "HANDSHAKE_FAILED_AUTH")}
# Here libzmq tells a descriptor, the kernel a handle.
HANDLES = ("CONNECTED", "LISTENING", "ACCEPTED", "CLOSED", "DISCONNECTED")

Event = collections.namedtuple("Event", "name value where")


def event(number, value, where):
    """What can be compared: handles are not, nor is how long a wait takes."""
    name = NAMES[int(number)]
    if name in HANDLES:
        value = "handle" if value > 0 else value
    elif name == "CONNECT_RETRIED":
        value = "ms" if value > 0 else value
    return Event(name, value, where)


class Monitor:
    """A list that grows."""

    def __init__(self):
        self.events = []

    def wait(self, timeout):
        raise NotImplementedError

    def read(self):
        raise NotImplementedError

    def next(self):
        if not self.wait(WAIT * SLOW):
            raise AssertionError(f"no further event after {self.names()}")
        self.events.append(self.read())
        return self.events[-1]

    def until(self, name, count=1):
        """Read on until so many of this name have come."""
        while self.names().count(name) < count:
            self.next()

    def more(self, timeout=150):
        while self.wait(timeout):
            self.events.append(self.read())

    def names(self):
        return [e.name for e in self.events]


class KernelMonitor(Monitor):
    """getsockopt(ZMQ_MONITOR_OPEN)"""

    def __init__(self, sock):
        super().__init__()
        self.fd = sock.sock.getsockopt(afzmq.SOL_ZMQ, MONITOR_OPEN)
        self.seq = 0

    def close(self):
        os.close(self.fd)

    def wait(self, timeout):
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        return poller.poll(timeout)

    def read(self):
        data = os.read(self.fd, 2560)
        (size, hdr, flags, seq, lost, _time, number, value, _peer, _error, rid,
         local, remote) = struct.unpack_from(RECORD, data)[:13]
        self.seq += 1
        if size != len(data) or seq != self.seq or lost:
            raise AssertionError(f"record {data!r}")
        here = data[hdr + rid:hdr + rid + local]
        there = data[hdr + rid + local:hdr + rid + local + remote]
        return event(number, value, (here if flags & BOUND else there).decode())


class LibMonitor(Monitor):
    """zmq_socket_monitor(), version 1"""

    number = itertools.count()

    def __init__(self, sock):
        super().__init__()
        where = f"inproc://monitors-{next(self.number)}"
        sock.zsock.monitor(where, zmq.EVENT_ALL)
        self.pair = lzmq.context().socket(zmq.PAIR)
        self.pair.linger = 0
        self.pair.connect(where)

    def close(self):
        self.pair.close()

    def wait(self, timeout):
        return self.pair.poll(timeout)

    def read(self):
        head, where = self.pair.recv_multipart()
        number, value = struct.unpack("=HI", head)
        return event(number, value, where.decode())


def monitor(sock):
    return KernelMonitor(sock) if sock.kernel else LibMonitor(sock)
