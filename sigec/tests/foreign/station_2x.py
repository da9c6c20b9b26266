"""An OCPP 2.0.1 or 2.1 station made with PyPI `ocpp`: it charges once by itself, then obeys until its input closes.

    station_2x.py ocpp2.1 ws://127.0.0.1:9000/ CS-1 [password]

Every step is one line of JSON on standard output. The library checks each message, both ways, against the
official schemas, so a wrong answer of the server ends the script with a traceback.
"""

import asyncio
import base64
import importlib
import json
import sys
import uuid
from datetime import datetime, timezone

import websockets
from ocpp.exceptions import NotSupportedError
from ocpp.routing import after, on

# What this station says is spelled alike in both versions; each has classes, and schemas, of its own.
PROTOCOL = sys.argv[1]
version = importlib.import_module({"ocpp2.0.1": "ocpp.v201", "ocpp2.1": "ocpp.v21"}[PROTOCOL])
call, call_result = version.call, version.call_result


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Station(version.ChargePoint):
    transaction_id = None
    remote_start_id = None
    seq_no = 0
    register_wh = 5_000
    variables = {("OCPPCommCtrlr", "HeartbeatInterval"): "300"}

    async def boot(self):
        answer = await self.call(
            call.BootNotification(charging_station={"model": "Post 2", "vendor_name": "Foreign"}, reason="PowerUp")
        )
        say("booted", status=answer.status, interval=answer.interval)
        await self.status("Available")

    async def status(self, status):
        await self.call(
            call.StatusNotification(timestamp=now(), connector_status=status, evse_id=1, connector_id=1)
        )

    async def event(self, event_type, trigger, **more):
        info = {"transaction_id": self.transaction_id, **more.pop("info", {})}
        samples = [
            {"value": self.register_wh, "measurand": "Energy.Active.Import.Register", "unit_of_measure": {"unit": "Wh"}},
            {"value": 11_000.25, "measurand": "Power.Active.Import", "unit_of_measure": {"unit": "W"}},
        ]
        answer = await self.call(
            call.TransactionEvent(
                event_type=event_type,
                timestamp=now(),
                trigger_reason=trigger,
                seq_no=self.seq_no,
                transaction_info=info,
                evse={"id": 1, "connector_id": 1},
                meter_value=[{"timestamp": now(), "sampled_value": samples}],
                **more,
            )
        )
        self.seq_no += 1
        return answer

    async def begin(self, id_token, remote_start_id=None):
        self.transaction_id, self.seq_no = str(uuid.uuid4()), 0
        token = {"id_token": id_token, "type": "ISO14443"}
        authorized = await self.call(call.Authorize(id_token=token))
        await self.status("Occupied")
        info = {} if remote_start_id is None else {"remote_start_id": remote_start_id}
        answer = await self.event(
            "Started", "RemoteStart" if info else "Authorized", info=info, id_token=token
        )
        say(
            "started",
            transaction_id=self.transaction_id,
            authorized=authorized.id_token_info["status"],
            status=(answer.id_token_info or {}).get("status"),
        )

    async def measure(self, added_wh):
        self.register_wh += added_wh
        await self.event("Updated", "MeterValuePeriodic", info={"charging_state": "Charging"})
        say("measured", energy_wh=self.register_wh)

    async def end(self, reason, trigger):
        await self.event("Ended", trigger, info={"stopped_reason": reason})
        say("stopped", transaction_id=self.transaction_id, meter_stop=self.register_wh)
        self.transaction_id = None
        await self.status("Available")

    @on("RequestStartTransaction")
    def on_request_start(self, id_token, remote_start_id, **_):
        say("called", action="RequestStartTransaction", id_token=id_token["id_token"])
        return call_result.RequestStartTransaction(status="Rejected" if self.transaction_id else "Accepted")

    @after("RequestStartTransaction")
    async def after_request_start(self, id_token, remote_start_id, **_):
        if self.transaction_id is None:
            await self.begin(id_token["id_token"], remote_start_id)

    @on("RequestStopTransaction")
    def on_request_stop(self, transaction_id):
        say("called", action="RequestStopTransaction", transaction_id=transaction_id)
        mine = transaction_id == self.transaction_id
        return call_result.RequestStopTransaction(status="Accepted" if mine else "Rejected")

    @after("RequestStopTransaction")
    async def after_request_stop(self, transaction_id):
        if transaction_id == self.transaction_id:
            await self.measure(900)
            await self.end("Remote", "RemoteStop")

    @on("Reset")
    def on_reset(self, type, **_):
        say("called", action="Reset", type=type)
        return call_result.Reset(status="Accepted")

    @on("UnlockConnector")
    def on_unlock(self, evse_id, connector_id, **_):
        return call_result.UnlockConnector(status="Unlocked")

    @on("ClearCache")
    def on_clear_cache(self):
        # Said here, because in 2.1 the library answers nothing at all to an action without a handler.
        raise NotSupportedError(details={"cause": "this station keeps no cache"})

    @on("GetVariables")
    def on_get_variables(self, get_variable_data, **_):
        results = []
        for asked in get_variable_data:
            value = self.variables.get((asked["component"]["name"], asked["variable"]["name"]))
            result = {
                "attribute_status": "UnknownVariable" if value is None else "Accepted",
                "component": asked["component"],
                "variable": asked["variable"],
            }
            if value is not None:
                result["attribute_value"] = value
            results.append(result)
        return call_result.GetVariables(get_variable_result=results)

    @on("SetVariables")
    def on_set_variables(self, set_variable_data, **_):
        results = []
        for wanted in set_variable_data:
            key = (wanted["component"]["name"], wanted["variable"]["name"])
            known = key in self.variables
            if known:
                self.variables[key] = wanted["attribute_value"]
            results.append(
                {
                    "attribute_status": "Accepted" if known else "UnknownVariable",
                    "component": wanted["component"],
                    "variable": wanted["variable"],
                }
            )
        return call_result.SetVariables(set_variable_result=results)


async def main(url, identity, password=None):
    headers = {}
    if password:
        credentials = base64.b64encode(f"{identity}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    async with websockets.connect(
        url + identity, subprotocols=[PROTOCOL], additional_headers=headers, compression=None
    ) as socket:
        station = Station(identity, socket)
        serving = asyncio.create_task(station.start())
        await station.boot()
        await station.begin("TAG-2")
        for _ in range(3):
            await station.measure(250)
        await station.end("Local", "StopAuthorized")
        say("idle")
        closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.wait([serving, closed], return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[2:]))
