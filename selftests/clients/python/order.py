#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""order.py BROKER COUNT: so many orders at once, as protobuf and as msgpack by
turns; the bills are shown in the order of their numbers."""

import sys

import msgpack
import zmq

import order_pb2

NAMES = ("bolt", "nut", "screw", "washer", "nail")


def items(number):
    return [(NAMES[(number + i) % 5], i + 1, 0.25 * (i + number % 7))
            for i in range(number % 9 + 1)]


def order(number):
    note = bytes([number % 251]) * (number * number * 3)
    if number % 2:
        data = msgpack.packb({"number": number, "items": items(number), "note": note})
        return b"msgpack", data
    message = order_pb2.Order(number=number, note=note)
    for name, count, price in items(number):
        message.items.add(name=name, count=count, price=price)
    return b"protobuf", message.SerializeToString()


def read(form, data):
    if form == b"protobuf":
        bill = order_pb2.Bill.FromString(data)
        return bill.number, bill.total, sorted(bill.counts.items()), bill.note
    bill = msgpack.unpackb(data)
    return bill["number"], bill["total"], sorted(bill["counts"].items()), bill["note"]


count = int(sys.argv[2])
bills = []
with zmq.Context() as ctx, ctx.socket(zmq.DEALER) as dealer:
    dealer.connect(sys.argv[1])
    for n in range(count):
        dealer.send_multipart([b"", *order(n)])
    while len(bills) < count:
        empty, form, data = dealer.recv_multipart()
        bills.append((*read(form, data), form.decode(), empty))
for number, total, counts, note, form, empty in sorted(bills):
    print(number, form, total, counts, len(note), len(set(note)), empty)
