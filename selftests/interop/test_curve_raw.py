#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 400
"""CURVE spoken badly: a peer of bytes in either role, which knows the keys or
does not, against AF_ZMQ. Each fault has its code and its counter, and a good
peer at the same socket must not notice."""

import afzmq
import rawpeer
from afzmq import PAIR, PULL, PUSH, REP, REQ, ROUTER
from curvepeer import (COMMAND, MORE, Client, Keys, Server, keypair, metadata,
                       prop, random, short)
from monitors import monitor
from ztap import Tap, same

K = afzmq.under_test()
tap = Tap()
TCP = "tcp://127.0.0.1:*"

ZMTP = 0x10000000
UNEXPECTED, SEQUENCE, EXCHANGE = ZMTP + 1, ZMTP + 2, ZMTP + 3
BAD_MESSAGE, BAD_HELLO, BAD_INITIATE = ZMTP + 0x12, ZMTP + 0x13, ZMTP + 0x14
BAD_READY, BAD_WELCOME, BAD_META = ZMTP + 0x16, ZMTP + 0x17, ZMTP + 0x18
CRYPTO, MISMATCH = 0x11000001, 0x11000002

# points of small order on Curve25519, and twins of theirs
SMALL = [bytes(32), b"\1" + bytes(31),
         bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd"
                       "866205165f49b800"),
         bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86"
                       "d8224eddd09f1157"),
         b"\xec" + b"\xff" * 30 + b"\x7f", b"\xed" + b"\xff" * 30 + b"\x7f",
         b"\xee" + b"\xff" * 30 + b"\x7f"]


class Bound:
    """A server under attack, with a good client, which is AF_ZMQ too."""

    def __init__(self, cls=K, kind=REP, good=REQ):
        self.keys = Keys()
        self.s = cls(kind, self.keys.at_server())
        self.where = self.s.bind(TCP)
        self.good = K(good, self.keys.at_client())
        self.good.connect(self.where)
        self.alive()
        self.m = monitor(self.s)

    def alive(self):
        if self.s.kind == REP:
            self.good.send(b"question")
            same(self.s.recv(), b"question")
            self.s.send(b"answer")
            same(self.good.recv(), b"answer")

    def client(self, keys=None):
        return Client(rawpeer.connect(self.where), keys or self.keys)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.m.close()
        self.good.close()
        self.s.close()


def fault(m, code, what):
    """The monitor tells this fault, then the end."""
    at = len(m.events)
    m.until("HANDSHAKE_FAILED_PROTOCOL",
            m.names().count("HANDSHAKE_FAILED_PROTOCOL") + 1)
    same(m.next().name, "DISCONNECTED", what)
    got = [e.value for e in m.events[at:]
           if e.name == "HANDSHAKE_FAILED_PROTOCOL"]
    if got != [code]:
        raise AssertionError(f"{what}: {[hex(g) for g in got]} instead of "
                             f"{code:#x}; {m.names()[at:]}")


def attack(b, code, act, what):
    """act(client) does wrong; the server has to hang up and say why."""
    with b.client() as c:
        act(c)
        c.raw.ended()
        fault(b.m, code, what)


def to_welcome(c):
    c.greet(0)
    c.command(c.hello())
    c.welcome(c.expect(b"WELCOME"))


def first(body, command=True):
    """Send this instead of HELLO."""
    def act(c):
        c.greet(0)
        c.raw.send(rawpeer.frame(body(c) if callable(body) else body,
                                 command=command))
    return act


def second(body, command=True):
    """Send this instead of INITIATE."""
    def act(c):
        to_welcome(c)
        c.raw.send(rawpeer.frame(body(c) if callable(body) else body,
                                 command=command))
    return act


def third(body):
    """Send this, whole frames, when the handshake is done."""
    def act(c):
        c.shake(b"REQ", b"")
        c.raw.send(body(c))
    return act


@tap.case("a raw client and a raw server: versions 3.0 and 3.1")
def _good():
    with Bound() as b:
        for minor in 0, 1:
            with b.client() as c:
                same(c.shake(b"REQ", b"", minor), metadata(b"REP"))
                for n in range(5):
                    c.send(b"", MORE)
                    c.send(b"question %d" % n)
                    same(b.s.recv(), b"question %d" % n)
                    b.s.send(b"answer" * n)
                    same(c.recv(), (MORE, b""))
                    same(c.recv(), (0, b"answer" * n))
            with rawpeer.Listener() as lis, \
                    K(PAIR, b.keys.at_client()) as ours:
                ours.connect(lis.endpoint)
                with Server(lis.accept(), b.keys) as s:
                    same(s.shake(b"PAIR", None, minor), metadata(b"PAIR"))
                    same(s.client, b.keys.client)
                    s.send(b"there")
                    same(ours.recv(), b"there")
                    ours.send(b"back")
                    same(s.recv(), (0, b"back"))
        b.alive()


@tap.case("HELLO in every wrong size")
def _hello_sizes():
    with Bound() as b:
        for size in (6, 7, 8, 40, 199, 201, 264, 1000, 65000):
            attack(b, BAD_HELLO, first(lambda c, n=size: c.hello()[:n].ljust(n, b"\0")),
                   f"{size} octets")
        for size in 0, 1, 5:
            with b.client() as c:
                first(lambda c, n=size: c.hello()[:n])(c)
                c.raw.ended()
        b.alive()


@tap.case("HELLO: version, padding, key, box", 60)
def _hello():
    other = Keys()
    with Bound() as b:
        for version in b"\0\0", b"\1\1", b"\2\0", b"\xff\xff":
            attack(b, BAD_HELLO, first(lambda c, v=version: c.hello(version=v)),
                   f"version {version}")
        attack(b, CRYPTO, first(lambda c: c.hello(box=random(80))), "garbage")
        attack(b, CRYPTO, first(lambda c: c.hello(client=keypair()[0])), "key")
        attack(b, CRYPTO, first(lambda c: c.hello(nonce=short(77))), "nonce")
        for key in SMALL:
            attack(b, CRYPTO, first(lambda c, k=key: c.hello(client=k)),
                   key.hex())
        with Client(rawpeer.connect(b.where), other) as c:
            first(lambda c: c.hello())(c)
            c.raw.ended()
            fault(b.m, CRYPTO, "a key of another server")
        b.alive()


@tap.case("commands out of order, and those of the other role")
def _order():
    with Bound() as b:
        attack(b, BAD_HELLO, first(b"\x08INITIATE" + random(300)), "too long")
        for body in (b"\x08INITIATE" + random(100), b"\5READY" + random(40),
                     b"\7WELCOME" + random(160), b"\7MESSAGE" + random(40),
                     b"\4PING\0\0", b"\4NOPE"):
            attack(b, UNEXPECTED, first(body), body[:9])
        for body in (lambda c: c.hello(), b"\5READY" + random(40),
                     b"\7WELCOME" + random(160), b"\7MESSAGE" + random(40)):
            attack(b, UNEXPECTED, second(body), body)
        b.alive()


@tap.case("messages before the handshake is done")
def _early():
    with Bound() as b:
        for act in first, second:
            with b.client() as c:
                act(b"\0" * 40, command=False)(c)
                c.raw.ended()
                b.m.until("DISCONNECTED", b.m.names().count("DISCONNECTED") + 1)
        b.alive()


@tap.case("INITIATE in every wrong size")
def _initiate_sizes():
    with Bound() as b:
        for size in (9, 10, 100, 105, 113, 200, 256):
            attack(b, BAD_INITIATE, second(lambda c, n=size: c.initiate(
                metadata(b"REQ"))[:n]), f"{size} octets")
        attack(b, CRYPTO, second(lambda c: c.initiate(metadata(b"REQ"))[:-1]),
               "one octet less")
        attack(b, CRYPTO, second(lambda c: c.initiate(metadata(b"REQ")) + b"x"),
               "one octet more")
        b.alive()


@tap.case("INITIATE: cookie, key, vouch, metadata", 60)
def _initiate():
    meta = metadata(b"REQ")
    other, other_secret = keypair()
    with Bound() as b:
        bad = [(CRYPTO, {"cookie": random(96)}, "cookie"),
               (CRYPTO, {"box": random(300)}, "box"),
               (CRYPTO, {"nonce": short(99)}, "nonce"),
               (CRYPTO, {"key": random(32)}, "key"),
               (CRYPTO, {"vouch": random(96)}, "vouch"),
               (CRYPTO, {"client": other}, "another long-term key"),
               (CRYPTO, {"client": SMALL[1]}, "key of small order"),
               (BAD_META, {"meta": b"\x0bSocket-Type\0\0\0\x09REQ"}, "length"),
               (BAD_META, {"meta": metadata(b"PUB")}, "type"),
               (BAD_META, {"meta": b"x"}, "metadata")]
        for code, wrong, what in bad:
            attack(b, code, second(lambda c, w=wrong: c.initiate(
                **{"meta": meta, **w})), what)
        attack(b, EXCHANGE, second(lambda c: c.initiate(
            meta, vouch=c.vouch(client=other))), "vouch for another client")
        attack(b, EXCHANGE, second(lambda c: c.initiate(
            meta, vouch=c.vouch(server=other))), "vouch for another server")
        attack(b, CRYPTO, second(lambda c: c.initiate(
            meta, vouch=c.vouch(secret=other_secret))), "vouch by another")
        b.alive()


@tap.case("a cookie is good for its own connection only")
def _cookie():
    """Or what was recorded could be said again in a new one."""
    with Bound() as b:
        with b.client() as c:
            to_welcome(c)
            body = c.initiate(metadata(b"REQ", b""))
            c.command(body)
            c.ready(c.expect(b"READY"))
        b.m.until("DISCONNECTED")

        def again(d):
            d.short, d.short_secret = c.short, c.short_secret
            to_welcome(d)
            d.command(body)
        attack(b, CRYPTO, again, "an old INITIATE")
        b.alive()


@tap.case("metadata of 64 KiB is read, more is too much")
def _metadata():
    with Bound() as b:
        for size, good in (60000, True), (65200, True), (66000, False):
            meta = metadata(b"REQ", b"") + b"".join(
                prop(b"X-%d" % n, bytes(1000)) for n in range(size // 1100))
            meta += prop(b"X-fill", bytes(size - len(meta) - 11))
            with b.client() as c:
                to_welcome(c)
                c.command(c.initiate(meta))
                if good:
                    c.ready(c.expect(b"READY"))
                else:
                    c.raw.ended()
        b.alive()


def replayed(c):
    one = c.message(b"", MORE)
    return one + one


def reordered(c):
    one, two = c.message(b"", MORE), c.message(b"question")
    return two + one


def flipped(c):
    data = bytearray(c.message(b"question"))
    data[-1] ^= 1
    return bytes(data)


def cut(c):
    data = c.message(b"question")[2:]
    return rawpeer.frame(data[:-1])


def longer(c):
    return rawpeer.frame(c.message(b"question")[2:] + b"x")


def outer(flags):
    def body(c):
        data = bytearray(c.message(b"question"))
        data[0] |= flags
        return bytes(data)
    return body


def last_number(c):
    """The last number there is may be used, and no other after it."""
    return (c.message(b"", MORE, number=2 ** 64 - 1)
            + c.message(b"question", number=2 ** 64 - 1))


def zero(c):
    return c.message(b"", number=0)


@tap.case("MESSAGE: replayed, reordered, cut, forged", 60)
def _traffic():
    with Bound() as b:
        for act, code in (
                (replayed, SEQUENCE), (reordered, SEQUENCE), (zero, SEQUENCE),
                (last_number, SEQUENCE), (flipped, CRYPTO), (cut, CRYPTO),
                (longer, CRYPTO), (outer(1), BAD_MESSAGE), (outer(4), UNEXPECTED),
                (lambda c: rawpeer.frame(b"\7MESSAGE" + short(9) + bytes(16)),
                 BAD_MESSAGE),
                (lambda c: rawpeer.frame(b"\7MESSAGE"), BAD_MESSAGE),
                (lambda c: rawpeer.frame(b""), BAD_MESSAGE),
                (lambda c: rawpeer.frame(b"\7MESSAGe" + random(60)), UNEXPECTED),
                (lambda c: rawpeer.frame(random(5000)), UNEXPECTED),
                (lambda c: rawpeer.frame(b"\7MESSAGE" + short(9)
                                         + random(100000)), CRYPTO),
                (lambda c: c.message(b"question", MORE | COMMAND), BAD_MESSAGE),
                (lambda c: rawpeer.frame(c.hello(), command=True), UNEXPECTED),
                (lambda c: rawpeer.frame(c.initiate(metadata(b"REQ")),
                                         command=True), UNEXPECTED)):
            attack(b, code, third(act), getattr(act, "__name__", "") or act)
        b.alive()


@tap.case("a message of the server's does not come back as one of the client's")
def _reflected():
    with Bound() as b:
        with b.client() as c:
            c.shake(b"REQ", b"")
            c.send(b"", MORE)
            c.send(b"question")
            b.s.recv()
            b.s.send(b"answer")
            got = c.raw.frame()[1]
            c.raw.send(rawpeer.frame(got[:8] + short(99) + got[16:]))
            c.raw.ended()
            fault(b.m, CRYPTO, "reflected")
        b.alive()


@tap.case("commands in boxes: PING is answered, between two frames too")
def _ping():
    with Bound() as b:
        with b.client() as c:
            c.shake(b"REQ", b"")
            c.send(b"\4PING\0\0hello", COMMAND)
            same(c.recv(), (COMMAND, b"\4PONGhello"))
            c.send(b"", MORE)
            c.send(b"\4PING\0\0again", COMMAND)
            same(c.recv(), (COMMAND, b"\4PONGagain"))
            c.send(b"\4NOPE", COMMAND)
            c.send(b"question")
            same(b.s.recv(), b"question")
            b.s.send(b"answer")
            same([c.recv() for _ in range(2)], [(MORE, b""), (0, b"answer")])
        b.m.until("DISCONNECTED")
        for body in b"", b"\xff", b"\4PIN", b"\4PING\0", b"\0PING":
            attack(b, UNEXPECTED, third(lambda c, d=body: c.message(d, COMMAND)),
                   body)
        b.alive()


@tap.case("frames of many sizes, octet by octet and in one piece", 60)
def _sizes():
    keys = Keys()
    with K(PULL, keys.at_server()) as s:
        with Client(rawpeer.connect(s.bind(TCP)), keys) as c:
            c.shake(b"PUSH")
            sizes = [*range(0, 40), 221, 222, 223, 255, 256, 1886, 1887, 1888,
                     1920, 1921, 4063, 4064, 4095, 4096, 4097, 8192, 100000,
                     1 << 20]
            for size in sizes:
                data = random(size)
                if size < 300:
                    c.raw.dribble(c.message(data))
                else:
                    c.send(data)
                same(s.recv_multipart(), [data], f"{size} octets")
            for a in sizes[-20:]:
                frames = [random(n) for n in (a, 0, 1900, a, 5000, 1, a)]
                c.raw.send(*(c.message(f, MORE) for f in frames[:-1]),
                           c.message(frames[-1]))
                same(s.recv_multipart(), frames, f"{a} octets and others")
            c.raw.send(*(c.message(b"%d" % n) for n in range(1000)))
            for n in range(1000):
                same(s.recv(), b"%d" % n)


@tap.case("old versions and other mechanisms")
def _downgrade():
    """CVE-2014-9721, CVE-2014-7202: an old greeting goes past the keys."""
    with Bound() as b:
        for greeting in (rawpeer.greeting2(3), rawpeer.greeting2(3, 0),
                         b"\1\0" + rawpeer.frame(b"question"),
                         rawpeer.SIGNATURE + b"\0\3\0\0\0\0" + b"\1\0" * 20):
            with rawpeer.connect(b.where) as raw:
                raw.send(greeting)
                raw.ended()
            b.m.until("DISCONNECTED", b.m.names().count("DISCONNECTED") + 1)
        for mechanism in b"NULL", b"PLAIN", b"CURVE2", b"CURV", b"curve", b"":
            with b.client() as c:
                c.greet(0, 1, mechanism)
                c.raw.ended()
                fault(b.m, MISMATCH, mechanism)
        b.alive()


@tap.case("hundreds of half-open handshakes, and good clients", 150)
def _half_open():
    with Bound(kind=ROUTER, good=PUSH) as b:
        idle = []
        try:
            for n in range(500):
                c = b.client()
                idle.append(c)
                if n % 4 == 1:
                    c.raw.send(rawpeer.greeting3(1, b"CURVE"))
                elif n % 4 == 2:
                    c.raw.send(rawpeer.greeting3(1, b"CURVE"), b"\4\xc8\5HELLO")
                elif n % 4 == 3:
                    c.raw.send(rawpeer.greeting3(1, b"CURVE"),
                               rawpeer.frame(c.hello(), command=True))
            for n in range(10):
                with K(REQ, b.keys.at_client()) as good:
                    good.connect(b.where)
                    good.send(b"%d" % n)
                    who, *rest = b.s.recv_multipart()
                    same(rest, [b"", b"%d" % n])
                    b.s.send_multipart([who, b"", b"fine"])
                    same(good.recv(), b"fine")
        finally:
            for c in idle:
                c.raw.close()


# the raw peer is the server

def serve(code, act):
    """AF_ZMQ connects to a raw server that does wrong: it gives up."""
    keys = Keys()
    with rawpeer.Listener() as lis, \
            K(PAIR, keys.at_client()) as ours:
        m = monitor(ours)
        ours.connect(lis.endpoint)
        with Server(lis.accept(), keys) as s:
            act(s)
            s.raw.ended()
            fault(m, code, act)
        m.close()


def at_hello(body):
    def act(s):
        s.greet(1)
        s.hello(s.expect(b"HELLO"))
        s.command(body(s) if callable(body) else body)
    return act


def at_initiate(body):
    def act(s):
        s.greet(1)
        s.hello(s.expect(b"HELLO"))
        s.command(s.welcome())
        s.initiate(s.expect(b"INITIATE"))
        s.command(body(s) if callable(body) else body)
    return act


@tap.case("WELCOME: sizes, boxes, keys, order", 60)
def _welcome():
    for size in 8, 9, 100, 167, 169, 1000:
        serve(BAD_WELCOME, at_hello(lambda s, n=size: s.welcome()[:n].ljust(n, b"\0")))
    serve(CRYPTO, at_hello(lambda s: s.welcome(box=random(144))))
    serve(CRYPTO, at_hello(lambda s: s.welcome(nonce=random(16))))
    for key in SMALL:
        serve(CRYPTO, at_hello(lambda s, k=key: s.welcome(text=k + s.cookie)))
    for body in (b"\5READY" + random(40), b"\5HELLO" + random(194),
                 b"\x08INITIATE" + random(100), b"\7MESSAGE" + random(40)):
        serve(UNEXPECTED, at_hello(body))


@tap.case("READY: sizes, boxes, order, metadata", 60)
def _ready():
    meta = metadata(b"PAIR")
    for size in 6, 7, 14, 29:
        serve(BAD_READY, at_initiate(lambda s, n=size: s.ready(meta)[:n]))
    serve(CRYPTO, at_initiate(lambda s: s.ready(meta)[:-1]))
    serve(CRYPTO, at_initiate(lambda s: s.ready(meta, box=random(50))))
    serve(CRYPTO, at_initiate(lambda s: s.ready(meta, nonce=short(5))))
    serve(BAD_META, at_initiate(lambda s: s.ready(b"\x0bSocket-Type\0\0")))
    serve(BAD_META, at_initiate(lambda s: s.ready(metadata(b"REQ"))))
    serve(UNEXPECTED, at_initiate(lambda s: s.welcome()))
    serve(UNEXPECTED, at_initiate(b"\7MESSAGE" + random(40)))


@tap.case("MESSAGE of a server: replayed, reordered, cut, forged", 60)
def _served():
    for act, code in ((replayed, SEQUENCE), (reordered, SEQUENCE),
                      (flipped, CRYPTO), (cut, CRYPTO), (outer(1), BAD_MESSAGE),
                      (last_number, SEQUENCE), (outer(4), UNEXPECTED)):
        def shake(s, a=act):
            s.shake(b"PAIR")
            s.raw.send(a(s))
        serve(code, shake)


@tap.case("a raw server refuses: ERROR with a status and without")
def _refused():
    for reason, name, value in ((b"400", "HANDSHAKE_FAILED_AUTH", 400),
                                (b"nonsense", "HANDSHAKE_FAILED_PROTOCOL",
                                 ZMTP)):
        keys = Keys()
        with rawpeer.Listener() as lis, K(PAIR, keys.at_client()) as ours:
            m = monitor(ours)
            ours.connect(lis.endpoint)
            with Server(lis.accept(), keys) as s:
                at_initiate(b"\5ERROR" + bytes((len(reason),)) + reason)(s)
                s.raw.ended()
                m.until("DISCONNECTED")
                same([e.value for e in m.events if e.name == name], [value])
            m.close()


@tap.case("what our numbers are: from the handshake on, one by one")
def _numbers():
    keys = Keys()
    with rawpeer.Listener() as lis, K(PAIR, keys.at_client()) as ours:
        ours.connect(lis.endpoint)
        with Server(lis.accept(), keys) as s:
            s.shake(b"PAIR")
            same(s.heard, 2, "number of INITIATE")
            for n, size in enumerate((0, 10, 1000, 5000, 9000, 100000, 3, 8000)):
                ours.send(random(size), more=n % 2)
                if not n % 2:
                    for _ in range(2 if n else 1):
                        s.recv()
            s.send(b"\4PING\0\0", COMMAND)
            ours.send(b"last")
            seen = [s.recv() for _ in range(3)]
            same(sorted(f for f, _ in seen), [0, MORE, COMMAND])
            same(s.heard, 2 + 8 + 2, "numbers used")


tap.run()
