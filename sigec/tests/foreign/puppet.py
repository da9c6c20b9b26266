"""A station made with PyPI `ocpp` that does what its input says, one step a line:

    puppet.py ocpp2.1 ws://127.0.0.1:9000/ CS-1

    {"do": "call", "action": "Heartbeat", "payload": {}}     says "result" or "error"
    {"do": "answer", "action": "Reset", "payload": {…}}      says "answers", from then on; null keeps whoever asks waiting
    {"do": "raw", "text": "[6,…]"}                           as it is
    {"do": "get", "url": "http://…"}                         says "got"
    {"do": "put", "url": "http://…", "body": "…"}            says "put"
    {"do": "signed", "id": "1", "action": "A", "as": "B", "payload": {}}   the message A-Signed, signed as B (Part 4, chapter 7)
    {"do": "totp", "secret": "…", "period": 60, "length": 8}  says "totp": what its QR code shows now (2.1 C25)

What is asked of it is said as "called" once it is answered, and an answer to something raw as "heard". The library checks every
word of both sides against the official schemas; a wrong one ends the script. So does the end of its input, well.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import string
import sys
import time
import urllib.error
import urllib.request
import uuid

import websockets
from ocpp.exceptions import NotSupportedError
from ocpp.messages import Call, CallError, CallResult, unpack, validate_payload

PROTOCOL = sys.argv[1]
VERSION = PROTOCOL.removeprefix("ocpp")


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Puppet:
    def __init__(self, socket):
        self.socket = socket
        # Calls that wait for their answer, by id.
        self.calls = {}
        # What it answers, by action, and who waits for that.
        self.answers = {}
        self.waiting = {}

    async def listen(self):
        async for text in self.socket:
            message = unpack(text)
            if isinstance(message, Call):
                await self.obey(message)
            elif message.unique_id in self.calls:
                call, answered = self.calls.pop(message.unique_id)
                if isinstance(message, CallResult):
                    message.action = call.action
                    await validate_payload(message, VERSION)
                answered.set_result(message)
            else:
                say("heard", text=text)

    async def obey(self, call):
        await validate_payload(call, VERSION)
        if call.action not in self.answers:
            return await self.socket.send(call.create_call_error(NotSupportedError()).to_json())
        payload = self.answers[call.action]
        if payload is None:
            self.waiting[call.action] = call
        else:
            await self.answer_with(call, payload)

    async def answer_with(self, call, payload):
        result = call.create_call_result(payload)
        await validate_payload(result, VERSION)
        await self.socket.send(result.to_json())
        say("called", action=call.action, payload=json.loads(json.dumps(call.payload, default=float)))

    async def do_call(self, action, payload):
        call = Call(str(uuid.uuid4()), action, payload)
        await validate_payload(call, VERSION)
        answered = asyncio.get_running_loop().create_future()
        self.calls[call.unique_id] = (call, answered)
        await self.socket.send(call.to_json())
        answer = await answered
        if isinstance(answer, CallError):
            say("error", code=answer.error_code, description=answer.error_description)
        else:
            say("result", payload=answer.payload)

    async def do_answer(self, action, payload):
        self.answers[action] = payload
        if payload is not None and action in self.waiting:
            await self.answer_with(self.waiting.pop(action), payload)
        say("answers", action=action)

    async def do_raw(self, text):
        await self.socket.send(text)

    async def do_signed(self, id, action, payload, **signed_as):
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

        header = {"alg": "ES256", "OCPPAction": signed_as["as"], "OCPPMessageTypeId": 2}
        jws = {"protected": part(header), "payload": part(payload), "signature": "c2lnbmF0dXJl"}
        await self.socket.send(json.dumps([2, id, action + "-Signed", jws]))

    async def do_totp(self, secret, period, length):
        moment = (int(time.time()) // period).to_bytes(8, "big")
        digest = hmac.digest(secret.encode(), moment, hashlib.sha256)
        alphabet = string.digits + string.ascii_lowercase + string.ascii_uppercase
        begin = digest[-1] & 0x0F
        digest = (digest * 3)[begin : begin + length]
        say("totp", password="".join(alphabet[byte % len(alphabet)] for byte in digest))

    async def do_get(self, url):
        await self.fetch("got", urllib.request.Request(url))

    async def do_put(self, url, body):
        await self.fetch("put", urllib.request.Request(url, body.encode(), method="PUT"))

    async def fetch(self, event, request):
        def fetch():
            try:
                with urllib.request.urlopen(request) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        status, body = await asyncio.to_thread(fetch)
        say(event, status=status, body=body)


async def obey_input(puppet):
    while line := await asyncio.to_thread(sys.stdin.readline):
        step = json.loads(line)
        await getattr(puppet, "do_" + step.pop("do"))(**step)


async def main(url, identity):
    async with websockets.connect(url + identity, subprotocols=[PROTOCOL], compression=None) as socket:
        puppet = Puppet(socket)
        say("connected", protocol=socket.subprotocol)
        tasks = [asyncio.create_task(work) for work in (puppet.listen(), obey_input(puppet))]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        for task in done:
            task.result()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[2:]))
