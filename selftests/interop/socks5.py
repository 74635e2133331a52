# SPDX-License-Identifier: GPL-2.0
"""A small SOCKS5 proxy (RFC 1928, RFC 1929) that notes what it is told."""

import socket
import struct
import threading


class Refused(Exception):
    """The proxy ends a connection on purpose."""


class Proxy:
    """Listens until it is closed; each connection has threads of its own."""

    def __init__(self, user=None, password="", refuse=0):
        self.user = user and user.encode()
        self.password = password.encode()
        self.refuse = refuse        # so many requests, before it obeys
        self.heard = []             # per connection: all the client's octets
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.open = []
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.drop()

    def drop(self):
        """End all connections; those that come meanwhile are for the next time."""
        with self.lock:
            ended, self.open = self.open, []
        for sock in ended:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _opened(self, sock):
        with self.lock:
            self.open.append(sock)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._opened(client)
            threading.Thread(target=self._serve, args=(client,),
                             daemon=True).start()

    def _serve(self, client):
        heard = []
        self.heard.append(heard)

        def read(n):
            data = b""
            while len(data) < n:
                more = client.recv(n - len(data))
                if not more:
                    raise Refused
                data += more
            heard.append(data)
            return data

        try:
            with client:
                self._methods(client, read)
                with self._request(client, read) as dest:
                    self._opened(dest)
                    back = threading.Thread(target=pump, args=(dest, client),
                                            daemon=True)
                    back.start()
                    pump(client, dest)
                    back.join()
        except (Refused, OSError):
            pass

    def _methods(self, client, read):
        version, number = read(2)
        methods = read(number)
        want = 0 if self.user is None else 2
        if version != 5 or want not in methods:
            client.sendall(b"\5\xff")
            raise Refused
        client.sendall(bytes([5, want]))
        if want:
            version, length = read(2)
            user = read(length)
            good = user == self.user and read(read(1)[0]) == self.password
            client.sendall(bytes([1, not good]))
            if version != 1 or not good:
                raise Refused

    def _request(self, client, read):
        version, command, _, kind = read(4)
        if kind == 1:
            host = socket.inet_ntop(socket.AF_INET, read(4))
        elif kind == 4:
            host = socket.inet_ntop(socket.AF_INET6, read(16))
        else:
            host = read(read(1)[0]).decode()
        port, = struct.unpack("!H", read(2))
        if self.refuse or (version, command) != (5, 1):
            self.refuse -= 1
            client.sendall(b"\5\2\0\1\0\0\0\0\0\0")
            raise Refused
        try:
            dest = socket.create_connection((host, port), 10)
        except OSError as e:
            client.sendall(b"\5\5\0\1\0\0\0\0\0\0")
            raise Refused from e
        dest.settimeout(None)
        dest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"\5\0\0\1\x7f\0\0\1" + struct.pack("!H", port))
        return dest


def pump(source, sink):
    """Carry octets until one end has gone."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for sock in source, sink:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
