#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 150
"""DEALER and DEALER, DEALER and ROUTER, ROUTER and ROUTER with libzmq."""

from afzmq import DEALER, ROUTER, ROUTING_ID
from matrix import DealerRouter, Pair, RouterRouter, run

FIRST = DealerRouter(DEALER, ROUTER)

run(Pair(DEALER, DEALER), FIRST,
    DealerRouter(DEALER, ROUTER, {ROUTING_ID: b"n" * 255}), RouterRouter(),
    with_huge=(FIRST,))
