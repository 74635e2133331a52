#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""say.py ENDPOINT WORD: say one word and go when it has arrived; tell which
events the connection had."""

import sys
import threading

import zmq
from zmq.utils.monitor import recv_monitor_message

SHOWN = {zmq.EVENT_CONNECTED: "connected", zmq.EVENT_HANDSHAKE_SUCCEEDED: "handshake"}
ctx = zmq.Context()
push = ctx.socket(zmq.PUSH)
monitor = push.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED
                                  | zmq.EVENT_MONITOR_STOPPED)
seen = []


def follow():
    while True:
        event = recv_monitor_message(monitor)["event"]
        if event == zmq.EVENT_MONITOR_STOPPED:
            return
        seen.append(SHOWN[event])


thread = threading.Thread(target=follow)
thread.start()
push.connect(sys.argv[1])
push.send_string(sys.argv[2])
push.disable_monitor()
thread.join()
monitor.close()
push.close()
ctx.term()
print("said", sys.argv[2])
