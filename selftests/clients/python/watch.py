#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""watch.py ENDPOINT: a server that watches its clients come and go, one after
the other. Each says one word; the one that says "bye" is the last."""

import sys

import zmq
from zmq.utils.monitor import recv_monitor_message

SHOWN = {
    zmq.EVENT_LISTENING: "listening",
    zmq.EVENT_ACCEPTED: "accepted",
    zmq.EVENT_HANDSHAKE_SUCCEEDED: "handshake",
    zmq.EVENT_DISCONNECTED: "gone",
    zmq.EVENT_CLOSED: "closed",
    zmq.EVENT_MONITOR_STOPPED: "stopped",
}
ctx = zmq.Context()
pull = ctx.socket(zmq.PULL)
monitor = pull.get_monitor_socket()


def wait_for(event):
    """Events up to this one."""
    while True:
        seen = recv_monitor_message(monitor)
        name = SHOWN.get(seen["event"])
        if name:
            where = seen["endpoint"].decode() == sys.argv[1]
            print(name, "at our endpoint" if where else "", flush=True)
        if seen["event"] == event:
            return


pull.bind(sys.argv[1])
wait_for(zmq.EVENT_LISTENING)
word = b""
while word != b"bye":
    wait_for(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    word = pull.recv()
    print("heard", word.decode())
    print("ready", flush=True)
    wait_for(zmq.EVENT_DISCONNECTED)
pull.unbind(sys.argv[1])
wait_for(zmq.EVENT_CLOSED)
pull.disable_monitor()
monitor.close()
pull.close()
ctx.term()
