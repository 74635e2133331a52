#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""jupyter_ask.py FILE: talk to the Jupyter kernel of this connection file:
compute, print, ask back, complete, fail, stop."""

import sys
import time

from jupyter_client import BlockingKernelClient

client = BlockingKernelClient()
client.load_connection_file(sys.argv[1])
client.start_channels()


def wait_ready():
    """A kernel that is still starting counts as dead."""
    while True:
        try:
            return client.wait_for_ready(timeout=100)
        except RuntimeError:
            pass


def beating():
    while not client.hb_channel.is_beating():
        time.sleep(0.1)
    return True


def show(message):
    kind, content = message["header"]["msg_type"], message["content"]
    if kind == "stream":
        # in as many pieces as the kernel likes
        sys.stdout.write(content["text"])
    elif kind == "execute_result":
        print("result:", content["data"]["text/plain"])
    elif kind == "error":
        print("error:", content["ename"], content["evalue"])
    elif kind == "display_data":
        print("display:", len(content["data"]["text/plain"]))


def run(code):
    reply = client.execute_interactive(code, timeout=100, output_hook=show,
                                       stdin_hook=lambda _: client.input("Ada"))
    print("->", reply["content"]["status"], reply["content"]["execution_count"])


wait_ready()
run("6 * 7")
run("for i in range(5): print(i, 'x' * 10)")
run("name = input('who? ')\nname.upper()")
run("display('y' * 300000)")
run("1 / 0")
run("import threading; t = threading.Thread(target=print, args=('from a thread',)); "
    "t.start(); t.join()")
reply = client.complete("name.upp", reply=True, timeout=100)
print("complete:", reply["content"]["matches"])
print("heart beats:", beating())
client.shutdown(reply=True, timeout=100)
client.stop_channels()
