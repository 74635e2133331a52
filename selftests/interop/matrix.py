# SPDX-License-Identifier: GPL-2.0
"""Pairs of socket types, AF_ZMQ at one end and libzmq at the other.

run(pairs) makes the cases: each pair with the kernel's socket in either role,
either end binding, over IPv4, IPv6 and ipc, with single frames of many sizes, with
multipart messages and with bursts.  What arrives is compared octet by octet.
"""

import functools
import random
import select

import afzmq
import lzmq
from ztap import SLOW, Tap, brief, same, until

K = afzmq.under_test()
L = lzmq.Socket

SIZES = (0, 1, 255, 256, 8 << 10, 64 << 10, 1 << 20)
HUGE = 10 << 20
HOSTS = {"ipv4": "tcp://127.0.0.1:*", "ipv6": "tcp://[::1]:*", "ipc": "ipc://*"}
BURST = 300 if SLOW == 1 else 75
# Where the kernel is slow one of so many cases has to do, each time another.
ONE_OF = 3 if SLOW > 2 else 1

DATA = random.Random(20).randbytes(HUGE + 1024)


def body(size):
    """So many octets; those of another size begin elsewhere."""
    start = size % 1021
    return DATA[start:start + size]


class Link:
    """Two connected sockets; a is of the pair's first type."""

    def __init__(self, pair, a_class, b_class, a_binds, host, more=({}, {})):
        """more: further options of the one that binds and of the other"""
        self.pair = pair
        self.a = self.b = None
        options = {afzmq.IPV6: 1} if host == "ipv6" else {}
        a_more, b_more = more if a_binds else reversed(more)
        try:
            self.a = a_class(pair.a, {**options, **a_more, **pair.a_options})
            self.b = b_class(pair.b, {**options, **b_more, **pair.b_options})
            binder, other = (self.a, self.b) if a_binds else (self.b, self.a)
            other.connect(binder.bind(HOSTS[host]))
            self.a.wait_peers(1)
            self.b.wait_peers(1)
            pair.meet(self)
        except BaseException:
            self.close()
            raise

    def close(self):
        for s in (self.a, self.b):
            if s:
                s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Pair:
    """Two types that talk; by default both directions, nothing to set up."""

    both = True
    symmetric = False

    def __init__(self, a, b, a_options=(), b_options=()):
        self.a, self.b = a, b
        self.a_options, self.b_options = dict(a_options), dict(b_options)
        self.symmetric = a == b

    def meet(self, link):
        """Called when both ends know their peer."""

    def there(self, link, frames, send="send_multipart"):
        getattr(link.a, send)(frames)
        same(link.b.recv_multipart(), frames, "at b")

    def back(self, link, frames, send="send_multipart"):
        getattr(link.b, send)(frames)
        same(link.a.recv_multipart(), frames, "at a")

    def burst(self, link, messages):
        for m in messages:
            link.a.send_multipart(m)
        for m in messages:
            same(link.b.recv_multipart(), m, "at b")


class OneWay(Pair):
    """PUSH and PULL"""

    def back(self, link, frames, send="send_multipart"):
        pass


class Publish(Pair):
    """PUB or XPUB and SUB or XSUB; a publishes."""

    def __init__(self, a, b):
        options = {afzmq.SUBSCRIBE: b""} if b == afzmq.SUB else {}
        super().__init__(a, b, {}, options)

    def meet(self, link):
        if self.b == afzmq.XSUB:
            link.b.send(b"\1")
        if self.a == afzmq.XPUB:
            until(lambda: link.b.poll(timeout=0) or link.a.poll(timeout=20),
                  "the subscription")
            same(link.a.recv_multipart(), [b"\1"], "notice")
        else:
            settle(link.a, link.b)

    def back(self, link, frames, send="send_multipart"):
        """XSUB may send messages of its own up to XPUB."""
        if (self.a, self.b) != (afzmq.XPUB, afzmq.XSUB):
            return
        # no frame may look like a subscription: libzmq takes later ones, too
        frames = [b"up" + f for f in frames]
        getattr(link.b, send)(frames)
        same(link.a.recv_multipart(), frames, "at the publisher")


def settle(publisher, subscriber, topic=b""):
    """Publish until the subscriber gets some, then use up what is on its way.

    The last one may be dropped, too, for a subscriber that was slow before.
    """
    until(lambda: publisher.send(topic + b"settle")
          or subscriber.poll(timeout=20), "the subscription")
    number = 0
    while True:     # as long as the case may take
        number += 1
        last = topic + b"settled %d" % number
        publisher.send(last)
        while subscriber.poll(timeout=500):
            if subscriber.recv() == last:
                return


class Request(Pair):
    """REQ and REP"""

    def there(self, link, frames, send="send_multipart"):
        super().there(link, frames, send)
        answer = frames[::-1]
        getattr(link.b, send)(answer)
        same(link.a.recv_multipart(), answer, "reply")

    def back(self, link, frames, send="send_multipart"):
        pass

    def burst(self, link, messages):
        for m in messages[:100]:
            self.there(link, m)


class RequestRouter(Request):
    """REQ and ROUTER"""

    def there(self, link, frames, send="send_multipart"):
        getattr(link.a, send)(frames)
        who, *rest = link.b.recv_multipart()
        same(rest, [b""] + frames, "at the router")
        check_id(who, self.a_options)
        answer = frames[::-1]
        getattr(link.b, send)([who, b""] + answer)
        same(link.a.recv_multipart(), answer, "reply")


class DealerReply(Request):
    """DEALER and REP, with an envelope of two ids"""

    def there(self, link, frames, send="send_multipart"):
        envelope = [b"one", b"two", b""]
        getattr(link.a, send)(envelope + frames)
        same(link.b.recv_multipart(), frames, "at rep")
        answer = frames[::-1]
        getattr(link.b, send)(answer)
        same(link.a.recv_multipart(), envelope + answer, "reply")


class DealerRouter(Pair):
    """DEALER and ROUTER"""

    def there(self, link, frames, send="send_multipart"):
        getattr(link.a, send)(frames)
        who, *rest = link.b.recv_multipart()
        check_id(who, self.a_options)
        same(rest, frames, "at the router")
        link.who = who

    def back(self, link, frames, send="send_multipart"):
        getattr(link.b, send)([link.who] + frames)
        same(link.a.recv_multipart(), frames, "at the dealer")

    def burst(self, link, messages):
        for m in messages:
            link.a.send_multipart(m)
        for m in messages:
            same(link.b.recv_multipart()[1:], m, "at the router")


class RouterRouter(Pair):
    """ROUTER and ROUTER, by names both of them have set"""

    def __init__(self):
        super().__init__(afzmq.ROUTER, afzmq.ROUTER,
                         {afzmq.ROUTING_ID: b"left", afzmq.ROUTER_MANDATORY: 1},
                         {afzmq.ROUTING_ID: b"right", afzmq.ROUTER_MANDATORY: 1})

    def meet(self, link):
        send_routed(link.a, [b"right", b"hello"])
        same(link.b.recv_multipart(), [b"left", b"hello"], "hello")
        send_routed(link.b, [b"left", b"hello"])
        same(link.a.recv_multipart(), [b"right", b"hello"], "hello")

    def there(self, link, frames, send="send_multipart"):
        getattr(link.a, send)([b"right"] + frames)
        same(link.b.recv_multipart(), [b"left"] + frames, "at b")

    def back(self, link, frames, send="send_multipart"):
        getattr(link.b, send)([b"left"] + frames)
        same(link.a.recv_multipart(), [b"right"] + frames, "at a")

    def burst(self, link, messages):
        for m in messages:
            link.a.send_multipart([b"right"] + m)
        for m in messages:
            same(link.b.recv_multipart(), [b"left"] + m, "at b")


def send_routed(router, frames, timeout=15):
    """A mandatory router refuses a peer until it has learnt its name."""
    def sent():
        router.poll(timeout=0)
        try:
            router.send_multipart(frames)
        except OSError as e:
            if e.errno != 113:      # EHOSTUNREACH
                raise
            return False
        return True
    until(sent, f"a way to {brief(frames[0])}", timeout)


def check_id(who, options):
    """A peer's name: the one it has set or a made one."""
    want = options.get(afzmq.ROUTING_ID)
    if want:
        same(who, want, "routing id")
    elif len(who) != 5 or who[0] != 0:
        raise AssertionError(f"strange routing id {brief(who)}")


def named(shape):
    """Have failures say what was being sent."""
    try:
        return f"{len(shape)} frames of {[len(f) for f in shape[:8]]}"
    except TypeError:
        return str(shape)


def both_ways(link, frames, send="send_multipart"):
    try:
        link.pair.there(link, frames, send)
        if link.pair.both:
            link.pair.back(link, frames, send)
    except (AssertionError, OSError) as e:
        raise AssertionError(f"{named(frames)}, {send}: {e}") from e


def single(link):
    for size in SIZES:
        both_ways(link, [body(size)])
    both_ways(link, [body(100)], "send_whole")


def multipart(link):
    shapes = ([b"", b""], [b"x", b"", b"y"], [body(n) for n in SIZES[1:6]],
              [b"head", body(1 << 20), b"", body(255), body(256)],
              [body(n % 7) for n in range(100)])
    for frames in shapes:
        for send in "send_multipart", "send_whole":
            both_ways(link, frames, send)


def burst(link):
    messages = [[b"%d" % n] + [body(n % 300)] * (n % 3) for n in range(BURST)]
    link.pair.burst(link, messages)
    # what was left behind would come now
    both_ways(link, [b"last"])


def huge(link):
    both_ways(link, [body(HUGE)])


SHAPES = {"single": single, "multipart": multipart, "burst": burst}


def one(pair, classes, a_binds, host, shape):
    with Link(pair, *classes, a_binds, host) as link:
        shape(link)


def readable(link_side):
    return bool(link_side.poll(select.POLLIN, 0))


def cases(tap, pair, with_huge):
    names = afzmq.NAMES[pair.a], afzmq.NAMES[pair.b]
    sides = [("af_zmq", "libzmq", K, L)]
    if not pair.symmetric:
        sides.append(("libzmq", "af_zmq", L, K))
    for a_name, b_name, *classes in sides:
        for a_binds in True, False:
            text = (f"{names[0]} {a_name}{' binds' if a_binds else ''} - "
                    f"{names[1]} {b_name}{'' if a_binds else ' binds'}")
            for n, host in enumerate(HOSTS):
                for i, (what, shape) in enumerate(SHAPES.items()):
                    if (i + n + a_binds) % ONE_OF:
                        continue
                    tap.add(f"{text}, {host}, {what}", functools.partial(
                        one, pair, classes, a_binds, host, shape), 60)
            if with_huge:
                tap.add(f"{text}, 10 MiB", functools.partial(
                    one, pair, classes, a_binds, "ipv4", huge), 60)


def run(*pairs, with_huge=()):
    tap = Tap()
    for pair in pairs:
        cases(tap, pair, pair in with_huge)
    tap.run()
