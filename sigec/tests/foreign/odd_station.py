"""A station whose every byte is legal and hardly one usual: odd_station.py ocpp2.1 127.0.0.1:9000 CS-1

It speaks through a bare socket, checks each answer itself, and says "done" when all were as they should be.
"""

import json
import os
import socket
import struct
import sys

PROTOCOL, ADDRESS, IDENTITY = sys.argv[1:]
NEW = PROTOCOL != "ocpp1.6"
TEXT, CONTINUED, CLOSE, PING, PONG, LAST = 1, 0, 8, 9, 10, 0x80


def frame(first, payload):
    mask, length = os.urandom(4), len(payload)
    if length < 126:
        head = struct.pack(">BB", first, 0x80 | length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", first, 0xFE, length)
    else:
        head = struct.pack(">BBQ", first, 0xFF, length)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def fragments(payload, length, between=b""):
    parts = [payload[at : at + length] for at in range(0, len(payload), length)]
    frames = []
    for at, part in enumerate(parts):
        first = (TEXT if at == 0 else CONTINUED) | (LAST if at + 1 == len(parts) else 0)
        frames.append(frame(first, part))
    return between.join(frames)


def call(message_id, action, payload, escaped=False):
    return json.dumps([2, message_id, action, payload], ensure_ascii=escaped).encode()


class Connection:
    def __init__(self, path, protocols=PROTOCOL, headers="", glued=b"", by_byte=False):
        host, port = ADDRESS.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(60)
        self.input = b""
        request = (
            f"GET {path} HTTP/1.1\r\nhOST:x\r\nUPGRADE:   WebSocket  \r\ncOnnection: keep-alive ,  uPgrade\r\n"
            f"sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION:13\r\n"
            f"Sec-WebSocket-Protocol:\t{protocols}\r\n{headers}\r\n"
        ).encode() + glued
        for part in [request[at : at + 1] for at in range(len(request))] if by_byte else [request]:
            self.socket.sendall(part)
        while b"\r\n\r\n" not in self.input:
            self.read()
        head, _, self.input = self.input.partition(b"\r\n\r\n")
        self.head = head.decode()
        self.status = int(self.head.split(" ")[1])

    def read(self):
        received = self.socket.recv(1 << 16)
        assert received, "the server ended the connection"
        self.input += received

    def send(self, data):
        self.socket.sendall(data)

    def hear(self):
        """The next frame: its opcode and payload."""
        while True:
            if 2 <= len(self.input):
                length, at = self.input[1] & 0x7F, 2
                if 126 <= length:
                    size = 2 if length == 126 else 8
                    length, at = int.from_bytes(self.input[2 : 2 + size], "big"), 2 + size
                if at + length <= len(self.input):
                    opcode, payload = self.input[0] & 0x0F, self.input[at : at + length]
                    self.input = self.input[at + length :]
                    return opcode, payload
            self.read()

    def answer(self, message_id):
        """The payload of the next message, which is the answer to `message_id`, and the pongs before it."""
        pongs = []
        while True:
            opcode, payload = self.hear()
            if opcode == PONG:
                pongs.append(payload)
                continue
            message = json.loads(payload)
            assert message[:2] == [3, message_id], message
            return message[2], pongs


def main():
    path = "/" + "".join(f"%{byte:02x}" for byte in IDENTITY.encode())
    boot = (
        {"reason": "PowerUp", "chargingStation": {"model": "é" * 20, "vendorName": "𝄞" * 50, "serialNumber": "ü" * 25}}
        if NEW
        else {"chargePointVendor": "𝄞" * 20, "chargePointModel": "é" * 20}
    )
    other = "ocpp2.2" if NEW else "ocpp1.5"
    first = Connection(path, f" ,{other} ,\t{PROTOCOL},soap", by_byte=True)
    assert first.status == 101 and f"Sec-WebSocket-Protocol: {PROTOCOL}" in first.head, first.head

    # A byte a frame, with pings and a pong that nobody asked for between them.
    first.send(fragments(call("boot", "BootNotification", boot), 1, frame(PING | LAST, b"p") + frame(PONG | LAST, b"q")))
    answer, pongs = first.answer("boot")
    assert answer["status"] == "Accepted" and set(pongs) == {b"p"}, answer

    heartbeat = call("h", "Heartbeat", {})
    first.send(frame(TEXT, b"") + frame(CONTINUED, heartbeat[:5]) + frame(CONTINUED, b"") + frame(CONTINUED | LAST, heartbeat[5:]))
    first.answer("h")

    # Ids and tokens as long as they may be, in characters of four bytes, as they are and escaped.
    token = "𝄞" * (36 if NEW else 20)
    authorize = {"idToken": {"idToken": token, "type": "Central"}} if NEW else {"idTag": token}
    for message_id in ["𝄞" * 36, '{}"\\/\n\t[]', "\u2028", " "]:
        for escaped in (False, True):
            # In two fragments, with a character across them.
            text = call(message_id, "Authorize", authorize, escaped)
            first.send(fragments(text, len(text) // 2 + 1))
            first.answer(message_id)

    first.send(frame(TEXT | LAST, b' \t\r\n[ 2 ,\n"w" , "Heartb\\u0065at"\t,{ } ] \n'))
    first.answer("w")

    # Many calls without waiting; then their ids again, byte by byte.
    calls = b"".join(frame(TEXT | LAST, call(f"m{n}", "Heartbeat", {})) for n in range(40))
    first.send(calls)
    for n in range(40):
        first.answer(f"m{n}")
    for at in range(len(calls)):
        first.send(calls[at : at + 1])
    for n in range(40):
        first.answer(f"m{n}")

    big = call("big", "DataTransfer", {"vendorId": "v", "data": "é" * 400_000})
    first.send(fragments(big, 50_001, frame(PING | LAST, b"x" * 125)))
    answer, pongs = first.answer("big")
    assert answer["status"] == "UnknownVendorId" and len(pongs) == (len(big) - 1) // 50_001, answer

    # Answers that nobody waits for, of calls that nobody made.
    for text in ['[3,"nobody",{}]', '[4,"nobody","InternalError","",{}]', '[4,"x","","",{}]']:
        first.send(frame(TEXT | LAST, text.encode()))

    # The station is back before its old connection ended, with a call behind the request and an id of before.
    second = Connection("/some/prefix" + path, glued=frame(TEXT | LAST, heartbeat))
    second.answer("h")
    opcode, payload = first.hear()
    assert (opcode, payload[:2]) == (CLOSE, struct.pack(">H", 1008)), payload
    first.socket.close()
    second.send(frame(TEXT | LAST, call("boot", "Heartbeat", {})))
    second.answer("boot")

    # It says all that it has to say, and ends its half.
    second.send(frame(TEXT | LAST, call("last", "Heartbeat", {})))
    second.socket.shutdown(socket.SHUT_WR)
    second.answer("last")

    # A reason as long as it may be, and a code of its own.
    third = Connection(path, headers="Cookie: a=b\r\nCookie: c\r\nX-Long: " + "y" * 6000 + "\r\n")
    third.send(frame(CLOSE | LAST, struct.pack(">H", 4999) + "é".encode() * 61))
    assert third.hear()[0] == CLOSE
    print(json.dumps({"event": "done"}), flush=True)


main()
