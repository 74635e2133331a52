# SPDX-License-Identifier: GPL-2.0
"""A peer made of a TCP socket and bytes: greetings, frames, commands."""

import select
import socket
import struct
import time

from ztap import SLOW, brief

WAIT = 20 * SLOW    # seconds for any byte that has to come
QUIET = 0.1         # seconds after which nothing more is expected


class Raw:
    """One TCP connection; everything it reads is awaited for WAIT at most.

    While it waits it calls idle(): libzmq puts some work off until the program
    calls it again.
    """

    def __init__(self, sock, idle=None):
        self.sock = sock
        self.idle = idle or (lambda: None)
        self.sock.settimeout(WAIT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, *parts):
        self.sock.sendall(b"".join(parts))

    def dribble(self, data):
        """One octet a segment."""
        for n in range(len(data)):
            self.sock.sendall(data[n:n + 1])

    def _some(self, count, until):
        """The next octets, b"" at the end, None when nothing came in time."""
        while True:
            left = until - time.monotonic()
            if not select.select([self.sock], [], [], max(0, min(0.02, left)))[0]:
                if left < 0:
                    return None
                self.idle()
                continue
            try:
                return self.sock.recv(count)
            except ConnectionResetError:
                return b""

    def read(self, count):
        """Exactly so many octets, or as many as come before the end."""
        got = b""
        until = time.monotonic() + WAIT
        while len(got) < count:
            part = self._some(count - len(got), until)
            if part is None:
                raise AssertionError(
                    f"{len(got)} of {count} octets came: {brief(got)}")
            if not part:
                break
            got += part
        return got

    def waits(self, seconds):
        """Whether there is something to read within this time."""
        return bool(select.select([self.sock], [], [], seconds)[0])

    def rest(self):
        """What comes until it is quiet, and whether the peer has hung up."""
        got = b""
        while True:
            part = self._some(65536, time.monotonic() + QUIET)
            if not part:
                return got, part is not None
            got += part

    def ended(self):
        """Wait for the peer to hang up; what it has sent before."""
        got = b""
        until = time.monotonic() + WAIT
        while True:
            part = self._some(65536, until)
            if part is None:
                raise AssertionError(f"still connected; got {brief(got)}")
            if not part:
                return got
            got += part

    # frames of 2.0 and 3.x

    def frame(self):
        """(flags, body) of the next frame; None at the end."""
        head = self.read(2)
        if len(head) < 2:
            return None
        size = head[1]
        if head[0] & 2:
            size = struct.unpack(">Q", head[1:] + self.read(7))[0]
        return head[0], self.read(size)

    def message(self):
        frames = []
        while True:
            got = self.frame()
            if got is None:
                raise AssertionError(f"the peer hung up after {frames}")
            flags, data = got
            if flags & 4:
                raise AssertionError(f"command {data!r} instead of a message")
            frames.append(data)
            if not flags & 1:
                return frames

    # frames of 1.0

    def frame1(self):
        size = self.read(1)[0]
        if size == 255:
            size = struct.unpack(">Q", self.read(8))[0]
        flags, *_ = self.read(1)
        return flags, self.read(size - 1)

    def message1(self):
        frames = []
        while True:
            flags, data = self.frame1()
            frames.append(data)
            if not flags & 1:
                return frames


def connect(endpoint, idle=None):
    """Connect to the text of a tcp:// endpoint."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    address = (host.strip("[]").replace("0.0.0.0", "127.0.0.1"), int(port))
    return Raw(socket.create_connection(address, WAIT), idle)


class Listener:
    """Somewhere for the other side to connect to."""

    def __init__(self, port=0):
        self.sock = socket.create_server(("127.0.0.1", port))
        self.sock.settimeout(WAIT)
        self.port = self.sock.getsockname()[1]
        self.endpoint = f"tcp://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def accept(self, idle=None):
        return Raw(self.sock.accept()[0], idle)

    def nobody(self, seconds):
        """Check that no connection comes for so long."""
        self.sock.settimeout(seconds)
        try:
            self.sock.accept()
        except TimeoutError:
            return
        finally:
            self.sock.settimeout(WAIT)
        raise AssertionError("a connection nobody should have made")


# the octets of ZMTP

SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"


def greeting3(minor=1, mechanism=b"NULL", as_server=0):
    return (SIGNATURE + bytes((3, minor)) + mechanism.ljust(20, b"\0")
            + bytes((as_server,)) + bytes(31))


def greeting2(kind, revision=1):
    return SIGNATURE + bytes((revision, kind))


def frame(body=b"", more=False, command=False, long=None):
    """A frame of 2.0 or 3.x; long=True for the long form in any case."""
    flags = (1 if more else 0) | (4 if command else 0)
    if long or (long is None and len(body) > 255):
        return struct.pack(">BQ", flags | 2, len(body)) + body
    return bytes((flags, len(body))) + body


def parse(data):
    """The body of a frame that is whole."""
    return data[9:] if data[0] & 2 else data[2:]


def message(*frames):
    return b"".join(frame(f, more=n < len(frames) - 1)
                    for n, f in enumerate(frames))


def frame1(body=b"", more=False, long=None):
    """A frame of 1.0, whose length counts the flags, too."""
    size = len(body) + 1
    if long or (long is None and size > 254):
        return struct.pack(">BQB", 255, size, more) + body
    return bytes((size, more)) + body


def message1(*frames):
    return b"".join(frame1(f, n < len(frames) - 1)
                    for n, f in enumerate(frames))


def command(name, data=b""):
    return frame(bytes((len(name),)) + name + data, command=True)


def properties(pairs):
    return b"".join(bytes((len(k),)) + k + struct.pack(">I", len(v)) + v
                    for k, v in pairs)


def ready(kind, *more):
    """READY with the socket type and further (name, value)."""
    return command(b"READY", properties([(b"Socket-Type", kind), *more]))


def parse_command(body):
    size = body[0]
    return body[1:1 + size], body[1 + size:]


def parse_properties(data):
    found = []
    while data:
        size = data[0]
        name, data = data[1:1 + size], data[1 + size:]
        size, = struct.unpack(">I", data[:4])
        found.append((name, data[4:4 + size]))
        data = data[4 + size:]
    return found
