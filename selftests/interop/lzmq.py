# SPDX-License-Identifier: GPL-2.0
"""libzmq by pyzmq, behind the same methods as afzmq.Socket."""

import errno
import functools
import itertools
import os
import select

import zmq
from zmq.utils.monitor import parse_monitor_message

import afzmq
from ztap import until

_contexts = {}
_numbers = itertools.count()


def context():
    """One context a process; a fork starts with none."""
    pid = os.getpid()
    if pid not in _contexts:
        _contexts.clear()
        _contexts[pid] = zmq.Context()
    return _contexts[pid]


NUMBERS = {zmq.EFSM: errno.EBADFD, zmq.ETERM: errno.ESHUTDOWN,
           zmq.ENOCOMPATPROTO: errno.EPROTOTYPE, zmq.ENOTSUP: errno.EOPNOTSUPP}


def linux_errors(fn):
    """Let libzmq's errors look like those of a system call."""
    @functools.wraps(fn)
    def call(*args, **kwargs):
        try:
            return fn(*args, **kwargs)
        except zmq.ZMQError as e:
            number = NUMBERS.get(e.errno, e.errno)
            raise OSError(number, os.strerror(number)) from e
    return call


class Socket:
    """One libzmq socket, with its monitor."""

    kernel = False
    DONTWAIT = zmq.DONTWAIT

    def __init__(self, kind, options=(), timeout=afzmq.TIMEOUT, ctx=None):
        self.kind = kind
        self.zsock = (ctx or context()).socket(kind)
        self.zsock.linger = 0
        self.zsock.rcvtimeo = self.zsock.sndtimeo = timeout
        # of its own: pyzmq's goes by a descriptor, which comes again too soon
        self.monitor = self.zsock.get_monitor_socket(
            addr=f"inproc://lzmq-{os.getpid()}-{next(_numbers)}")
        self.events = []
        for option, value in dict(options).items():
            self.set(option, value)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if not self.zsock.closed:
            self.zsock.disable_monitor()
            self.zsock.close(0)

    @linux_errors
    def set(self, option, value):
        if isinstance(value, str):
            value = value.encode()
        self.zsock.set(option, value)

    @linux_errors
    def get(self, option):
        return self.zsock.get(option)

    @linux_errors
    def get_bytes(self, option):
        return self.zsock.get(option)

    @property
    def endpoint(self):
        return self.zsock.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    @linux_errors
    def bind(self, text):
        self.zsock.bind(text)
        return self.endpoint

    @linux_errors
    def connect(self, text):
        self.zsock.connect(text)

    @linux_errors
    def unbind(self, text):
        self.zsock.unbind(text)

    @linux_errors
    def disconnect(self, text):
        self.zsock.disconnect(text)

    # what the monitor has told

    def monitored(self):
        """All events up to now; also lets libzmq do what it has put off."""
        while self.monitor.poll(0):
            event = parse_monitor_message(self.monitor.recv_multipart())
            self.events.append(event["event"])
        # behind them: a socket learns of a peer by a command sent before the event
        self.zsock.get(zmq.EVENTS)
        return self.events

    def count(self, event):
        return self.monitored().count(event)

    def wait_event(self, event, count=1, timeout=15):
        until(lambda: self.count(event) >= count, f"event {event!r}", timeout)

    @property
    def peers(self):
        return (self.count(zmq.EVENT_HANDSHAKE_SUCCEEDED)
                - self.count(zmq.EVENT_DISCONNECTED))

    def wait_peers(self, count, timeout=15):
        until(lambda: self.peers == count,
              f"{count} peers of {afzmq.NAMES[self.kind]} (libzmq)", timeout)

    # messages

    @linux_errors
    def send(self, frame, more=False, flags=0):
        self.zsock.send(frame, flags | (zmq.SNDMORE if more else 0))

    @linux_errors
    def send_multipart(self, frames, flags=0):
        self.zsock.send_multipart(frames, flags)

    send_whole = send_multipart

    @linux_errors
    def recv(self, flags=0):
        return self.zsock.recv(flags)

    @property
    def more(self):
        return bool(self.zsock.get(zmq.RCVMORE))

    @linux_errors
    def recv_multipart(self, flags=0):
        return self.zsock.recv_multipart(flags)

    def poll(self, events=select.POLLIN, timeout=afzmq.TIMEOUT):
        ask = (zmq.POLLIN if events & select.POLLIN else 0) \
            | (zmq.POLLOUT if events & select.POLLOUT else 0)
        got = self.zsock.poll(timeout, ask)
        return (select.POLLIN if got & zmq.POLLIN else 0) \
            | (select.POLLOUT if got & zmq.POLLOUT else 0)

    nothing = afzmq.Socket.nothing
