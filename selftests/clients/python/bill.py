#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""bill.py BROKER: a worker behind the broker: orders, each as protobuf or as
msgpack, are answered with bills in the same form, until SIGTERM."""

import signal
import sys

import msgpack
import zmq

import order_pb2


def by_protobuf(data):
    order = order_pb2.Order.FromString(data)
    bill = order_pb2.Bill(number=order.number, note=order.note[::-1])
    for item in order.items:
        bill.total += item.count * item.price
        bill.counts[item.name] += item.count
    return bill.SerializeToString(deterministic=True)


def by_msgpack(data):
    order = msgpack.unpackb(data)
    counts = {}
    for name, count, _ in order["items"]:
        counts[name] = counts.get(name, 0) + count
    return msgpack.packb({"number": order["number"], "counts": counts,
                          "total": sum(c * p for _, c, p in order["items"]),
                          "note": order["note"][::-1]})


def stop(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
with zmq.Context() as ctx, ctx.socket(zmq.REP) as rep:
    rep.connect(sys.argv[1])
    while True:
        form, data = rep.recv_multipart()
        work = by_protobuf if form == b"protobuf" else by_msgpack
        rep.send_multipart([form, work(data)])
