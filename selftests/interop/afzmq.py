# SPDX-License-Identifier: GPL-2.0
"""AF_ZMQ through Python's stock socket module, and nothing else.

That module refuses an address family it does not know in bind(), connect(),
recvmsg(), recvfrom() and getsockname(): what these do goes by setsockopt(),
getsockopt() and recv_into() here.
"""

import collections
import fcntl
import os
import select
import socket
import struct
import termios
import time

from ztap import SLOW, until

AF_ZMQ = 22
SOL_ZMQ = 300

(PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB,
 STREAM) = range(12)
NAMES = ("PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB "
         "STREAM").split()

AFFINITY = 4
ROUTING_ID = 5
SUBSCRIBE = 6
UNSUBSCRIBE = 7
SNDBUF = 11
RCVBUF = 12
RCVMORE = 13
EVENTS = 15
TYPE = 16
LINGER = 17
RECONNECT_IVL = 18
BACKLOG = 19
RECONNECT_IVL_MAX = 21
MAXMSGSIZE = 22
SNDHWM = 23
RCVHWM = 24
RCVTIMEO = 27
SNDTIMEO = 28
IPV4ONLY = 31
LAST_ENDPOINT = 32
ROUTER_MANDATORY = 33
TCP_KEEPALIVE = 34
TCP_KEEPALIVE_CNT = 35
TCP_KEEPALIVE_IDLE = 36
TCP_KEEPALIVE_INTVL = 37
TCP_ACCEPT_FILTER = 38
IMMEDIATE = 39
XPUB_VERBOSE = 40
IPV6 = 42
MECHANISM = 43
PLAIN_SERVER = 44
PLAIN_USERNAME = 45
PLAIN_PASSWORD = 46
CURVE_SERVER = 47
CURVE_PUBLICKEY = 48
CURVE_SECRETKEY = 49
CURVE_SERVERKEY = 50
PROBE_ROUTER = 51
REQ_CORRELATE = 52
REQ_RELAXED = 53
CONFLATE = 54
ZAP_DOMAIN = 55
ROUTER_HANDOVER = 56
TOS = 57
IPC_FILTER_PID = 58
IPC_FILTER_UID = 59
IPC_FILTER_GID = 60
CONNECT_ROUTING_ID = 61
HANDSHAKE_IVL = 66
SOCKS_PROXY = 68
XPUB_NODROP = 69
XPUB_MANUAL = 71
XPUB_WELCOME_MSG = 72
STREAM_NOTIFY = 73
INVERT_MATCHING = 74
HEARTBEAT_IVL = 75
HEARTBEAT_TTL = 76
HEARTBEAT_TIMEOUT = 77
XPUB_VERBOSER = 78
THREAD_SAFE = 81
USE_FD = 89
BINDTODEVICE = 92
ZAP_ENFORCE_DOMAIN = 93
METADATA = 95
ROUTER_NOTIFY = 97
XPUB_MANUAL_LAST_VALUE = 98
SOCKS_USERNAME = 99
SOCKS_PASSWORD = 100
ONLY_FIRST_SUBSCRIBE = 108
HELLO_MSG = 110
DISCONNECT_MSG = 111
HICCUP_MSG = 114
XSUB_VERBOSE_UNSUBSCRIBE = 115
TOPICS_COUNT = 116

BIND = 1000
CONNECT = 1001
UNBIND = 1002
DISCONNECT = 1003
RCVBATCH = 1004
STATS = 1005
PEERS = 1010
RECVPEER = 1011
PEER_PROP = 1012
CURVE_ALLOW = 1041

CMSG_FRAMES = 1
FRAME_MORE = 0x80000000

EIGHT_OCTETS = (AFFINITY, MAXMSGSIZE)
STATS_FORMAT = "=II8Q"
Stats = collections.namedtuple(
    "Stats", "size peers in_msgs in_bytes out_msgs out_bytes sent received "
             "dropped mem")

PEER_FORMAT = "=I4HI6Q3IiiII"
Peer = collections.namedtuple(
    "Peer", "size head rid_len local_len remote_len state handle in_bytes "
            "out_bytes sent received dropped in_msgs out_msgs flags type pid "
            "uid gid")

TIMEOUT = 20000 * SLOW      # ms; what a blocking call waits for at most


def awake(began, timeout):
    """What succeeds only when its time is over has missed its wake-up: the
    last look of a call that gives up must not hide that.
    """
    if timeout >= 1000 and time.monotonic() - began > timeout * 0.00095:
        raise AssertionError(f"nothing has woken a call for {timeout} ms")


class Socket:
    """One AF_ZMQ socket."""

    kernel = True
    DONTWAIT = socket.MSG_DONTWAIT

    def __init__(self, kind, options=(), timeout=TIMEOUT):
        self.kind = kind
        self.limits = {}
        self.sock = socket.socket(AF_ZMQ, socket.SOCK_SEQPACKET, kind)
        self.set(LINGER, 0)
        self.set(RCVTIMEO, timeout)
        self.set(SNDTIMEO, timeout)
        for option, value in dict(options).items():
            self.set(option, value)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def fileno(self):
        return self.sock.fileno()

    # options

    def set(self, option, value):
        if isinstance(value, str):
            value = value.encode()
        elif isinstance(value, int):
            self.limits[option] = value
            form = "=q" if option in EIGHT_OCTETS else "=i"
            value = struct.pack(form, value)
        self.sock.setsockopt(SOL_ZMQ, option, value)

    def get(self, option):
        """An integer option."""
        if option in EIGHT_OCTETS:
            raw = self.sock.getsockopt(SOL_ZMQ, option, 8)
            return struct.unpack("=q", raw)[0]
        return self.sock.getsockopt(SOL_ZMQ, option)

    def get_bytes(self, option, size=1024):
        return self.sock.getsockopt(SOL_ZMQ, option, size)

    @property
    def endpoint(self):
        return self.get_bytes(LAST_ENDPOINT).rstrip(b"\0").decode()

    @property
    def stats(self):
        size = struct.calcsize(STATS_FORMAT)
        raw = self.sock.getsockopt(SOL_ZMQ, STATS, size)
        return Stats(*struct.unpack(STATS_FORMAT, raw))

    @property
    def peers(self):
        return self.stats.peers

    def wait_peers(self, count, timeout=15):
        until(lambda: self.peers == count,
              f"{count} peers of {NAMES[self.kind]}", timeout)

    def peer_list(self):
        """All connections, a namedtuple and three texts each."""
        found, after = [], 0
        while True:
            self.sock.setsockopt(SOL_ZMQ, PEERS, struct.pack("=Q", after))
            page = self.get_bytes(PEERS)
            if not page:
                return found
            while page:
                peer = Peer(*struct.unpack_from(PEER_FORMAT, page))
                texts, at = [], peer.head
                for size in peer.rid_len, peer.local_len, peer.remote_len:
                    texts.append(page[at:at + size])
                    at += size
                found.append((peer, *texts))
                after = peer.handle
                page = page[peer.size:]

    def peer_prop(self, handle, name):
        self.sock.setsockopt(SOL_ZMQ, PEER_PROP,
                             struct.pack("=Q", handle) + name.encode())
        return self.get_bytes(PEER_PROP)

    # endpoints

    def bind(self, text):
        self.set(BIND, text)
        return self.endpoint

    def connect(self, text):
        self.set(CONNECT, text)

    def unbind(self, text):
        self.set(UNBIND, text)

    def disconnect(self, text):
        self.set(DISCONNECT, text)

    # messages

    def send(self, frame, more=False, flags=0):
        if more:
            flags |= socket.MSG_MORE
        began = time.monotonic()
        sent = self.sock.send(frame, flags)
        awake(began, self.limits[SNDTIMEO])
        if sent != len(frame):
            raise AssertionError(f"send() took {sent} of {len(frame)} octets")

    def send_multipart(self, frames, flags=0):
        for frame in frames[:-1]:
            self.send(frame, True, flags)
        self.send(frames[-1], False, flags)

    def send_messages(self, messages, flags=0):
        """Whole messages, each a list of frames, in one sendmsg()."""
        sizes = []
        for frames in messages:
            sizes += [len(f) | FRAME_MORE for f in frames[:-1]]
            sizes.append(len(frames[-1]))
        control = struct.pack(f"={len(sizes)}I", *sizes)
        return self.sock.sendmsg([f for m in messages for f in m],
                                 [(SOL_ZMQ, CMSG_FRAMES, control)], flags)

    def send_whole(self, frames, flags=0):
        size = sum(map(len, frames))
        if len(frames) > 1000:      # more than an iovec holds
            frames = [(b"".join(frames), list(map(len, frames)))]
            sizes = [n | FRAME_MORE for n in frames[0][1][:-1]]
            sizes.append(frames[0][1][-1])
            control = struct.pack(f"={len(sizes)}I", *sizes)
            sent = self.sock.sendmsg([frames[0][0]],
                                     [(SOL_ZMQ, CMSG_FRAMES, control)], flags)
        else:
            sent = self.send_messages([frames], flags)
        if sent != size:
            raise AssertionError(f"sendmsg() took {sent} of {size} octets")

    def next_size(self, flags=0):
        """Wait for a frame, leave it, tell its length."""
        began = time.monotonic()
        size = self.sock.recv_into(bytearray(1), 1, flags | socket.MSG_PEEK
                                   | socket.MSG_TRUNC)
        awake(began, self.limits[RCVTIMEO])
        return size

    def recv(self, flags=0):
        size = self.next_size(flags)
        room = bytearray(size + 1)
        got = self.sock.recv_into(room, size + 1, flags)
        if got != size:
            raise AssertionError(f"a frame of {size} octets became {got}")
        del room[size:]
        return bytes(room)

    @property
    def more(self):
        return bool(self.get(RCVMORE))

    def recv_multipart(self, flags=0):
        frames = [self.recv(flags)]
        while self.more:
            frames.append(self.recv(flags))
        return frames

    def poll(self, events=select.POLLIN, timeout=TIMEOUT):
        poller = select.poll()
        poller.register(self.sock, events)
        began = time.monotonic()
        ready = poller.poll(timeout)
        if not ready:
            return 0
        awake(began, timeout)
        return ready[0][1]

    def waiting(self):
        """SIOCINQ"""
        raw = fcntl.ioctl(self.sock, termios.FIONREAD, struct.pack("=i", -1))
        return struct.unpack("=i", raw)[0]

    def unsent(self):
        """SIOCOUTQ"""
        raw = fcntl.ioctl(self.sock, termios.TIOCOUTQ, struct.pack("=i", -1))
        return struct.unpack("=i", raw)[0]

    def nothing(self, timeout=0):
        """Check that no message comes within so many milliseconds."""
        if self.poll(select.POLLIN, timeout):
            raise AssertionError(f"unexpected message {self.recv_multipart()}")


class Couple:
    """Two connected sockets, a has bound."""

    def __init__(self, a_kind=PAIR, b_kind=PAIR, a_options=(), b_options=()):
        self.a = Socket(a_kind, a_options)
        self.b = Socket(b_kind, b_options)
        self.where = self.a.bind("tcp://127.0.0.1:*")
        self.b.connect(self.where)
        self.a.wait_peers(1)
        self.b.wait_peers(1)

    def __enter__(self):
        return self.a, self.b

    def __exit__(self, *_):
        self.a.close()
        self.b.close()


def under_test():
    """The class of the sockets under test.

    ZMQ_TEST_DOUBLE=1 in the environment puts libzmq there, to tell what the
    tests themselves are worth on a machine without the module.
    """
    if os.environ.get("ZMQ_TEST_DOUBLE"):
        import lzmq     # pylint: disable=import-outside-toplevel
        return lzmq.Socket
    return Socket
