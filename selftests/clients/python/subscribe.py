#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""subscribe.py ENDPOINT TOPIC...: show prices until the market closes."""

import sys

import zmq

with zmq.Context() as ctx, ctx.socket(zmq.SUB) as sub:
    sub.connect(sys.argv[1])
    for topic in sys.argv[2:]:
        sub.subscribe(topic)
    poller = zmq.Poller()
    poller.register(sub, zmq.POLLIN)
    open_ = True
    octets = 0
    while open_:
        for s, _ in poller.poll():
            topic, price, *rest = s.recv_multipart()
            octets += sum(map(len, rest))
            print(topic.decode(), price.decode())
            open_ = price != b"closed"
    print(octets, "octets besides")
