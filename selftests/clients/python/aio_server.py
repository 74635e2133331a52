#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""aio_server.py REQUESTS TICKS: an asyncio server; answers out of order, keeps
publishing meanwhile, ends when it is told so."""

import asyncio
import sys

import zmq
import zmq.asyncio


async def answer(router, client, number, text, gates):
    """An even request is answered after the odd one that follows it."""
    n = int(number)
    gate = gates.setdefault((client, n - n % 2), asyncio.Event())
    if n % 2 == 0:
        await gate.wait()
    await router.send_multipart([client, number, text.upper()])
    gate.set()


async def serve(router):
    """Requests until an empty one; how many there were."""
    tasks, gates = [], {}
    while True:
        client, number, text = await router.recv_multipart()
        if not text:
            await asyncio.gather(*tasks)
            await router.send_multipart([client, number, b""])
            return len(tasks)
        tasks.append(asyncio.ensure_future(answer(router, client, number, text, gates)))


async def tick(pub):
    """Something every now and then, as long as the server runs."""
    n = 0
    while True:
        await pub.send(b"tick %d" % n)
        n += 1
        await asyncio.sleep(0.01)


async def main():
    ctx = zmq.asyncio.Context()
    router, pub = ctx.socket(zmq.ROUTER), ctx.socket(zmq.PUB)
    router.bind(sys.argv[1])
    pub.bind(sys.argv[2])
    ticking = asyncio.ensure_future(tick(pub))
    print(await serve(router), "requests")
    ticking.cancel()
    router.close()
    pub.close()
    ctx.term()


asyncio.run(main())
