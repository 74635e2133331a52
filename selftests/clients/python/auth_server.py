#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""auth_server.py OPEN CLOSED: a server for everybody and one for those who have
a password; an authenticator in a thread decides."""

import sys
import time

import zmq
from zmq.auth.thread import ThreadAuthenticator

ctx = zmq.Context()
auth = ThreadAuthenticator(ctx)
auth.start()
auth.allow("127.0.0.1")
auth.configure_plain(domain="*", passwords={"ann": "secret"})
# the thread might see a question before what it was told
while not auth.passwords:
    time.sleep(0.01)
everybody, members = ctx.socket(zmq.PULL), ctx.socket(zmq.PULL)
everybody.zap_domain = b"global"
members.plain_server = True
everybody.bind(sys.argv[1])
members.bind(sys.argv[2])
print(everybody.recv())
frame = members.recv(copy=False)
print(frame.bytes, frame.get("User-Id"))
auth.stop()
everybody.close()
members.close()
ctx.term()
