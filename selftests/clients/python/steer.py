#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""steer.py FRONT BACK: a streamer of pyzmq that obeys the words of standard
input; what passes is captured."""

import struct
import sys

import zmq
from zmq.devices import ThreadProxySteerable

ctx = zmq.Context.instance()
proxy = ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUSH, zmq.PAIR)
proxy.context_factory = zmq.Context.instance
control, capture = ctx.socket(zmq.PAIR), ctx.socket(zmq.PULL)
control.bind("inproc://control")
capture.bind("inproc://capture")
proxy.bind_in(sys.argv[1])
proxy.bind_out(sys.argv[2])
proxy.connect_mon("inproc://capture")
proxy.connect_ctrl("inproc://control")
proxy.start()
for line in sys.stdin:
    word = line.strip()
    control.send_string(word)
    print(word, flush=True)
    if word == "STATISTICS":
        numbers = [struct.unpack("Q", f)[0] for f in control.recv_multipart()]
        print(*numbers, flush=True)
        print(sum(1 for _ in range(numbers[0]) if capture.recv()), "captured",
              flush=True)
proxy.join(20)
print("ended:", proxy.done)
control.close()
capture.close()
ctx.term()
