"""A private session with Crossbook in its binary protocol, with nothing but the standard library."""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct
import time
from urllib.parse import urlsplit

from records import Role, pack, unpack

MAX_FRAME = 16 * 1024 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The server has closed the connection; the code says why (docs/api.md, close codes)."""

    def __init__(self, code, reason):
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class WebSocket:
    """The client's half of RFC 6455, for binary messages."""

    def __init__(self, url, timeout):
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        port = parts.port or (443 if secure else 80)
        plain = socket.create_connection((parts.hostname, port), timeout)
        # Orders are small: waiting to fill a packet costs more than it saves.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = ssl.create_default_context() if secure else None
        self._socket = context.wrap_socket(plain, server_hostname=parts.hostname) if context else plain
        self._unread = b""
        self._shake_hands(parts)

    def _shake_hands(self, parts):
        key = base64.b64encode(os.urandom(16)).decode()
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._unread:
            self._receive()
        head, self._unread = self._unread.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        if " 101 " not in status:
            raise ConnectionError(f"no WebSocket there: {status}")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        magic = f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()
        expected = base64.b64encode(hashlib.sha1(magic).digest()).decode()
        if headers.get("sec-websocket-accept") != expected.lower():
            raise ConnectionError("the server's answer to the handshake is wrong")

    def _receive(self):
        data = self._socket.recv(65536)
        if not data:
            raise Closed(1006, "without a word")
        self._unread += data

    def _take(self, count):
        while len(self._unread) < count:
            self._receive()
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken

    def send(self, payload, opcode=BINARY):
        size = len(payload)
        if size < 126:
            head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
        self._socket.sendall(head + mask + masked)

    def receive(self, timeout):
        """The next message; None where there is none in time. Throws Closed at the end."""
        self._socket.settimeout(timeout)
        message = b""
        while True:
            try:
                first, second = self._take(2)
            except TimeoutError:
                # Between frames nothing is lost by looking again later.
                return None
            size = second & 0x7F
            if size >= 126:
                wide = self._take(2 if size == 126 else 8)
                size = int.from_bytes(wide, "big")
            if size + len(message) > MAX_FRAME:
                raise ConnectionError(f"a message of more than {MAX_FRAME} bytes")
            payload = self._take(size)
            opcode = first & 0x0F
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if payload else 1005
                raise Closed(code, payload[2:].decode("utf-8", "replace"))
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode != PONG:
                message += payload
                if first & 0x80:
                    return message

    def close(self):
        try:
            self.send(struct.pack(">H", 1000), CLOSE)
        finally:
            self._socket.close()


class Session:
    """Logged on as the owner of a key; `key` is what `crossbook keys create` has printed."""

    def __init__(self, url, key, cancel_on_disconnect=False, timeout=10):
        self._timeout = timeout
        self._waiting = []
        self._socket = WebSocket(f"{url.rstrip('/')}/v1/trade?encoding=binary", timeout)
        challenge = self.expect("Challenge")
        now = challenge["serverTimeUs"]  # our own clock may be off
        signed = f"{challenge['challenge']}\n{key['keyId']}\n{now}".encode()
        signature = hmac.new(key["secret"].encode(), signed, hashlib.sha256).digest()
        self.send(
            "Logon",
            timestampUs=now,
            keyId=key["keyId"],
            signature=signature,
            signatureLength=len(signature),
            cancelOnDisconnect=cancel_on_disconnect,
        )
        logged_on = self.expect("LoggedOn")
        self.account = logged_on["account"]
        self.role = Role(logged_on["role"])
        self._last_request = logged_on["lastRequestId"]
        self._heartbeat = logged_on["heartbeatIntervalMs"] / 1000

    def send(self, name, **fields):
        self._socket.send(pack(name, **fields))

    def command(self, name, **fields):
        """Sends a command under the next requestId, and returns that."""
        self._last_request += 1
        self.send(name, requestId=self._last_request, **fields)
        return self._last_request

    def next(self):
        """(name, fields) of what the server says next. Keeps the session alive while it waits."""
        deadline = time.monotonic() + self._timeout
        while not self._waiting:
            heartbeat = getattr(self, "_heartbeat", self._timeout)
            frame = self._socket.receive(min(heartbeat, self._timeout))
            if frame is not None:
                self._waiting.extend(unpack(frame))
            elif time.monotonic() >= deadline:
                raise TimeoutError(f"nothing was said for {self._timeout} s")
            else:
                self.send("Heartbeat")
        name, fields = self._waiting.pop(0)
        if name == "ErrorMessage":
            raise RuntimeError(f"error {fields['code']}: {fields['text']}")
        return name, fields

    def expect(self, name):
        """The next record of this name; others are passed over."""
        while True:
            found, fields = self.next()
            if found == name:
                return fields

    def instruments(self):
        """By symbol."""
        self.send("Query", kind=1)
        found = {}
        while True:
            name, fields = self.next()
            if name == "QueryEnd":
                return found
            if name == "Instrument":
                found[fields["symbol"]] = fields

    def close(self):
        self._socket.close()
