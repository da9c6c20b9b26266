"""An OCPP 1.6 station made with PyPI `ocpp`: it charges once by itself, then obeys until its input closes.

    station_16.py ws://127.0.0.1:9000/ CP-1 [password]

Every step is one line of JSON on standard output. The library checks each message, both ways, against the
official schemas, so a wrong answer of the server ends the script with a traceback.
"""

import asyncio
import base64
import json
import sys
from datetime import datetime, timezone

import websockets
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Station(ChargePoint):
    transaction_id = None
    register_wh = 1_000
    settings = {"HeartbeatInterval": "300", "MeterValueSampleInterval": "60"}

    async def boot(self):
        answer = await self.call(
            call.BootNotification(charge_point_model="Wall 1", charge_point_vendor="Foreign", firmware_version="1.0")
        )
        say("booted", status=answer.status, interval=answer.interval)
        await self.status("Available")

    async def status(self, status):
        await self.call(
            call.StatusNotification(connector_id=1, error_code="NoError", status=status, timestamp=now())
        )

    async def begin(self, id_tag):
        authorized = await self.call(call.Authorize(id_tag=id_tag))
        started = await self.call(
            call.StartTransaction(connector_id=1, id_tag=id_tag, meter_start=self.register_wh, timestamp=now())
        )
        self.transaction_id = started.transaction_id
        say(
            "started",
            transaction_id=started.transaction_id,
            authorized=authorized.id_tag_info["status"],
            status=started.id_tag_info["status"],
        )
        await self.status("Charging")

    async def measure(self, added_wh):
        self.register_wh += added_wh
        samples = [
            {"value": str(self.register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "7360.5", "measurand": "Power.Active.Import", "unit": "W"},
            {"value": "54", "measurand": "SoC", "unit": "Percent"},
        ]
        await self.call(
            call.MeterValues(
                connector_id=1,
                transaction_id=self.transaction_id,
                meter_value=[{"timestamp": now(), "sampledValue": samples}],
            )
        )
        say("measured", energy_wh=self.register_wh)

    async def end(self, reason):
        ended, self.transaction_id = self.transaction_id, None
        await self.call(
            call.StopTransaction(meter_stop=self.register_wh, timestamp=now(), transaction_id=ended, reason=reason)
        )
        say("stopped", transaction_id=ended, meter_stop=self.register_wh)
        await self.status("Available")

    @on("RemoteStartTransaction")
    def on_remote_start(self, id_tag, **_):
        say("called", action="RemoteStartTransaction", id_tag=id_tag)
        return call_result.RemoteStartTransaction(status="Rejected" if self.transaction_id else "Accepted")

    @after("RemoteStartTransaction")
    async def after_remote_start(self, id_tag, **_):
        if self.transaction_id is None:
            await self.begin(id_tag)

    @on("RemoteStopTransaction")
    def on_remote_stop(self, transaction_id):
        say("called", action="RemoteStopTransaction", transaction_id=transaction_id)
        mine = transaction_id == self.transaction_id
        return call_result.RemoteStopTransaction(status="Accepted" if mine else "Rejected")

    @after("RemoteStopTransaction")
    async def after_remote_stop(self, transaction_id):
        if transaction_id == self.transaction_id:
            await self.measure(900)
            await self.end("Remote")

    @on("Reset")
    def on_reset(self, type):
        say("called", action="Reset", type=type)
        return call_result.Reset(status="Accepted")

    @on("UnlockConnector")
    def on_unlock(self, connector_id):
        return call_result.UnlockConnector(status="Unlocked")

    @on("GetConfiguration")
    def on_get_configuration(self, key=None):
        known = [{"key": k, "readonly": False, "value": v} for k, v in self.settings.items() if key is None or k in key]
        unknown = [k for k in key or [] if k not in self.settings]
        return call_result.GetConfiguration(configuration_key=known, unknown_key=unknown)

    @on("ChangeConfiguration")
    def on_change_configuration(self, key, value):
        if key not in self.settings:
            return call_result.ChangeConfiguration(status="NotSupported")
        self.settings[key] = value
        return call_result.ChangeConfiguration(status="Accepted")


async def main(url, identity, password=None):
    headers = {}
    if password:
        credentials = base64.b64encode(f"{identity}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    async with websockets.connect(
        url + identity, subprotocols=["ocpp1.6"], additional_headers=headers, compression=None
    ) as socket:
        station = Station(identity, socket)
        serving = asyncio.create_task(station.start())
        await station.boot()
        await station.begin("TAG-1")
        for _ in range(3):
            await station.measure(250)
        await station.end("Local")
        say("idle")
        closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.wait([serving, closed], return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
