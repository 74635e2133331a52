#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 500
"""CURVE: every family of patterns, AF_ZMQ and libzmq in either role."""

import functools

from afzmq import (DEALER, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, ROUTING_ID,
                   SUB, XPUB, XSUB)
from curvepeer import Keys
from matrix import (ONE_OF, DealerReply, DealerRouter, K, L, Link, OneWay,
                    Pair, Publish, Request, RequestRouter, RouterRouter, burst,
                    multipart, single)
from ztap import Tap

tap = Tap()
WORDS = {K: "af_zmq", L: "libzmq"}


def pattern(pair, classes, a_binds, host, binder_serves):
    keys = Keys()
    more = keys.at_server(), keys.at_client()
    if not binder_serves:
        more = more[::-1]
    with Link(pair, *classes, a_binds, host, more) as link:
        for shape in single, multipart, burst:
            shape(link)


PAIRS = {"REQ-REP": Request(REQ, REP), "REQ-ROUTER": RequestRouter(REQ, ROUTER),
         "DEALER-REP": DealerReply(DEALER, REP),
         "DEALER-ROUTER": DealerRouter(DEALER, ROUTER, {ROUTING_ID: b"me"}),
         "ROUTER-ROUTER": RouterRouter(), "PUSH-PULL": OneWay(PUSH, PULL),
         "PUB-SUB": Publish(PUB, SUB), "XPUB-XSUB": Publish(XPUB, XSUB),
         "PAIR-PAIR": Pair(PAIR, PAIR)}

for _n, (_name, _pair) in enumerate(PAIRS.items()):
    for _i, (_classes, _a_binds, _host, _serves) in enumerate((
            ((K, L), True, "ipv4", True), ((L, K), True, "ipv4", True),
            ((K, L), False, "ipc", True), ((L, K), False, "ipc", True),
            ((K, L), True, "ipc", False), ((K, K), False, "ipv4", True),
            ((K, K), True, "ipc", True))):
        if (_i + _n) % ONE_OF:
            continue
        tap.add(f"{_name}, {WORDS[_classes[0]]}-{WORDS[_classes[1]]}, {_host}, "
                f"{'first' if _a_binds else 'second'} binds, "
                f"{'it' if _serves else 'the other'} is the server",
                functools.partial(pattern, _pair, _classes, _a_binds, _host,
                                  _serves), 60)

tap.run()
