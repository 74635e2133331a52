#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 150
"""PUSH and PULL, PAIR and PAIR between AF_ZMQ and libzmq."""

import afzmq
from matrix import OneWay, Pair, run

PIPELINE = OneWay(afzmq.PUSH, afzmq.PULL)
PAIR = Pair(afzmq.PAIR, afzmq.PAIR)

run(PIPELINE, PAIR, with_huge=(PIPELINE, PAIR))
