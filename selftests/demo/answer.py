#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""answer.py ENDPOINT NAME: libzmq's REP echoes until it is killed."""

import sys

import zmq


def main():
    rep = zmq.Context().socket(zmq.REP)
    rep.bind(sys.argv[1])
    while True:
        rep.send_multipart(rep.recv_multipart() + [sys.argv[2].encode()])


main()
