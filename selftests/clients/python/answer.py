#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""answer.py ENDPOINT: a server that sends back what comes, until END."""

import sys

import zmq

messages = octets = 0
frames = []
with zmq.Context() as ctx, ctx.socket(zmq.REP) as rep:
    rep.bind(sys.argv[1])
    while frames != [b"END"]:
        parts = rep.recv_multipart(copy=False)
        rep.send_multipart(parts, copy=False)
        frames = [p.bytes for p in parts[:3]]
        messages += 1
        octets += sum(len(p.buffer) for p in parts)
print(messages, "messages,", octets, "octets")
