#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""auth_client.py OPEN CLOSED: to both servers, also with a wrong password."""

import sys

import zmq

ctx = zmq.Context()
for where, name, password in ((sys.argv[1], None, None),
                              (sys.argv[2], b"ann", b"wrong"),
                              (sys.argv[2], b"ann", b"secret")):
    push = ctx.socket(zmq.PUSH)
    if name:
        push.plain_username, push.plain_password = name, password
    push.connect(where)
    push.send(b"with " + (password or b"nothing"))
    push.close(linger=1000 if password == b"wrong" else -1)
ctx.term()
print("told them")
