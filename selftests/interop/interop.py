# SPDX-License-Identifier: GPL-2.0
"""What the cases with AF_ZMQ at one end and libzmq at the other share."""

import functools

import afzmq
import lzmq
from ztap import Skip, Tap

K = afzmq.under_test()
L = lzmq.Socket
TCP = "tcp://127.0.0.1:*"
EAGAIN, EHOSTUNREACH = 11, 113

# little room below the queues, or it takes long to fill them
SMALL = {afzmq.SNDBUF: 32768, afzmq.RCVBUF: 32768}


class Cases(Tap):
    """Cases fn(cls, peer): two classes of sockets, one of them libzmq's."""

    def both(self, text, limit=30):
        """Decorator: the case runs twice, with libzmq in either place."""
        def add(fn):
            self.add(f"{text} (af_zmq)", functools.partial(fn, K, L), limit)
            self.add(f"{text} (libzmq, AF_ZMQ is the peer)",
                     functools.partial(fn, L, K), limit)
            return fn
        return add

    def kernel_only(self, text):
        """Decorator: libzmq 4.3.4 does not know it or does otherwise."""
        def add(fn):
            def guard():
                if not K.kernel:
                    raise Skip("for AF_ZMQ only")
                fn(K, L)
            self.add(text, guard)
            return fn
        return add


def joined(binder, *others):
    """Let others connect to binder, wait until all know each other."""
    where = binder.bind(TCP)
    for s in others:
        s.connect(where)
    for s in others:
        s.wait_peers(1)
    binder.wait_peers(len(others))
    return where
