#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""publish.py ENDPOINT COUNT: publish prices once so many topics have been
subscribed to; an XPUB hears of each."""

import sys

import zmq

endpoint, count = sys.argv[1], int(sys.argv[2])
with zmq.Context() as ctx, ctx.socket(zmq.XPUB) as pub:
    pub.bind(endpoint)
    wanted = set()
    while len(wanted) < count:
        note = pub.recv()
        if note[:1] == b"\x01":
            wanted.add(note[1:])
    print("wanted:", sorted(wanted))
    for n in range(200):
        for topic in (b"apples", b"apricots", b"bread", b"butter"):
            pub.send_multipart([topic, b"%d" % (n * len(topic)), bytes(n)])
    pub.send_multipart([b"apples", b"closed"])
    pub.send_multipart([b"butter", b"closed"])
    # who has heard the end takes its subscriptions back
    while wanted:
        note = pub.recv()
        if note[:1] == b"\x00":
            wanted.discard(note[1:])
    print("nobody is left")
