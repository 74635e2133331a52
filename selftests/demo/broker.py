#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""broker.py FRONT BACK: libzmq's ROUTER and DEALER, and its proxy between."""

import sys

import zmq


def main():
    ctx = zmq.Context()
    front, back = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
    front.bind(sys.argv[1])
    back.bind(sys.argv[2])
    zmq.proxy(front, back)


main()
