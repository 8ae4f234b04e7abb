"""Carries the bytes of connections to a server, and spoils some: for TLS, into which the proxy of faults cannot look; or
counts them, and stops after so many."""

import random
import select
import socket
import struct
import threading
import time
import urllib.parse

# A spoiled place comes within so many bytes of the last: of a handshake, or of a batch of points.
NEXT_BYTES = (2000, 50000)
DELAY_S = 0.3


class Relay:
    """As world.Proxy; its kinds are cut, garble, delay and silent."""

    def __init__(self, url, seed, plan="none=100"):
        parts = urllib.parse.urlsplit(url)
        self.upstream = (parts.hostname, parts.port)
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.counts = {}
        self.spoiled = False
        self.plan(plan)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{parts.scheme}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()

    def plan(self, text):
        with self.lock:
            self.shares = {kind: int(percent) for kind, percent in (part.split("=") for part in text.split(","))}

    def figures(self):
        with self.lock:
            counts, self.counts = self.counts, {}
        return counts

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def choose(self):
        """What happens next to a connection, and behind how many bytes. Until something was spoiled nothing else is due."""
        with self.lock:
            dice = self.random.randrange(100 if self.spoiled else sum(self.shares.values()))
            for kind, percent in self.shares.items():
                dice -= percent
                if dice < 0:
                    break
            else:
                kind = "none"
            return kind, self.random.randrange(self.random.choice(NEXT_BYTES))

    def count(self, kind):
        with self.lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.spoiled = self.spoiled or kind != "none"

    def carry(self, client):
        try:
            with client, socket.create_connection(self.upstream) as server:
                self.carry_between(client, server)
        except OSError:
            pass

    def carry_between(self, client, server):
        kind, left = self.choose()
        while True:
            for source in select.select([client, server], [], [])[0]:
                data = source.recv(16384)
                target = server if source is client else client
                if left >= len(data):
                    left -= len(data)
                else:
                    self.count(kind)
                    if kind == "cut":
                        target.sendall(data[:left])
                        # Not with FIN but with RST.
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        return
                    if kind == "silent":
                        while client.recv(16384):
                            pass
                        return
                    if kind == "garble":
                        data = data[:left] + bytes([data[left] ^ 1]) + data[left + 1:]
                    elif kind == "delay":
                        time.sleep(DELAY_S)
                    kind, left = self.choose()
                if not data:
                    return
                target.sendall(data)


class Meter(Relay):
    """Carries everything and counts what goes to the server: no more than `limit` bytes, until that is raised."""

    def __init__(self, url, limit):
        self.sent = 0
        self.limit = limit
        super().__init__(url, 0)

    def take(self, size):
        """How many of so many bytes may go on, once any may."""
        while True:
            with self.lock:
                size = min(size, self.limit - self.sent)
                if size > 0:
                    self.sent += size
                    return size
            time.sleep(0.01)

    def carry_between(self, client, server):
        while True:
            for source in select.select([client, server], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                if source is server:
                    client.sendall(data)
                while source is client and data:
                    size = self.take(len(data))
                    server.sendall(data[:size])
                    data = data[size:]
