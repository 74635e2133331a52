#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""reverse.py ENDPOINT: have things turned round by the C++ server."""

import sys

import zmq

with zmq.Context() as ctx, ctx.socket(zmq.REQ) as req:
    req.connect(sys.argv[1])
    for n in (0, 1, 5, 33, 34, 1000, 100000):
        text = bytes(i % 251 for i in range(n))
        req.send_multipart([b"turn", text, b"" * n, b"round"])
        answer = req.recv_multipart()
        print(n, answer == [b"nrut", text[::-1], b"", b"dnuor"])
    req.send(b"stop")
    print(req.recv())
