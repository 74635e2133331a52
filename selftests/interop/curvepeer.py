# SPDX-License-Identifier: GPL-2.0
"""A peer of bytes that speaks CURVE, rightly or wrongly; libsodium, which
libzmq has brought along, does the boxes."""

import ctypes
import os
import struct

import afzmq
import rawpeer
from ztap import brief

_sodium = ctypes.CDLL("libsodium.so.23")
if _sodium.sodium_init() < 0:
    raise ImportError("libsodium does not work here")

TAG = 16
CLIENT, SERVER = b"CurveZMQMESSAGEC", b"CurveZMQMESSAGES"
MORE, COMMAND = 1, 2


def random(size):
    return os.urandom(size)


def public(secret):
    out = ctypes.create_string_buffer(32)
    _sodium.crypto_scalarmult_base(out, secret)
    return out.raw


def keypair():
    secret = random(32)
    return public(secret), secret


class Refused(Exception):
    """A box that does not open, or a key that agrees with none."""


def shared(theirs, ours):
    """The key of boxes between a public and a secret key."""
    out = ctypes.create_string_buffer(32)
    if _sodium.crypto_box_beforenm(out, theirs, ours):
        raise Refused
    return out.raw


def seal(data, nonce, key):
    out = ctypes.create_string_buffer(len(data) + TAG)
    assert len(nonce) == 24
    _sodium.crypto_secretbox_easy(out, data, ctypes.c_ulonglong(len(data)),
                                  nonce, key)
    return out.raw


def unseal(box, nonce, key):
    if len(box) < TAG:
        raise Refused
    out = ctypes.create_string_buffer(max(len(box) - TAG, 1))
    assert len(nonce) == 24
    if _sodium.crypto_secretbox_open_easy(
            out, box, ctypes.c_ulonglong(len(box)), nonce, key):
        raise Refused
    return out.raw[:len(box) - TAG]


def short(number):
    return struct.pack(">Q", number)


def prop(name, value):
    return (bytes((len(name),)) + name + struct.pack(">I", len(value)) + value)


def metadata(kind, identity=None):
    out = prop(b"Socket-Type", kind)
    if identity is not None:
        out += prop(b"Identity", identity)
    return out


class Keys:
    """Long-term keys of a server and a client."""

    def __init__(self):
        self.server, self.server_secret = keypair()
        self.client, self.client_secret = keypair()

    def at_server(self):
        return {afzmq.CURVE_SERVER: 1,
                afzmq.CURVE_SECRETKEY: self.server_secret}

    def at_client(self):
        return {afzmq.CURVE_SERVERKEY: self.server,
                afzmq.CURVE_PUBLICKEY: self.client,
                afzmq.CURVE_SECRETKEY: self.client_secret}


class Peer:
    """What both roles do once there is a key."""

    def __init__(self, raw):
        self.raw = raw
        self.key = None
        self.sent = self.heard = 0
        self.mine = self.theirs = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    def greet(self, as_server, minor=1, mechanism=b"CURVE"):
        self.raw.send(rawpeer.greeting3(minor, mechanism, as_server))
        return self.raw.read(64)

    def command(self, body):
        self.raw.send(rawpeer.frame(body, command=True))

    def expect(self, name):
        """The body of the command that has to come next."""
        got = self.raw.frame()
        if got is None:
            raise AssertionError(f"the end instead of {name!r}")
        flags, data = got
        if not flags & 4 or not data.startswith(bytes((len(name),)) + name):
            raise AssertionError(f"{flags:#x} {brief(data)} instead of {name!r}")
        return data[1 + len(name):]

    def number(self):
        self.sent += 1
        return self.sent

    def message(self, data, flags=0, number=None):
        """The octets of a frame with a MESSAGE."""
        number = self.number() if number is None else number
        box = seal(bytes((flags,)) + data, self.mine + short(number), self.key)
        return rawpeer.frame(b"\7MESSAGE" + short(number) + box)

    def send(self, data, flags=0, number=None):
        self.raw.send(self.message(data, flags, number))

    def recv(self):
        """(flags, octets) of what is in the next MESSAGE."""
        got = self.raw.frame()
        if got is None:
            raise AssertionError("the end instead of a MESSAGE")
        flags, data = got
        if flags & 5 or not data.startswith(b"\7MESSAGE"):
            raise AssertionError(f"{flags:#x} {brief(data)} is no MESSAGE")
        number = struct.unpack(">Q", data[8:16])[0]
        if number <= self.heard:
            raise AssertionError(f"number {number} after {self.heard}")
        self.heard = number
        text = unseal(data[16:], self.theirs + data[8:16], self.key)
        return text[0], text[1:]


class Client(Peer):
    """Each step may be done wrongly by what is passed or changed before."""

    mine, theirs = CLIENT, SERVER

    def __init__(self, raw, keys):
        super().__init__(raw)
        self.mine, self.theirs = CLIENT, SERVER
        self.server = keys.server
        self.long, self.long_secret = keys.client, keys.client_secret
        self.short, self.short_secret = keypair()
        self.cookie = self.server_short = None

    def hello(self, **wrong):
        number = short(self.number())
        box = seal(bytes(64), b"CurveZMQHELLO---" + number,
                   shared(self.server, self.short_secret))
        part = {"name": b"\5HELLO", "version": b"\1\0", "zero": bytes(72),
                "client": self.short, "nonce": number, "box": box, **wrong}
        return b"".join(part.values())

    def welcome(self, data):
        text = unseal(data[16:], b"WELCOME-" + data[:16],
                      shared(self.server, self.short_secret))
        self.server_short, self.cookie = text[:32], text[32:]
        self.key = shared(self.server_short, self.short_secret)

    def vouch(self, client=None, server=None, secret=None):
        nonce = random(16)
        return nonce + seal((client or self.short) + (server or self.server),
                            b"VOUCH---" + nonce,
                            shared(self.server_short, secret or self.long_secret))

    def initiate(self, meta, key=None, **wrong):
        number = short(self.number())
        inner = {"client": self.long, "vouch": None, "meta": meta}
        inner.update((k, v) for k, v in wrong.items() if k in inner)
        inner["vouch"] = inner["vouch"] or self.vouch()
        box = seal(b"".join(inner.values()), b"CurveZMQINITIATE" + number,
                   key or self.key)
        part = {"name": b"\x08INITIATE", "cookie": self.cookie, "nonce": number,
                "box": box}
        part.update((k, v) for k, v in wrong.items() if k in part)
        return b"".join(part.values())

    def ready(self, data):
        self.heard = struct.unpack(">Q", data[:8])[0]
        return unseal(data[8:], b"CurveZMQREADY---" + data[:8], self.key)

    def shake(self, kind, identity=None, minor=1):
        """The whole handshake; the server's metadata."""
        self.greet(0, minor)
        self.command(self.hello())
        self.welcome(self.expect(b"WELCOME"))
        self.command(self.initiate(metadata(kind, identity)))
        return self.ready(self.expect(b"READY"))


class Server(Peer):
    """The other role; it keeps its state, as libzmq does."""

    def __init__(self, raw, keys):
        super().__init__(raw)
        self.mine, self.theirs = SERVER, CLIENT
        self.long, self.long_secret = keys.server, keys.server_secret
        self.short, self.short_secret = keypair()
        self.client = self.client_short = None
        self.cookie = random(96)

    def hello(self, data):
        self.client_short = data[74:106]
        self.heard = struct.unpack(">Q", data[106:114])[0]
        text = unseal(data[114:], b"CurveZMQHELLO---" + data[106:114],
                      shared(self.client_short, self.long_secret))
        assert text == bytes(64) and data[:74] == b"\1\0" + bytes(72)

    def welcome(self, **wrong):
        nonce = random(16)
        text = wrong.pop("text", self.short + self.cookie)
        box = seal(text, b"WELCOME-" + nonce,
                   shared(self.client_short, self.long_secret))
        part = {"name": b"\7WELCOME", "nonce": nonce, "box": box, **wrong}
        return b"".join(part.values())

    def initiate(self, data):
        """The client's metadata; its keys and its vouch are looked at."""
        assert data[:96] == self.cookie
        nonce = data[96:104]
        assert struct.unpack(">Q", nonce)[0] > self.heard
        self.heard = struct.unpack(">Q", nonce)[0]
        self.key = shared(self.client_short, self.short_secret)
        text = unseal(data[104:], b"CurveZMQINITIATE" + nonce, self.key)
        self.client = text[:32]
        vouch = unseal(text[48:128], b"VOUCH---" + text[32:48],
                       shared(self.client, self.short_secret))
        assert vouch == self.client_short + self.long
        return text[128:]

    def ready(self, meta, key=None, **wrong):
        number = short(self.number())
        box = seal(meta, b"CurveZMQREADY---" + number, key or self.key)
        part = {"name": b"\5READY", "nonce": number, "box": box, **wrong}
        return b"".join(part.values())

    def shake(self, kind, identity=None, minor=1):
        """The whole handshake; the client's metadata."""
        self.greet(1, minor)
        self.hello(self.expect(b"HELLO"))
        self.command(self.welcome())
        meta = self.initiate(self.expect(b"INITIATE"))
        self.command(self.ready(metadata(kind, identity)))
        return meta
