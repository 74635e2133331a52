# SPDX-License-Identifier: GPL-2.0
# MODULE: none
# TIMEOUT: 240
"""Load, traffic, unload, a hundred times (fewer in slow kernels): what is left
in the slab caches?

Each cache is judged by itself: none of the module's own may be left, and those
of sockets and network namespaces must hold as many objects after the last
cycle as after the tenth. No connection may stay in TIME_WAIT, or its sockets
would be counted.
"""
import errno
import os
import subprocess
import time

from afzmq import (CURVE_PUBLICKEY, CURVE_SECRETKEY, CURVE_SERVER,
                   CURVE_SERVERKEY, MECHANISM, PLAIN_SERVER, PULL, PUSH, REP,
                   REQ, Socket)
from ztap import SLOW, Skip, Tap, fails, same

tap = Tap()
KO = os.environ["ZMQ_KO"]
SLAB = "/sys/kernel/slab"
OURS = ("kzmq_msg", "kzmq_pack", "kzmq_stage", "ZMQ")
OTHERS = ("TCP", "TCPv6", "sock_inode_cache", "net_namespace")
CYCLES = max(20, 100 // SLOW)
WARM = 10


def objects(cache):
    """Objects in use, exactly: shrinking gives back what CPUs hold for later."""
    path = f"{SLAB}/{cache}"
    with open(f"{path}/shrink", "w", encoding="ascii") as f:
        f.write("1")
    with open(f"{path}/objects", encoding="ascii") as f:
        return int(f.read().split()[0])


def traffic():
    """Two pairs, short and long messages, one pair left to close() unread."""
    with Socket(PULL) as a, Socket(PUSH) as b:
        b.connect(a.bind("tcp://127.0.0.1:*"))
        for n in (0, 1, 300, 100000):
            b.send(b"x" * n)
            if len(a.recv()) != n:
                raise AssertionError(f"a message of {n} octets came as another")
        b.send(b"nobody reads this")
    with Socket(REP) as a, Socket(REQ) as b:
        b.connect(a.bind("tcp://127.0.0.1:*"))
        b.send(b"request")
        a.send(a.recv())
        b.recv()


def unload():
    """A socket that lingers holds the module; it goes when it is done."""
    end = time.monotonic() + 20 * SLOW
    while subprocess.call(["rmmod", "zmq"], stderr=subprocess.DEVNULL):
        with open("/sys/module/zmq/refcnt", encoding="ascii") as f:
            refs = f.read().strip()
        if time.monotonic() > end:
            raise AssertionError(f"the module is still in use: {refs}")


def cycle(i):
    subprocess.check_call(["insmod", KO])
    traffic()
    if i % 10 == 0:
        subprocess.check_call(["ip", "netns", "add", "cycle"])
        subprocess.check_call(["ip", "netns", "del", "cycle"])
    unload()


@tap.case(f"{CYCLES} cycles of load, traffic, unload leave the slab caches level",
          limit=220)
def _cycles():
    with open("/proc/sys/net/ipv4/tcp_max_tw_buckets", "w",
              encoding="ascii") as f:
        f.write("0")
    before = {}
    for i in range(1, CYCLES + 1):
        cycle(i)
        if i == WARM:
            before = {c: objects(c) for c in OTHERS}
    for c in OURS:
        left = os.path.exists(f"{SLAB}/{c}")
        print(f"# {c:18} {'is left' if left else 'gone'}")
        if left:
            raise AssertionError(f"the cache {c} is left")
    after = {c: settle(c, before[c]) for c in OTHERS}
    for c in OTHERS:
        print(f"# {c:18} {before[c]:6} objects after {WARM} cycles, "
              f"{after[c]:6} after {CYCLES}")
    worse = [c for c in OTHERS if after[c] > before[c]]
    if worse:
        raise AssertionError(f"more objects than before: {', '.join(worse)}")


def settle(cache, want):
    """Namespaces are taken down in the background: give them a while."""
    end = time.monotonic() + 10 * SLOW
    n = objects(cache)
    while n > want and time.monotonic() < end:
        n = objects(cache)
    return n


def loaded(names):
    with open("/proc/modules", encoding="ascii") as f:
        return {line.split()[0] for line in f} & \
            {n.replace("-", "_") for n in names}


@tap.case("insmod without the modules of its cryptography: no CURVE, all else")
def _bare():
    depends = subprocess.check_output(["modinfo", "-F", "depends", KO], text=True)
    names = depends.strip().replace(",", " ").split()
    if not names:
        raise Skip("this kernel has them built in")
    try:
        # some of them use others
        for name in names * len(names):
            subprocess.call(["rmmod", name], stderr=subprocess.DEVNULL)
        same(loaded(names), set(), "still loaded")
        subprocess.check_call(["insmod", KO])
        with Socket(REP) as s:
            s.set(PLAIN_SERVER, 1)
            for option, value in ((CURVE_SERVER, 1), (CURVE_SERVER, 0),
                                  (CURVE_PUBLICKEY, b"k" * 32),
                                  (CURVE_SECRETKEY, b"k" * 32),
                                  (CURVE_SERVERKEY, b"k" * 32)):
                fails(errno.EOPNOTSUPP, s.set, option, value)
            same(s.get(MECHANISM), 1, "mechanism")
        traffic()
        unload()
    finally:
        subprocess.check_call(["modprobe", "-a", *names])


tap.run()
