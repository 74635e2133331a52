#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""device.py queue|forwarder|streamer FRONT BACK: a device of pyzmq in a thread
of its own, until standard input ends."""

import sys

import zmq
from zmq.devices import ThreadDevice, ThreadProxy

kind, front, back = sys.argv[1:]
if kind == "queue":
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
elif kind == "forwarder":
    device = ThreadProxy(zmq.XSUB, zmq.XPUB)
else:
    device = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
device.context_factory = zmq.Context.instance
device.bind_in(front)
device.bind_out(back)
device.start()
sys.stdin.read()
zmq.Context.instance().term()
device.join(20)
print(kind, "done" if device.done else "goes on")
