#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# KERNEL: debian
# TIMEOUT: 2200
# IMAGE: clients
"""Large programs of Debian's archive: a Jupyter kernel, ffmpeg, and JeroMQ,
which brings a ZMTP of its own."""

import json
import os

from pairing import BUILT, HERE, PYTHON, Examples

FFMPEG = "/usr/bin/ffmpeg"
JAVA = "/usr/bin/java"
JARS = "/usr/share/java/jeromq.jar"
tap = Examples()


def ports(run):
    """A connection file for Jupyter."""
    names = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
    about = {n: int(run.tcp().rpartition(":")[2]) for n in names}
    about.update(ip="127.0.0.1", transport="tcp", key="a key",
                 signature_scheme="hmac-sha256", kernel_name="python3")
    with open(run.path("kernel.json"), "w", encoding="utf-8") as f:
        json.dump(about, f)
    return f.name


@tap.example("a Jupyter kernel and its client", 400)
def _jupyter(run):
    where = ports(run)
    kernel = run.server(PYTHON, "-m", "ipykernel_launcher", "-f", where)
    run.client("jupyter_ask.py", where).end()
    kernel.end()


@tap.example("ffmpeg's zmq: protocol: moving pictures", 200)
def _ffmpeg(run):
    where = run.tcp()
    quiet = ("-hide_banner", "-loglevel", "error", "-nostdin")
    # all pictures are the same: a subscriber may begin with any of them
    sender = run.server(FFMPEG, *quiet, "-re", "-f", "lavfi",
                        "-i", "color=c=teal:s=320x240:r=25", "-c:v", "mpeg2video",
                        "-g", "1", "-f", "mpegts", "zmq:" + where)
    run.client(FFMPEG, *quiet, "-f", "mpegts", "-i", "zmq:" + where, "-map", "0:v",
               "-frames:v", "20", "-f", "rawvideo", "-pix_fmt", "yuv420p",
               run.path("pictures")).end()
    with open(run.path("pictures"), "rb") as f:
        pictures = f.read()
    size = 320 * 240 * 3 // 2
    assert len(pictures) == 20 * size, len(pictures)
    assert len({pictures[i:i + size] for i in range(0, len(pictures), size)}) == 1
    run.note("picture", pictures[:32].hex())
    sender.stop()


def java(start, *args):
    classes = next(d for d in (HERE, BUILT) if os.path.exists(os.path.join(d, "Echo.class")))
    return start(JAVA, "-Xint", "-XX:+UseSerialGC", "-cp", f"{JARS}:{classes}", "Echo",
                 *args)


@tap.example("JeroMQ asks", 200, foreign="client")
def _jeromq_client(run):
    where = run.tcp()
    server = run.server("echo_server", "@" + where)
    java(run.client, "client", where).end()
    server.end()


@tap.example("JeroMQ answers", 200, foreign="server")
def _jeromq_server(run):
    where = run.tcp()
    server = java(run.server, "server", where)
    run.client("echo_client", ">" + where).end()
    server.end()


tap.run()
