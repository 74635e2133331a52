# SPDX-License-Identifier: GPL-2.0
"""Processes of a test that are started, talked to and killed."""

import os
import select
import signal
import socket
import sys
import traceback

from ztap import SLOW

WAIT = 20 * SLOW


class Child:
    """fn(tell, ...) in a process of its own; tell(text) reaches the parent."""

    def __init__(self, fn, *args):
        self.pipe, other = os.pipe()
        self.rest = b""
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            os.close(other)
            return
        code = 1
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60 * SLOW)    # should the parent forget us
            os.dup2(other, 200)
            os.closerange(3, 200)
            os.closerange(201, 1024)
            fn(lambda text: os.write(200, text.encode() + b"\n"), *args)
            code = 0
        except BaseException:   # pylint: disable=broad-except
            for line in traceback.format_exc().splitlines():
                print(f"# child: {line}", file=sys.stderr)
        finally:
            os._exit(code)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def told(self, seconds):
        """Whether there is something to hear within this time."""
        return bool(self.rest or select.select([self.pipe], [], [], seconds)[0])

    def hear(self):
        """The next line the child has told."""
        while b"\n" not in self.rest:
            if not select.select([self.pipe], [], [], WAIT)[0]:
                raise AssertionError("the child says nothing")
            part = os.read(self.pipe, 4096)
            if not part:
                raise AssertionError("the child has ended")
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()

    def kill(self):
        """SIGKILL: nothing in it can say good-bye."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.pipe)
            self.pid = 0


def free_endpoint():
    """A port nobody listens at; the kernel gives it to nobody for a while."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"
