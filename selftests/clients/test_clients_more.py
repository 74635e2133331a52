#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# KERNEL: debian
# TIMEOUT: 900
# IMAGE: clients
"""The examples in C++ and Go, with CZMQ, and a broker that carries protobuf and
msgpack."""

from pairing import Examples

tap = Examples()


@tap.example("a Python publisher, a Go subscriber")
def _go(run):
    where = run.tcp()
    clients = [run.client("subscriber", where, "apples", "bread"),
               run.client("subscriber", where, "b")]
    server = run.server("publish.py", where, 3)
    for p in clients + [server]:
        p.end()


@tap.example("a C++ server, a Python client")
def _cpp(run):
    where = run.tcp()
    server = run.server("rep_server", where)
    run.client("reverse.py", where).end()
    server.end()


@tap.example("threads in C++, a C server")
def _crew(run):
    where = run.ipc()
    server = run.server("echo_server", "@" + where)
    run.client("crew", where).end()
    server.end()


@tap.example("CZMQ: actors, pollers, pictures, an authenticator that nobody asks")
def _czmq(run):
    where = run.tcp()
    server = run.server("zserver", where)
    run.client("zclient", where).end()
    server.end()


@tap.example("protobuf and msgpack through the broker")
def _broker(run):
    front, back = run.tcp(), run.ipc()
    broker = run.server("broker", "@" + front, "@" + back)
    workers = [run.client("bill.py", back) for _ in range(2)]
    run.client("order.py", front, 60).end()
    for w in workers:
        w.interrupt()
    broker.interrupt()


@tap.example("protobuf and msgpack through the broker, the workers at its side")
def _broker_workers(run):
    front, back = run.ipc(), run.tcp()
    broker = run.server("broker", "@" + front, "@" + back)
    worker = run.server("bill.py", back)
    run.client("order.py", front, 40).end()
    worker.interrupt()
    broker.interrupt()


tap.run()
