#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 150
"""REQ and REP, REQ and ROUTER, DEALER and REP between AF_ZMQ and libzmq."""

from afzmq import DEALER, REP, REQ, ROUTER, ROUTING_ID
from matrix import DealerReply, Request, RequestRouter, run

FIRST = Request(REQ, REP)

run(FIRST, RequestRouter(REQ, ROUTER),
    RequestRouter(REQ, ROUTER, {ROUTING_ID: b"a name"}),
    DealerReply(DEALER, REP), with_huge=(FIRST,))
