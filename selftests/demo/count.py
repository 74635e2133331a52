#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""count.py ENDPOINT COUNT: count in turns with a PAIR, by libzmq's PAIR."""

import sys

import zmq


def main():
    endpoint, count = sys.argv[1], int(sys.argv[2])
    pair = zmq.Context().socket(zmq.PAIR)
    pair.linger = 0
    pair.rcvtimeo = pair.sndtimeo = 20000
    pair.connect(endpoint)
    number = 1
    for _ in range(count):
        pair.send_string(str(number))
        answer = pair.recv_string()
        if answer != str(number + 1):
            sys.exit(f"{answer} comes after {number}?")
        number += 2
    print(f"counted to {number - 1} in turns")


main()
