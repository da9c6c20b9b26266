"""A central system of 1.6, 2.0.1 and 2.1 made with PyPI `ocpp`, which checks every message against the official schemas.

It prints its address, answers what stations send, and serves until it is killed.
"""

import asyncio
import itertools
import logging
import socket
from datetime import datetime, timezone

import websockets
from ocpp import v16, v21, v201
from ocpp.routing import on

TRANSACTIONS = itertools.count(1)
ACCEPTED = {"status": "Accepted"}


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_both(results):
    """What the versions say alike."""

    class Both:
        @on("BootNotification")
        def on_boot(self, **_):
            return results.BootNotification(current_time=now(), interval=1, status="Accepted")

        @on("Heartbeat")
        def on_heartbeat(self, **_):
            return results.Heartbeat(current_time=now())

        @on("StatusNotification")
        def on_status(self, **_):
            return results.StatusNotification()

    return Both


class Station16(of_both(v16.call_result), v16.ChargePoint):
    @on("Authorize")
    def on_authorize(self, **_):
        return v16.call_result.Authorize(id_tag_info=ACCEPTED)

    @on("StartTransaction")
    def on_start(self, **_):
        return v16.call_result.StartTransaction(transaction_id=next(TRANSACTIONS), id_tag_info=ACCEPTED)

    @on("MeterValues")
    def on_meter_values(self, **_):
        return v16.call_result.MeterValues()

    @on("StopTransaction")
    def on_stop(self, **_):
        return v16.call_result.StopTransaction()


def of_2(version):
    class Station(of_both(version.call_result), version.ChargePoint):
        @on("Authorize")
        def on_authorize(self, **_):
            return version.call_result.Authorize(id_token_info=ACCEPTED)

        @on("TransactionEvent")
        def on_transaction_event(self, **_):
            return version.call_result.TransactionEvent()

    return Station


STATIONS = {"ocpp1.6": Station16, "ocpp2.0.1": of_2(v201), "ocpp2.1": of_2(v21)}


async def serve(connection):
    station = STATIONS[connection.subprotocol](connection.request.path.lstrip("/"), connection)
    try:
        await station.start()
    except websockets.ConnectionClosed:
        pass


async def main():
    logging.disable(logging.CRITICAL)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    async with websockets.serve(serve, sock=listener, subprotocols=list(STATIONS)):
        print("%s:%d" % listener.getsockname(), flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main())
