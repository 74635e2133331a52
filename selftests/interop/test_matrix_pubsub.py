#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 150
"""PUB and XPUB with SUB and XSUB between AF_ZMQ and libzmq."""

from afzmq import PUB, SUB, XPUB, XSUB
from matrix import Publish, run

FIRST = Publish(PUB, SUB)

run(FIRST, Publish(PUB, XSUB), Publish(XPUB, SUB), Publish(XPUB, XSUB),
    with_huge=(FIRST,))
