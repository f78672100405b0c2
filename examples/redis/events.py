"""Follows all events of an exchange in Redis and counts them by name, with Python alone.

    python3 examples/redis/events.py data/redis/redis.sock counts.json
    python3 examples/redis/events.py 127.0.0.1:6379 counts.json

Reads crossbook:events, where an entry is a batch of binary records. `prev` of each batch names the one
before, so that a gap is seen; counts and the id up to which they go are stored together, so that the
program may be killed at any moment.
"""
import json
import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
import records  # noqa: E402

STREAM = b"crossbook:events"
BEGINNING = "0-0"


class Redis:
    """One connection that speaks RESP, as far as it is needed here."""

    def __init__(self, address):
        """address: host:port, or the path of a Unix socket."""
        if "/" in address:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.file = self.socket.makefile("rb")

    def call(self, *arguments):
        parts = [b"*%d\r\n" % len(arguments)]
        for argument in arguments:
            data = argument if isinstance(argument, bytes) else str(argument).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self.socket.sendall(b"".join(parts))
        return self.reply()

    def reply(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("Redis has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"$":
            length = int(rest)
            return None if length < 0 else self.file.read(length + 2)[:-2]
        if kind == b"*":
            length = int(rest)
            return None if length < 0 else [self.reply() for _ in range(length)]
        return int(rest) if kind == b":" else rest


def load(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {"last": BEGINNING, "events": 0, "counts": {}}


def save(path, state):
    aside = path.with_name(path.name + ".new")
    with aside.open("w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: events.py HOST:PORT|SOCKET FILE")
    if "/" not in sys.argv[1] and not sys.argv[1].rpartition(":")[2].isdigit():
        sys.exit(f"{sys.argv[1]} is neither HOST:PORT nor the path of a socket")
    path = Path(sys.argv[2])
    state = load(path)
    redis = Redis(sys.argv[1])
    while True:
        found = redis.call(
            "XREAD", "COUNT", 100, "BLOCK", 1000, "STREAMS", STREAM, state["last"]
        )
        for _, entries in found or []:
            for key, flat in entries:
                fields = dict(zip(flat[::2], flat[1::2]))
                before = fields[b"prev"].decode()
                if before != state["last"]:
                    sys.exit(f"a gap: {key.decode()} follows {before}, read up to {state['last']}")
                for name, _ in records.unpack(fields[b"e"]):
                    state["counts"][name] = state["counts"].get(name, 0) + 1
                state["events"] += int(fields[b"n"])
                state["last"] = key.decode()
            save(path, state)
            print(state["events"], "events up to", state["last"], flush=True)


if __name__ == "__main__":
    main()
