#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""farm.py SOURCE SINK WORKERS COUNT: give numbers to workers by libzmq's PUSH,
take what they make of them by libzmq's PULL: "name number square"."""

import collections
import random
import sys

import zmq
from zmq.utils.monitor import recv_monitor_message


def main():
    source, sink = sys.argv[1:3]
    workers, count = int(sys.argv[3]), int(sys.argv[4])
    ctx = zmq.Context()
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    push.linger = pull.linger = 0
    push.sndtimeo = pull.rcvtimeo = 20000
    monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    monitor.rcvtimeo = 20000
    pull.bind(sink)
    push.bind(source)
    # all of them have to be there before the work is shared out
    for _ in range(workers):
        recv_monitor_message(monitor)

    numbers = random.sample(range(1 << 31), count)
    for n in numbers:
        push.send_string(str(n))
    for _ in range(workers):
        push.send_string("end")

    shares = collections.Counter()
    left = set(numbers)
    for _ in range(count):
        name, number, square = pull.recv_string().split()
        if int(number) ** 2 != int(square):
            sys.exit(f"{name} says the square of {number} is {square}")
        if int(number) not in left:
            sys.exit(f"nobody has asked for {number}, or it came twice")
        left.remove(int(number))
        shares[name] += 1
    if len(shares) != workers:
        sys.exit(f"only {sorted(shares)} have worked")
    print(f"{count} numbers sent, {count} right squares back, by",
          ", ".join(f"{k} ({v})" for k, v in sorted(shares.items())))
    ctx.destroy()


main()
