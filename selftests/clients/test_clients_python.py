#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# KERNEL: debian
# TIMEOUT: 900
"""The examples with pyzmq: plain, asyncio, devices, monitors, authentication."""

from pairing import Examples

tap = Examples()


@tap.example("questions of all forms")
def _ask(run):
    where = run.tcp()
    server = run.server("answer.py", where)
    run.client("ask.py", where).end()
    server.end()


@tap.example("a C server, a Python client")
def _c_server(run):
    where = run.ipc()
    server = run.server("echo_server", "@" + where)
    run.client("ask.py", where).end()
    server.end()


@tap.example("a publisher that hears of its subscribers")
def _publish(run):
    where = run.tcp()
    clients = [run.client("subscribe.py", where, *topics)
               for topics in (["ap"], ["apricots", "butter"])]
    server = run.server("publish.py", where, 3)
    for p in clients + [server]:
        p.end()


@tap.example("asyncio: many requests at once, a subscriber, small queues", 90)
def _asyncio(run):
    requests, ticks = run.tcp(), run.ipc()
    server = run.server("aio_server.py", requests, ticks)
    run.client("aio_client.py", requests, ticks).end()
    server.end()


@tap.example("queue")
def _queue(run):
    front, back = run.tcp(), run.ipc()
    device = run.server("device.py", "queue", front, back)
    server = run.client("echo_server", ">" + back)
    run.client("ask.py", front).end()
    server.end()
    device.end_input()


@tap.example("forwarder")
def _forwarder(run):
    front, back, sync = run.tcp(), run.ipc(), run.ipc()
    device = run.server("device.py", "forwarder", front, back)
    sub = run.client("prefix_sub", ">" + back, ">" + sync, "lis")
    pub = run.client("prefix_pub", ">" + front, "@" + sync, 1)
    sub.end()
    pub.end()
    device.end_input()


@tap.example("streamer")
def _streamer(run):
    front, back = run.ipc(), run.tcp()
    device = run.server("device.py", "streamer", front, back)
    sink = run.client("sink", ">" + back, 500)
    run.client("ventilator", ">" + front, 500).end()
    sink.end()
    device.end_input()


@tap.example("streamer that is steered, with a capture")
def _steered(run):
    front, back = run.tcp(), run.ipc()
    device = run.server("steer.py", front, back)
    device.say("PAUSE")
    device.wait_line("PAUSE")
    ventilator = run.client("ventilator", ">" + front, 200)
    sink = run.client("sink", ">" + back, 200)
    device.say("RESUME")
    ventilator.end()
    sink.end()
    device.say("STATISTICS")
    device.wait_line("200 captured")
    device.say("TERMINATE")
    device.end_input()


@tap.example("a server that watches its clients by a monitor")
def _watch(run):
    where = run.tcp()
    server = run.server("watch.py", where)
    for n, word in enumerate(("hello", "well", "bye")):
        run.client("say.py", where, word).end()
        server.wait_line("ready", n + 1)
        server.wait_line("gone at our endpoint", n + 1)
    server.end()


@tap.example("an authenticator in a thread")
def _auth(run):
    everybody, members = run.tcp(), run.tcp()
    server = run.server("auth_server.py", everybody, members)
    run.client("auth_client.py", everybody, members).end()
    server.end()


tap.run()
