#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""broker.py FRONT BACK WORKERS: libzmq's ROUTER and DEALER, and its proxy
between; clients are let in when so many workers are there."""

import sys

import zmq
from zmq.utils.monitor import recv_monitor_message


def main():
    ctx = zmq.Context()
    front, back = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
    monitor = back.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    back.bind(sys.argv[2])
    # else the first of them could have done it all before the next one comes
    for _ in range(int(sys.argv[3])):
        recv_monitor_message(monitor)
    front.bind(sys.argv[1])
    zmq.proxy(front, back)


main()
