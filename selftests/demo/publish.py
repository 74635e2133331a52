#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""publish.py ENDPOINT LOG: publish the time and some weather by libzmq until
killed; what was sent is also written to LOG, one line a message."""

import itertools
import random
import sys
import time

import zmq

TOPICS = ("time", "temp.kitchen", "wind.north", "temp.cellar", "temp.", "tem")


def main():
    out = zmq.Context().socket(zmq.PUB)
    out.bind(sys.argv[1])
    with open(sys.argv[2], "w", encoding="ascii", buffering=1) as log:
        for number, topic in zip(itertools.count(), itertools.cycle(TOPICS)):
            if topic == "time":
                text = f"time {time.time():.6f} {number}"
            else:
                text = f"{topic} {random.uniform(-10, 30):.1f} {number}"
            log.write(text + "\n")      # before anybody can have got it
            out.send_string(text)
            time.sleep(0.005)           # its pace, nobody waits for it


main()
