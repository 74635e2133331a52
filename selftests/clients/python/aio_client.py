#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""aio_client.py REQUESTS TICKS: several asyncio clients at once, each with many
requests under way, a subscriber beside them, and a large message both ways
through small queues."""

import asyncio
import sys

import zmq
import zmq.asyncio

CLIENTS, REQUESTS = 4, 40


async def ask(ctx, name):
    """All requests at once; the replies, in the order in which they come."""
    dealer = ctx.socket(zmq.DEALER)
    dealer.connect(sys.argv[1])
    for n in range(REQUESTS):
        await dealer.send_multipart([b"%d" % n, name * (n + 1)])
    order = []
    good = 0
    for _ in range(REQUESTS):
        number, text = await dealer.recv_multipart()
        order.append(int(number))
        good += text == name.upper() * (int(number) + 1)
    dealer.close()
    pairs = all(order.index(n + 1) < order.index(n) for n in range(0, REQUESTS, 2))
    return name, good, pairs


async def listen(ctx):
    """Three ticks in a row."""
    sub = ctx.socket(zmq.SUB)
    sub.connect(sys.argv[2])
    sub.subscribe(b"tick")
    ticks = [int((await sub.recv()).split()[1]) for _ in range(3)]
    sub.close()
    return [t - ticks[0] for t in ticks]


async def crowd():
    """A writer that has to wait for its reader again and again."""
    ctx = zmq.asyncio.Context.instance()
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    push.sndhwm = pull.rcvhwm = 2
    port = push.bind_to_random_port("tcp://127.0.0.1")
    pull.connect(f"tcp://127.0.0.1:{port}")

    async def write():
        for n in range(100):
            await push.send(b"%d" % n + bytes(200000))

    async def read():
        return [int((await pull.recv())[:-200000]) for _ in range(100)]

    _, got = await asyncio.gather(write(), read())
    push.close()
    pull.close()
    return got == list(range(100))


async def main():
    ctx = zmq.asyncio.Context.instance()
    names = [bytes([ord("a") + n]) for n in range(CLIENTS)]
    *replies, ticks = await asyncio.gather(*(ask(ctx, n) for n in names), listen(ctx))
    for r in replies:
        print(*r)
    print("ticks", ticks)
    print("crowd", await crowd())

    last = ctx.socket(zmq.DEALER)
    last.connect(sys.argv[1])
    try:
        await asyncio.wait_for(last.recv(), 0.05)
    except asyncio.TimeoutError:
        print("nothing yet")
    await last.send_multipart([b"0", b""])
    poller = zmq.asyncio.Poller()
    poller.register(last, zmq.POLLIN)
    events = dict(await poller.poll())
    print("poller", events == {last: zmq.POLLIN})
    print(await last.recv_multipart())
    last.close()
    ctx.term()


asyncio.run(main())
