#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# KERNEL: debian
# TIMEOUT: 600
"""The examples in C: echo, prefixes, pipeline, pairs, broker, devices."""

from pairing import Examples

tap = Examples()


def echo(run, where, clients):
    server = run.server("echo_server", "@" + where)
    for n in range(clients):
        run.client("echo_client", ">" + where, *["keep"] * (n + 1 < clients)).end()
    server.end()


@tap.example("echo over tcp")
def _echo(run):
    echo(run, run.tcp(), 1)


@tap.example("echo over ipc, two clients")
def _echo_ipc(run):
    echo(run, run.ipc(), 2)


@tap.example("echo, four threads behind inproc")
def _threads(run):
    where = run.tcp()
    server = run.server("threads", "@" + where)
    clients = [run.client("echo_client", ">" + where, "keep") for _ in range(3)]
    for c in clients:
        c.end()
    server.interrupt()


@tap.example("prefixes, two subscribers")
def _prefix(run):
    data, sync = run.tcp(), run.ipc()
    clients = [run.client("prefix_sub", ">" + data, ">" + sync, *topics)
               for topics in (["ber"], ["li", "oslo", "bern"])]
    server = run.server("prefix_pub", "@" + data, "@" + sync, 2)
    for p in clients + [server]:
        p.end()


@tap.example("prefixes, everything")
def _everything(run):
    data, sync = run.ipc(), run.tcp()
    client = run.client("prefix_sub", ">" + data, ">" + sync, "")
    server = run.server("prefix_pub", "@" + data, "@" + sync, 1)
    client.end()
    server.end()


@tap.example("pipeline, workers at the clients' side")
def _pipeline(run):
    tasks, results = run.tcp(), run.ipc()
    sink = run.server("sink", "@" + results, 2000)
    workers = [run.client("worker", ">" + tasks, ">" + results) for _ in range(3)]
    run.server("ventilator", "@" + tasks, 2000).end()
    sink.end()
    for w in workers:
        w.interrupt()


@tap.example("pipeline that is connected the other way round")
def _pipeline_back(run):
    tasks, results = run.ipc(), run.tcp()
    worker = run.server("worker", "@" + tasks, "@" + results)
    sink = run.client("sink", ">" + results, 1000)
    run.client("ventilator", ">" + tasks, 1000).end()
    sink.end()
    worker.interrupt()


@tap.example("pair over tcp")
def _pair(run):
    where = run.tcp()
    client = run.client("pair", "return", ">" + where)
    server = run.server("pair", "serve", "@" + where)
    client.end()
    server.end()


@tap.example("pairs of threads", alone=True)
def _relay(run):
    run.server("relay").end()


@tap.example("broker with poll")
def _broker(run):
    front, back = run.tcp(), run.ipc()
    broker = run.server("broker", "@" + front, "@" + back)
    server = run.client("echo_server", ">" + back)
    run.client("echo_client", ">" + front).end()
    server.end()
    broker.interrupt()


@tap.example("queue by zmq_device")
def _queue(run):
    front, back = run.ipc(), run.tcp()
    device = run.server("device", "queue", "@" + front, "@" + back)
    server = run.client("echo_server", ">" + back)
    run.client("echo_client", ">" + front).end()
    server.end()
    device.end_input()


@tap.example("forwarder by zmq_device")
def _forwarder(run):
    front, back, sync = run.tcp(), run.tcp(), run.ipc()
    device = run.server("device", "forwarder", "@" + front, "@" + back)
    sub = run.client("prefix_sub", ">" + back, ">" + sync, "ber", "oslo")
    pub = run.client("prefix_pub", ">" + front, "@" + sync, 1)
    sub.end()
    pub.end()
    device.end_input()


@tap.example("streamer by zmq_device")
def _streamer(run):
    front, back = run.tcp(), run.ipc()
    device = run.server("device", "streamer", "@" + front, "@" + back)
    sink = run.client("sink", ">" + back, 1000)
    run.client("ventilator", ">" + front, 1000).end()
    sink.end()
    device.end_input()


@tap.example("streamer that is steered")
def _steered(run):
    front, back = run.tcp(), run.tcp()
    device = run.server("steered", "@" + front, "@" + back)
    device.say("PAUSE")
    device.wait_line("PAUSE")
    ventilator = run.client("ventilator", ">" + front, 300)
    sink = run.client("sink", ">" + back, 300)
    device.say("RESUME")
    ventilator.end()
    sink.end()
    device.say("STATISTICS")
    device.wait_line("STATISTICS")
    device.say("TERMINATE")
    device.end_input()


tap.run()
