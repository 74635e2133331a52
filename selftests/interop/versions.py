# SPDX-License-Identifier: GPL-2.0
"""The four versions of ZMTP as a raw peer speaks them, and the sessions in
which the same bytes go to libzmq and to AF_ZMQ."""

import struct

import afzmq
import lzmq
import rawpeer
from rawpeer import (command, frame, frame1, greeting2, greeting3,
                     message, message1, parse_command, parse_properties, ready)
from ztap import brief, same

NULL = b"NULL".ljust(20, b"\0")

# the octet by which 2.0 names a type
OCTET = {name.encode(): number for number, name in enumerate(afzmq.NAMES)}


def signature(identity):
    """What begins every greeting; it is a 1.0 header of the identity, too."""
    return b"\xff" + struct.pack(">Q", len(identity) + 1) + b"\x7f"


class V1:
    """No version, no types; identities and frames, lengths with the flags."""

    name = "1.0"
    subscribes = False      # the publisher has to take "all" for granted
    encode = staticmethod(message1)

    @staticmethod
    def shake(raw, _kind, identity=b""):
        """Say hello; what the other side says, to be compared."""
        raw.send(frame1(identity))
        head = raw.read(10)
        size = struct.unpack(">Q", head[1:9])[0]
        return {"greeting": head, "identity": raw.read(size - 1)}

    @staticmethod
    def read(raw):
        return raw.message1()

    @staticmethod
    def subscription(topic, on=True):
        return message1(bytes((on,)) + topic)


class V2:
    """Types by number, identities as frames."""

    name = "2.0"
    subscribes = True
    encode = staticmethod(message)

    @staticmethod
    def shake(raw, kind, identity=b""):
        raw.send(greeting2(OCTET[kind]), frame(identity))
        return {"greeting": raw.read(12), "identity": raw.frame()}

    @staticmethod
    def read(raw):
        return raw.message()

    @staticmethod
    def subscription(topic, on=True):
        return message(bytes((on,)) + topic)


class V30:
    """READY with properties; subscriptions are messages."""

    name = "3.0"
    minor = 0
    subscribes = True
    encode = staticmethod(message)

    @classmethod
    def shake(cls, raw, kind, identity=b""):
        raw.send(greeting3(cls.minor))
        greeting = raw.read(64)
        named = [(b"Identity", identity)] if identity else []
        raw.send(ready(kind, *named))
        return {"greeting": greeting, "ready": read_ready(raw)}

    @staticmethod
    def read(raw):
        return raw.message()

    @staticmethod
    def subscription(topic, on=True):
        return message(bytes((on,)) + topic)


class V31(V30):
    """Subscriptions are commands."""

    name = "3.1"
    minor = 1

    @staticmethod
    def subscription(topic, on=True):
        return command(b"SUBSCRIBE" if on else b"CANCEL", topic)


def read_subscription(raw, version):
    """(on, topic); libzmq's XSUB sends messages to a 3.1 peer, too, which have
    the same meaning as the commands every SUB sends.
    """
    if version is V1:
        flags, data = raw.frame1()
    else:
        flags, data = raw.frame()
    if flags == 4 and version is V31:
        name, topic = parse_command(data)
        return {b"SUBSCRIBE": True, b"CANCEL": False}[name], topic
    same(flags, 0, "flags of a subscription")
    return {1: True, 0: False}[data[0]], data[1:]


ALL = (V1, V2, V30, V31)


def read_ready(raw):
    """The properties of the READY that has to come now.

    An Identity without octets says the same as none: libzmq sends one for REQ,
    DEALER and ROUTER, we need not.
    """
    got = raw.frame()
    if got is None:
        raise AssertionError("the peer hung up instead of READY")
    flags, data = got
    name, rest = parse_command(data)
    same((flags, name), (6 if len(data) > 255 else 4, b"READY"), "the command")
    return [(k, v) for k, v in parse_properties(rest)
            if (k, v) != (b"Identity", b"")]


def expected_hello(version, kind, identity):
    """What shake() has to return when our side is of this type."""
    begin = signature(identity)
    if version is V1:
        return {"greeting": begin, "identity": identity}
    if version is V2:
        return {"greeting": begin + bytes((3, OCTET[kind])),
                "identity": (0, identity)}
    named = [(b"Identity", identity)] if identity else []
    return {"greeting": begin + bytes((3, 1)) + NULL + bytes(32),
            "ready": [(b"Socket-Type", kind)] + named}


class Session:
    """A target socket and a raw peer joined by TCP; the log of the bytes."""

    def __init__(self, cls, kind, raw_listens, options=()):
        self.kind = kind
        self.log = []
        self.target = self.raw = self.listener = None
        try:
            # libzmq reconnects at once or the test takes long
            self.target = cls(kind, {afzmq.RECONNECT_IVL: 50, **dict(options)})
            if raw_listens:
                self.listener = rawpeer.Listener()
                self.target.connect(self.listener.endpoint)
                self.raw = self.listener.accept(self.idle)
            else:
                where = self.target.bind("tcp://127.0.0.1:*")
                self.raw = rawpeer.connect(where, self.idle)
        except BaseException:
            self.close()
            raise

    def idle(self):
        self.target.poll(timeout=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for x in (self.target, self.raw, self.listener):
            if x:
                x.close()

    def note(self, what, value):
        self.log.append((what, value))
        return value

    def expect(self, data, what="bytes"):
        """The very next bytes."""
        same(self.note(what, self.raw.read(len(data))), data, what)

    def quiet(self, ended=False):
        """Nothing more comes; the connection is up, or not."""
        same(self.note("rest", self.raw.rest()), (b"", ended), "the rest")

    def closed(self):
        """The target hangs up without a further byte."""
        same(self.note("end", self.raw.ended()), b"", "before the end")


def differential(kernel, script):
    """Run the script with libzmq and with the kernel: the same has to come."""
    logs = []
    for cls in (lzmq.Socket, kernel):
        try:
            logs.append(script(cls).log)
        except (AssertionError, OSError) as e:
            raise AssertionError(f"with {'AF_ZMQ' if cls.kernel else 'libzmq'}: "
                                 f"{type(e).__name__} {e}") from e
    if logs[0] != logs[1]:
        for ours, theirs in zip(logs[1], logs[0]):
            if ours != theirs:
                raise AssertionError(f"{ours[0]}: AF_ZMQ sends {brief(ours[1])}, "
                                     f"libzmq {brief(theirs[1])}")
        raise AssertionError(f"AF_ZMQ's log is {logs[1]}, libzmq's {logs[0]}")
    if not logs[0]:
        raise AssertionError("the script has compared nothing")
