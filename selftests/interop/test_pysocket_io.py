#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 90
"""Python's stock socket module does everything: frames and whole messages,
timeouts, select, poll, epoll, selectors, asyncio, threads, signals, fork and
passed file descriptors, AF_ZMQ at both ends."""

import array
import asyncio
import errno
import os
import select
import selectors
import signal
import socket
import struct
import threading
import time

import afzmq
from afzmq import (BIND, CMSG_FRAMES, DEALER, EVENTS, FRAME_MORE, LINGER,
                   PAIR, PUB, PULL, PUSH, RCVBATCH, RCVHWM, RCVTIMEO,
                   REP, REQ, ROUTER, SNDHWM, SNDTIMEO, SOL_ZMQ, STREAM, TYPE,
                   XPUB, XSUB, Couple, Socket)
from ztap import SLOW, Tap, fails, same, until

tap = Tap()
WAIT = 20 * SLOW        # seconds for what has to happen
TCP = "tcp://127.0.0.1:*"


# ---- frames


@tap.case("frames: MSG_MORE, RCVMORE, empty ones, recv() == b''")
def _frames():
    with Couple() as (a, b):
        s = b.sock
        same([s.send(b"one", socket.MSG_MORE), s.send(b"", socket.MSG_MORE),
              s.send(b"three")], [3, 0, 5])
        a.poll()
        got = []
        for _ in range(3):
            got.append((a.sock.recv(100), a.more))
        same(got, [(b"one", True), (b"", True), (b"three", False)])
        a.nothing()


@tap.case("nothing is delivered before the last frame")
def _whole():
    with Couple() as (a, b):
        b.send(b"first", True)
        a.nothing(100)
        same(a.waiting(), 0)
        b.send(b"last")
        same(a.recv_multipart(), [b"first", b"last"])


@tap.case("MSG_PEEK leaves the frame, MSG_TRUNC tells its length")
def _peek():
    with Couple() as (a, b):
        b.send_multipart([b"0123456789", b"next"])
        buf = bytearray(4)
        for _ in range(3):
            same(a.sock.recv_into(buf, 4, socket.MSG_PEEK), 4)
            same(bytes(buf), b"0123")
            same(a.sock.recv_into(buf, 4, socket.MSG_PEEK | socket.MSG_TRUNC), 10)
        # a short buffer loses the rest of the frame, not the next one
        same(a.sock.recv(4), b"0123")
        same(a.more, True)
        same(a.sock.recv_into(buf, 2, socket.MSG_TRUNC), 4)
        same(bytes(buf), b"ne23")
        same(a.more, False)


@tap.case("sendall, os.write, os.read, recv_into, a memoryview and an array")
def _calls():
    with Couple() as (a, b):
        b.sock.sendall(b"all")
        os.write(b.fileno(), b"written")
        b.sock.send(memoryview(b"xviewx")[1:5])
        b.sock.send(array.array("I", [1, 2, 3]))
        same(os.read(a.fileno(), 100), b"all")
        same(a.sock.recv(100), b"written")
        buf = bytearray(10)
        same(a.sock.recv_into(memoryview(buf)[2:]), 4)
        same(bytes(buf), b"\0\0view" + bytes(4))
        numbers = array.array("I", [0] * 3)
        same(a.sock.recv_into(numbers), 12)
        same(list(numbers), [1, 2, 3])


@tap.case("gathering: one frame of many buffers")
def _gather():
    with Couple() as (a, b):
        same(b.sock.sendmsg([b"a" * 1000, b"", b"b" * 1000, b"c"]), 2001)
        same(a.recv_multipart(), [b"a" * 1000 + b"b" * 1000 + b"c"])
        same(b.sock.sendmsg([b"1", b"2"], [], socket.MSG_MORE), 2)
        same(b.sock.sendmsg([b"3"], [], socket.MSG_MORE | socket.MSG_EOR), 1)
        same(a.recv_multipart(), [b"12", b"3"])


@tap.case("whole messages in one sendmsg()")
def _messages():
    many = [[b"one"], [b"two", b"", b"x" * 70000], [b""], [b"", b""]]
    with Couple() as (a, b):
        same(b.send_messages(many), 70006)
        for frames in many:
            same(a.recv_multipart(), frames)
        # the buffers need not be cut where the frames are
        control = struct.pack("=3I", 2 | FRAME_MORE, 3, 1)
        same(b.sock.sendmsg([b"abcd", b"ef"], [(SOL_ZMQ, CMSG_FRAMES, control)]), 6)
        same(a.recv_multipart(), [b"ab", b"cde"])
        same(a.recv_multipart(), [b"f"])


@tap.case("frame lengths which are refused, and nothing is sent")
def _bad_lengths():
    with Couple() as (a, b):
        for sizes in ((), (3,), (5,), (4 | FRAME_MORE,), (2, 1), (2, 3),
                      (2 | FRAME_MORE, 1), (0x7fffffff,), (4, 0 | FRAME_MORE),
                      (0x7fffffff, 0x7fffffff, 6)):
            control = struct.pack(f"={len(sizes)}I", *sizes)
            fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
                  [(SOL_ZMQ, CMSG_FRAMES, control)])
        for size in 1, 3, 5, 7:
            fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
                  [(SOL_ZMQ, CMSG_FRAMES, bytes(size))])
        good = struct.pack("=I", 4)
        fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
              [(SOL_ZMQ, CMSG_FRAMES, good)], socket.MSG_MORE)
        b.send(b"half", True)
        fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
              [(SOL_ZMQ, CMSG_FRAMES, good)])
        b.send(b"whole")
        same(a.recv_multipart(), [b"half", b"whole"])
        a.nothing()


@tap.case("RCVBATCH: recv() gives one whole message")
def _batch():
    with Couple() as (a, b):
        a.set(RCVBATCH, 8)
        b.send_multipart([b"one", b"two"])
        b.send(b"three")
        a.poll()
        same(a.sock.recv(100), b"onetwo")
        b.send(b"x" * 50)
        same(a.sock.recv(100), b"three")
        fails(errno.EMSGSIZE, a.sock.recv, 49)
        same(a.sock.recv(50), b"x" * 50)
        a.set(RCVBATCH, 0)
        b.send_multipart([b"1", b"2"])
        same(a.recv_multipart(), [b"1", b"2"])


@tap.case("SIOCINQ is the next frame's length, SIOCOUTQ what has not left")
def _ioctls():
    with Couple() as (a, b):
        same((a.waiting(), b.unsent()), (0, 0))
        b.send_multipart([b"12345", b"678"])
        a.poll()
        same(a.waiting(), 5)
        a.recv()
        same(a.waiting(), 3)
        a.recv()
        same(a.waiting(), 0)
        until(lambda: b.unsent() == 0, "an empty queue")
    with Socket(PUSH) as s:
        s.connect(TCP.replace("*", "1"))
        s.send(b"x" * 1000)
        same(s.unsent(), 1000)


@tap.case("10 MiB in one frame and in 1000 frames")
def _big():
    data = os.urandom(1 << 20) * 10
    with Couple() as (a, b):
        b.send(data)
        same(a.recv(), data)
        frames = [data[n * 10000:(n + 1) * 10000] for n in range(1000)]
        b.send_multipart(frames)
        same(a.recv_multipart(), frames)
        b.send_whole(frames)
        same(a.recv_multipart(), frames)


# ---- waiting


@tap.case("Python's timeout and the kernel's")
def _timeouts():
    with Couple() as (a, _):
        began = time.monotonic()
        a.sock.settimeout(0.2)
        try:
            a.sock.recv(1)
            raise AssertionError("something came")
        except TimeoutError:
            pass
        a.sock.settimeout(None)
        a.sock.setblocking(True)
        a.set(RCVTIMEO, 200)
        fails(errno.EAGAIN, a.sock.recv, 1)
        spent = time.monotonic() - began
        if not 0.39 < spent < 5 * SLOW:
            raise AssertionError(f"{spent} s instead of 0.4")
        a.set(RCVTIMEO, 0)
        fails(errno.EAGAIN, a.sock.recv, 1)


@tap.case("no room: EAGAIN, a timeout, room again after reading")
def _hwm():
    with Socket(PUSH, {SNDHWM: 3, SNDTIMEO: 100}) as b, Socket(PULL) as a:
        fails(errno.EAGAIN, b.send, b"no peer")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            where = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        b.connect(where)
        for n in range(3):
            same(b.poll(select.POLLOUT, 0), select.POLLOUT)
            b.send(b"%d" % n, flags=socket.MSG_DONTWAIT)
        same(b.poll(select.POLLOUT, 0), 0)
        fails(errno.EAGAIN, b.send, b"x", flags=socket.MSG_DONTWAIT)
        fails(errno.EAGAIN, b.send, b"x")
        b.sock.settimeout(0.1)
        try:
            b.sock.send(b"x")
            raise AssertionError("sent")
        except TimeoutError:
            pass
        a.bind(where)
        same([a.recv() for _ in range(3)], [b"0", b"1", b"2"])
        same(b.poll(select.POLLOUT), select.POLLOUT)
        b.send(b"3")
        same(a.recv(), b"3")


@tap.case("poll and ZMQ_EVENTS agree, type by type")
def _idle():
    always_out = {PUB, XPUB, XSUB, ROUTER, STREAM}
    for kind, name in enumerate(afzmq.NAMES):
        with Socket(kind) as s:
            want = select.POLLOUT if kind in always_out else 0
            same(s.poll(select.POLLIN | select.POLLOUT, 0), want, name)
            same(s.get(EVENTS), 2 if want else 0, name)
    with Couple(REP, REQ) as (a, b):
        same(b.get(EVENTS), 2)
        b.send(b"?")
        same(b.get(EVENTS), 0)
        a.poll()
        same(a.get(EVENTS), 1)
        a.recv()
        same(a.get(EVENTS), 2)
        a.send(b"!")
        b.poll()
        same((a.get(EVENTS), b.get(EVENTS)), (0, 1))


@tap.case("select() with several sockets")
def _select():
    with Couple() as (a, b), Couple() as (c, d):
        same(select.select([a, c], [], [], 0), ([], [], []))
        d.send(b"x")
        same(select.select([a, c], [], [], WAIT), ([c], [], []))
        b.send(b"y")
        until(lambda: len(select.select([a, c], [], [], 1)[0]) == 2, "both")
        same(set(select.select([], [b, d], [], WAIT)[1]), {b, d})


@tap.case("epoll: level, edge, one shot")
def _epoll():
    with Couple() as (a, b), select.epoll() as level, select.epoll() as edge, \
            select.epoll() as once:
        level.register(a, select.EPOLLIN)
        edge.register(a, select.EPOLLIN | select.EPOLLET)
        once.register(a, select.EPOLLIN | select.EPOLLONESHOT)
        same(level.poll(0) + edge.poll(0) + once.poll(0), [])
        b.send(b"1")
        for _ in range(2):
            same(level.poll(WAIT), [(a.fileno(), select.EPOLLIN)])
        same(edge.poll(WAIT), [(a.fileno(), select.EPOLLIN)])
        same(edge.poll(0), [], "edge again")
        same(once.poll(WAIT), [(a.fileno(), select.EPOLLIN)])
        b.send(b"2")
        same(edge.poll(WAIT), [(a.fileno(), select.EPOLLIN)], "every arrival")
        same(once.poll(0), [], "one shot again")
        once.modify(a, select.EPOLLIN | select.EPOLLONESHOT)
        same(once.poll(WAIT), [(a.fileno(), select.EPOLLIN)])
        same([a.recv(), a.recv()], [b"1", b"2"])
        same(level.poll(0) + edge.poll(0), [])


@tap.case("selectors: a server for twenty clients")
def _selectors():
    with Socket(ROUTER) as server, selectors.DefaultSelector() as sel:
        where = server.bind(TCP)
        clients = []
        for n in range(20):
            c = Socket(DEALER)
            c.connect(where)
            c.sock.setblocking(False)
            sel.register(c.sock, selectors.EVENT_READ, (c, n))
            clients.append(c)
        sel.register(server.sock, selectors.EVENT_READ, None)
        for n, c in enumerate(clients):
            c.send(b"%d" % n)
        answers = {}
        while len(answers) < 20:
            ready = sel.select(WAIT)
            if not ready:
                raise AssertionError(f"only {len(answers)} answers")
            for key, _ in ready:
                if key.data is None:
                    who, text = server.recv_multipart()
                    server.send_multipart([who, b"answer " + text])
                else:
                    c, n = key.data
                    answers[n] = c.recv()
        same(answers, {n: b"answer %d" % n for n in range(20)})
        for c in clients:
            c.close()


@tap.case("asyncio: add_reader, add_writer, sock_recv, sock_sendall")
def _asyncio():
    async def main(a, b):
        loop = asyncio.get_running_loop()
        readable, writable = asyncio.Event(), asyncio.Event()
        loop.add_reader(a, readable.set)
        loop.add_writer(b, writable.set)
        await asyncio.wait_for(writable.wait(), WAIT)
        same(readable.is_set(), False)
        b.send(b"event")
        await asyncio.wait_for(readable.wait(), WAIT)
        loop.remove_reader(a)
        loop.remove_writer(b)
        same(a.recv(), b"event")
        reader = asyncio.create_task(loop.sock_recv(a.sock, 100))
        await asyncio.sleep(0)
        await loop.sock_sendall(b.sock, b"awaited")
        same(await asyncio.wait_for(reader, WAIT), b"awaited")

    with Couple() as (a, b):
        a.sock.setblocking(False)
        b.sock.setblocking(False)
        asyncio.run(main(a, b))


@tap.case("a thread blocked in recv() is woken by a message, by shutdown()")
def _threads():
    with Couple() as (a, b):
        got = []

        def reader():
            got.append(a.sock.recv(100))
            try:
                a.sock.recv(100)
            except OSError as e:
                got.append(e.errno)

        t = threading.Thread(target=reader, daemon=True)
        t.start()
        b.send(b"wake up")
        until(lambda: got == [b"wake up"], "the message")
        a.sock.shutdown(socket.SHUT_RDWR)
        t.join(WAIT)
        same(got, [b"wake up", errno.ESHUTDOWN])
        fails(errno.ESHUTDOWN, a.sock.send, b"x")
        fails(errno.ESHUTDOWN, a.sock.recv, 1)
        fails(errno.ESHUTDOWN, a.set, BIND, TCP)
        if not a.poll(select.POLLIN, 0) & select.POLLHUP:
            raise AssertionError("no POLLHUP")
        a.sock.shutdown(socket.SHUT_WR)
        same(a.get(TYPE), PAIR)


@tap.case("threads share a socket: whole messages stay whole")
def _shared():
    with Couple(PULL, PUSH) as (a, b):
        def writer(n):
            for k in range(50):
                b.send_whole([b"%d" % n, b"%d" % k, b"x" * n])

        threads = [threading.Thread(target=writer, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        seen = [0] * 4
        for _ in range(200):
            n, k, rest = a.recv_multipart()
            n = int(n)
            same((int(k), rest), (seen[n], b"x" * n), "order and content")
            seen[n] += 1
        for t in threads:
            t.join(WAIT)
        same(seen, [50] * 4)


@tap.case("a signal's handler ends an endless wait")
def _signal():
    class Wake(Exception):
        pass

    def handler(*_):
        raise Wake

    with Couple() as (a, b):
        a.set(RCVTIMEO, -1)
        old = signal.signal(signal.SIGUSR1, handler)
        try:
            me = threading.get_ident()
            timer = threading.Timer(0.2, signal.pthread_kill,
                                    (me, signal.SIGUSR1))
            try:
                timer.start()       # it may be over before recv() begins
                a.recv()
                raise AssertionError("a message")
            except Wake:
                pass
        finally:
            signal.signal(signal.SIGUSR1, old)
        b.send(b"still works")
        same(a.recv(), b"still works")


# ---- the file descriptor


@tap.case("a socket passed over a Unix socket goes on in another process")
def _passed():
    ours, theirs = socket.socketpair()
    with Couple() as (a, b), ours, theirs:
        pid = os.fork()
        if not pid:
            try:
                b.close()
                _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
                with socket.socket(fileno=fds[0]) as s:
                    s.settimeout(WAIT)
                    s.send(b"child got " + s.recv(100))
                os._exit(0)
            finally:
                os._exit(1)
        socket.send_fds(ours, [b"x"], [b.fileno()])
        a.send(b"this")
        same(a.recv(), b"child got this")
        same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)


@tap.case("a socket shared over fork lives until the last one closes it")
def _forked():
    with Couple() as (a, b):
        pid = os.fork()
        if not pid:
            try:
                b.send(b"from the child")
                os._exit(0)
            finally:
                os._exit(1)
        same(a.recv(), b"from the child")
        same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        same(a.peers, 1)
        b.send(b"from the parent")
        same(a.recv(), b"from the parent")
        b.close()
        a.wait_peers(0)


@tap.case("what was sent outlives close() for LINGER")
def _linger():
    for size, count in ((10, 500), (1 << 20, 5)):
        with Socket(PULL, {RCVHWM: 2}) as a:
            where = a.bind(TCP)
            with Socket(PUSH, {LINGER: 1000 * WAIT}) as b:
                b.connect(where)
                for n in range(count):
                    b.send(b"%d" % n + b"." * size)
            for n in range(count):
                same(a.recv(), b"%d" % n + b"." * size)


@tap.case("a process that is killed is gone for its peers")
def _killed():
    with Socket(PULL) as a:
        where = a.bind(TCP)
        pid = os.fork()
        if not pid:
            with Socket(PUSH, {LINGER: -1}) as b:
                b.connect(where)
                b.send(b"last words")
                while True:
                    signal.pause()
        same(a.recv(), b"last words")
        same(a.peers, 1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        a.wait_peers(0)


@tap.case("/proc/net/zmq lists the socket")
def _proc():
    with Couple(PULL, PUSH) as (a, b):
        port = a.endpoint.rpartition(":")[2]
        inode = str(os.fstat(a.fileno()).st_ino)
        with open("/proc/net/zmq", encoding="ascii") as f:
            lines = f.read().splitlines()
        mine = [x.split() for x in lines[1:] if inode in x.split()]
        same(len(mine), 1, "lines with our inode")
        if "PULL" not in mine[0] or not any(port in x for x in mine[0]):
            raise AssertionError(f"{mine[0]}")
        same(b.peers, 1)


tap.run()
