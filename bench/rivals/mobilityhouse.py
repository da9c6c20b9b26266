"""A 1.6 server made with PyPI `ocpp`, which checks every message against the official schemas.

It prints its address, answers what a charging station sends, and serves until it is killed.
"""

import asyncio
import itertools
import logging
import socket
from datetime import datetime, timezone

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result

TRANSACTIONS = itertools.count(1)


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Station(ChargePoint):
    @on("BootNotification")
    def on_boot(self, **_):
        return call_result.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("Heartbeat")
    def on_heartbeat(self):
        return call_result.Heartbeat(current_time=now())

    @on("StartTransaction")
    def on_start(self, **_):
        return call_result.StartTransaction(transaction_id=next(TRANSACTIONS), id_tag_info={"status": "Accepted"})

    @on("MeterValues")
    def on_meter_values(self, **_):
        return call_result.MeterValues()


async def serve(connection):
    await Station(connection.request.path.lstrip("/"), connection).start()


async def main():
    # What the library logs of each message costs more than all the rest.
    logging.disable(logging.CRITICAL)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    # Without compression, which no client here asks for.
    async with websockets.serve(serve, sock=listener, subprotocols=["ocpp1.6"], compression=None, ping_interval=None):
        print("%s:%d" % listener.getsockname(), flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main())
