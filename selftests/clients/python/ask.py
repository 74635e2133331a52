#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""ask.py ENDPOINT: questions of all the forms pyzmq knows, to a server that
answers with the same frames."""

import pickle
import sys
import threading
import zlib

import zmq

ctx = zmq.Context.instance()
req = ctx.socket(zmq.REQ)
req.setsockopt(zmq.RCVTIMEO, 20000)
req.identity = b"asker"
req.linger = 0
req.connect(sys.argv[1])
print("type", req.type, "identity", req.identity, "timeout", req.rcvtimeo)

req.send_string("grüße")
print(req.recv_string())
req.send_json({"numbers": [1, 2.5, None], "text": "x" * 100})
print(req.recv_json())
req.send_pyobj({1, 2, 3})
print(req.recv_pyobj())
req.send(b"a", zmq.SNDMORE)
req.send(b"b" * 70000)
print([len(f) for f in req.recv_multipart()])

big = bytearray(range(256)) * 4000
tracker = req.send(big, copy=False, track=True)
frame = req.recv(copy=False)
tracker.wait(20)
print(len(frame), zlib.crc32(frame.buffer), tracker.done, frame.more)

req.send_serialized([1, "two", (3,)], lambda x: [pickle.dumps(i) for i in x])
print(req.recv_serialized(lambda frames: [pickle.loads(f) for f in frames]))

view = memoryview(b"0123456789")[2:5]
req.send(view)
print(req.recv())
try:
    req.recv(zmq.NOBLOCK)
except zmq.ZMQError as e:
    print("receiving twice:", e.errno == zmq.EFSM)

req.send(b"poll")
print("events:", req.poll(20000) == zmq.POLLIN, req.get(zmq.EVENTS) & zmq.POLLIN)
print(req.recv())
try:
    req.setsockopt(zmq.RCVMORE, 1)
except zmq.ZMQError as e:
    print("setting RCVMORE:", e.errno == zmq.EINVAL)


def elsewhere():
    """A socket of its own in a thread, at the same context."""
    with ctx.socket(zmq.DEALER) as dealer:
        dealer.connect(sys.argv[1])
        dealer.send_multipart([b"", b"from a thread"])
        print(dealer.recv_multipart())


thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
req.send(b"END")
print(req.recv())
req.close()
ctx.term()
print(req.closed, ctx.closed)
