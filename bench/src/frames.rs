//! OCPP messages as they lie on the wire, built once.
//!
//! Client frames are masked with a key of zeros: the server unmasks them all the same, and the client may change the id
//! in place.

/// Length of every message id here, digits of a counter at its end.
pub const ID_LEN: usize = 36;
const COUNTER_LEN: usize = 16;
const ID_PREFIX: &str = "5f0c1e9a-0000-4000-8";

const _: () = assert!(ID_PREFIX.len() + COUNTER_LEN == ID_LEN);

/// Where the id begins in any OCPP-J message written without spaces: behind `[2,"`.
pub const ID_AT: usize = 4;

/// A message id.
pub fn id(counter: u64) -> String {
    format!("{ID_PREFIX}{counter:016}")
}

/// The counter in the id of an OCPP-J message, if it has one of ours.
pub fn counter(message: &[u8]) -> Option<u64> {
    let digits = message.get(ID_AT + ID_LEN - COUNTER_LEN..ID_AT + ID_LEN)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Writes `value` into the id of the OCPP-J message `message`.
pub fn set_counter(message: &mut [u8], mut value: u64) {
    for digit in message[ID_AT + ID_LEN - COUNTER_LEN..ID_AT + ID_LEN]
        .iter_mut()
        .rev()
    {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// A Heartbeat of 1.6 or 2.0.1: 57 bytes.
pub fn heartbeat() -> String {
    format!("[2,\"{}\",\"Heartbeat\",{{}}]", id(0))
}

/// Its answer, as long as the data plane writes it, with milliseconds: 85 bytes.
pub fn heartbeat_answer(id: &str) -> String {
    format!("[3,\"{id}\",{{\"currentTime\":\"2026-11-22T10:41:49.123Z\"}}]")
}

/// BootNotification of 1.6.
pub fn boot() -> String {
    let payload = r#"{"chargePointVendor":"SIGEC","chargePointModel":"Bench"}"#;
    format!("[2,\"{}\",\"BootNotification\",{payload}]", id(0))
}

/// StatusNotification of 1.6 with every member.
pub fn status_notification() -> String {
    let payload = r#"{"connectorId":1,"errorCode":"NoError","info":"cable locked","status":"Charging","timestamp":"2026-11-22T10:15:30Z","vendorId":"com.example","vendorErrorCode":"0"}"#;
    format!("[2,\"{}\",\"StatusNotification\",{payload}]", id(0))
}

/// StatusNotification of 2.0.1, which has no more members than these.
pub fn status_notification_201() -> String {
    let payload = r#"{"timestamp":"2026-11-22T10:15:30Z","connectorStatus":"Occupied","evseId":1,"connectorId":1}"#;
    format!("[2,\"{}\",\"StatusNotification\",{payload}]", id(0))
}

/// StartTransaction of 1.6 with the register at `meter_start` Wh.
pub fn start_transaction(counter: u64, utc_millis: i64, meter_start: u64) -> String {
    let at = fleet::UtcMicros(utc_millis * 1_000);
    format!(
        r#"[2,"{}","StartTransaction",{{"connectorId":1,"idTag":"BENCH","meterStart":{meter_start},"timestamp":"{at}"}}]"#,
        id(counter)
    )
}

/// StopTransaction of 1.6.
pub fn stop_transaction(
    counter: u64,
    utc_millis: i64,
    transaction: i64,
    meter_stop: u64,
) -> String {
    let at = fleet::UtcMicros(utc_millis * 1_000);
    format!(
        r#"[2,"{}","StopTransaction",{{"transactionId":{transaction},"meterStop":{meter_stop},"timestamp":"{at}","reason":"Local"}}]"#,
        id(counter)
    )
}

/// StatusNotification of 1.6: Available.
pub fn status(counter: u64, utc_millis: i64, connector: u32) -> String {
    let at = fleet::UtcMicros(utc_millis * 1_000);
    format!(
        r#"[2,"{}","StatusNotification",{{"connectorId":{connector},"errorCode":"NoError","status":"Available","timestamp":"{at}"}}]"#,
        id(counter)
    )
}

/// MeterValues of 1.6 in a transaction, with seven samples, the register at `register_mwh`.
pub fn meter_event(counter: u64, transaction: i64, utc_millis: i64, register_mwh: u64) -> String {
    let at = fleet::UtcMicros(utc_millis * 1_000);
    let register = format!("{}.{:03}", register_mwh / 1_000, register_mwh % 1_000);
    meter_message(&id(counter), transaction, &at.to_string(), &register)
}

/// The answer to MeterValues.
pub fn meter_answer(counter: u64) -> String {
    format!("[3,\"{}\",{{}}]", id(counter))
}

/// The frame of a client around `message`.
pub fn client_frame(message: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    net::ws::write_text(
        &mut frame,
        Some(net::ws::MaskKey([0; 4])),
        message.as_bytes(),
    );
    frame
}

/// MeterValues of 1.6 with seven samples: 1,032 bytes.
pub fn meter_values() -> String {
    meter_message(
        &id(7),
        173_420_100,
        "2026-11-22T10:41:49.123Z",
        "1234567.891",
    )
}

fn meter_message(id: &str, transaction: i64, at: &str, register: &str) -> String {
    let sample = |measurand: &str, unit: &str, value: &str, more: &str| {
        // Some stations write the default too.
        let format = if unit == "A" {
            r#""format":"Raw","#
        } else {
            ""
        };
        format!(
            r#"{{"value":"{value}","context":"Sample.Periodic",{format}"measurand":"{measurand}",{more}"location":"Outlet","unit":"{unit}"}}"#
        )
    };
    let samples = [
        sample("Energy.Active.Import.Register", "Wh", register, ""),
        sample("Power.Active.Import", "W", "10987.51", ""),
        sample("Current.Import", "A", "15.93", r#""phase":"L1","#),
        sample("Current.Import", "A", "15.87", r#""phase":"L2","#),
        sample("Current.Import", "A", "16.01", r#""phase":"L3","#),
        sample("Voltage", "V", "230.45", r#""phase":"L1-N","#),
        sample("SoC", "Percent", "57.0", ""),
    ];
    format!(
        r#"[2,"{id}","MeterValues",{{"connectorId":1,"transactionId":{transaction},"meterValue":[{{"timestamp":"{at}","sampledValue":[{}]}}]}}]"#,
        samples.join(",")
    )
}

/// MeterValues of 2.0.1 with six samples: 978 bytes.
pub fn meter_values_201() -> String {
    let samples = [
        sample_201("Energy.Active.Import.Register", "Wh", "1234567.891"),
        sample_201("Power.Active.Import", "W", "10987.51"),
        sample_201("Current.Import", "A", "15.93"),
        sample_201("Current.Offered", "A", "32"),
        sample_201("Voltage", "V", "230.45"),
        sample_201("SoC", "Percent", "57"),
    ];
    format!(
        r#"[2,"{}","MeterValues",{{"evseId":1,"meterValue":[{{"timestamp":"2026-11-22T10:41:49.123Z","sampledValue":[{}]}}]}}]"#,
        id(7),
        samples.join(",")
    )
}

fn sample_201(measurand: &str, unit: &str, value: &str) -> String {
    format!(
        r#"{{"value":{value},"context":"Sample.Periodic","measurand":"{measurand}","location":"Outlet","unitOfMeasure":{{"unit":"{unit}","multiplier":0}}}}"#
    )
}

/// TransactionEvent of 2.0.1 with five samples: 1,145 bytes.
pub fn transaction_event() -> String {
    let samples = [
        sample_201("Energy.Active.Import.Register", "Wh", "1234567.891"),
        sample_201("Power.Active.Import", "W", "10987.51"),
        sample_201("Current.Import", "A", "15.93"),
        sample_201("Voltage", "V", "230.45"),
        sample_201("SoC", "Percent", "57"),
    ];
    format!(
        r#"[2,"{}","TransactionEvent",{{"eventType":"Updated","timestamp":"2026-11-22T10:41:49.123Z","triggerReason":"MeterValuePeriodic","seqNo":42,"offline":false,"numberOfPhasesUsed":3,"transactionInfo":{{"transactionId":"8c6f1a2e-4b7d-4c1e-9f30-5d2a6b7c8d9e","chargingState":"Charging","timeSpentCharging":12600}},"evse":{{"id":1,"connectorId":1}},"meterValue":[{{"timestamp":"2026-11-22T10:41:49.123Z","sampledValue":[{}]}}]}}]"#,
        id(7),
        samples.join(",")
    )
}

/// The answer of 1.6 to GetConfiguration, with twelve keys: 910 bytes.
pub fn configuration_answer() -> String {
    let keys = [
        ("AuthorizeRemoteTxRequests", "true"),
        ("ClockAlignedDataInterval", "900"),
        ("ConnectionTimeOut", "120"),
        ("GetConfigurationMaxKeys", "50"),
        ("HeartbeatInterval", "300"),
        ("LocalPreAuthorize", "false"),
        (
            "MeterValuesSampledData",
            "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC",
        ),
        ("MeterValueSampleInterval", "60"),
        ("NumberOfConnectors", "2"),
        ("StopTransactionOnEVSideDisconnect", "true"),
        ("TransactionMessageRetryInterval", "30"),
        ("WebSocketPingInterval", "60"),
    ];
    let keys = keys.map(|(key, value)| {
        let readonly = key.ends_with("MaxKeys") || key.starts_with("NumberOf");
        format!(r#"{{"key":"{key}","readonly":{readonly},"value":"{value}"}}"#)
    });
    answer(&format!(r#"{{"configurationKey":[{}]}}"#, keys.join(",")))
}

/// The answer of 2.0.1 or 2.1 to GetVariables, with six variables: 1,008 bytes.
pub fn variables_answer() -> String {
    let variables = [
        ("AlignedDataCtrlr", "Interval", "900"),
        ("DeviceDataCtrlr", "ItemsPerMessage", "100"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "300"),
        ("OCPPCommCtrlr", "WebSocketPingInterval", "60"),
        ("SampledDataCtrlr", "TxUpdatedInterval", "60"),
        ("TxCtrlr", "TxStopPoint", "EVConnected,Authorized"),
    ];
    let results = variables.map(|(component, variable, value)| {
        format!(
            r#"{{"attributeStatus":"Accepted","attributeType":"Actual","attributeValue":"{value}","component":{{"name":"{component}"}},"variable":{{"name":"{variable}"}}}}"#
        )
    });
    answer(&format!(
        r#"{{"getVariableResult":[{}]}}"#,
        results.join(",")
    ))
}

/// The answer of 1.6 to GetCompositeSchedule, a day in hours: 1,041 bytes.
pub fn schedule_answer() -> String {
    let periods = schedule_periods();
    answer(&format!(
        r#"{{"status":"Accepted","connectorId":1,"scheduleStart":"2026-11-22T00:00:00Z","chargingSchedule":{{"duration":86400,"chargingRateUnit":"A","chargingSchedulePeriod":[{periods}]}}}}"#
    ))
}

/// The same of 2.0.1 or 2.1: 1,028 bytes.
pub fn schedule_answer_201() -> String {
    let periods = schedule_periods();
    answer(&format!(
        r#"{{"status":"Accepted","schedule":{{"evseId":1,"duration":86400,"scheduleStart":"2026-11-22T00:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{periods}]}}}}"#
    ))
}

fn schedule_periods() -> String {
    let hours = (0..24).map(|hour| {
        let limit = if (7..22).contains(&hour) { 10 } else { 32 };
        format!(r#"{{"startPeriod":{},"limit":{limit}.0}}"#, hour * 3_600)
    });
    hours.collect::<Vec<_>>().join(",")
}

/// The answer with this payload to a command of ours.
fn answer(payload: &str) -> String {
    format!("[3,\"{}\",{payload}]", id(7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_length_that_figures_are_quoted_for() {
        assert_eq!(heartbeat().len(), 57);
        assert_eq!(heartbeat_answer(&id(1)).len(), 85);
        assert_eq!(meter_values().len(), 1_032);
        assert_eq!(meter_values_201().len(), 978);
        assert_eq!(transaction_event().len(), 1_145);
        assert_eq!(configuration_answer().len(), 910);
        assert_eq!(variables_answer().len(), 1_008);
        assert_eq!(schedule_answer().len(), 1_041);
        assert_eq!(schedule_answer_201().len(), 1_028);
    }

    #[test]
    fn a_counter_is_found_where_it_was_put() {
        let mut message = heartbeat().into_bytes();
        assert_eq!(counter(&message), Some(0));
        set_counter(&mut message, 9_876_543_210);
        assert_eq!(counter(&message), Some(9_876_543_210));
        assert_eq!(counter(b"[3,\"x\",{}]"), None);
    }
}
