#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""ask.py ENDPOINT COUNT NAME: ask by libzmq's REQ, with random octets; the
echo, and the name of who gives it, have to come back."""

import os
import sys

import zmq


def main():
    endpoint, count, name = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
    ask = zmq.Context().socket(zmq.REQ)
    ask.linger = 0
    ask.rcvtimeo = ask.sndtimeo = 20000
    ask.connect(endpoint)
    for n in range(count):
        frames = [os.urandom(16), os.urandom(n * 5000), b""]
        ask.send_multipart(frames)
        back = ask.recv_multipart()
        if back != frames + [name]:
            sys.exit(f"request {n}: {[len(f) for f in frames]} octets sent, "
                     f"{[len(f) for f in back]} came back, or others")
    print(f"{count} requests of 16 + 0..{(count - 1) * 5000} + 0 random octets, "
          f"all echoed by {name.decode()}")


main()
