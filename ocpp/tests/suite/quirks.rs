//! Deviations seen from real stations: accepted and flagged when tolerant, refused when strict.

use ocpp::meter::{Measurand, Named, ReadingContext, Unit};
use ocpp::{MeterColumns, Open, Policy, Version, Zone, v16, v201};

use crate::receive;

fn check(version: Version, rows: &[(&str, &str)]) {
    for (call, quirks) in rows {
        let frame = format!("[2,\"1\",{call}]");
        let expected = format!("ok {quirks}");
        assert_eq!(
            receive(version, Policy::Tolerant, &frame),
            expected.trim_end(),
            "{frame}"
        );
        let strict = receive(version, Policy::Strict, &frame);
        assert_eq!(
            strict == "ok",
            quirks.is_empty(),
            "{frame} strictly: {strict}"
        );
    }
}

#[test]
fn quirks_of_1_6() {
    check(
        Version::V16,
        &[
            // Vestel, Huawei, OpenEVSE.
            (r#""MeterValues",{"connectorId":1,"meterValue":[]}"#, ""),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[]}]}"#,
                "",
            ),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1"}]}}"#,
                "object_for_array",
            ),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":{"value":"1"}}]}"#,
                "object_for_array",
            ),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1.5}]}]}"#,
                "type_coerced",
            ),
            // Units and words.
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"50","measurand":"Frequency","unit":"Hz"}]}]}"#,
                "unknown_word",
            ),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"21","measurand":"Temperature","unit":"Celcius"}]}]}"#,
                "",
            ),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"21","measurand":"Temperature","unit":"Celsius"}]}]}"#,
                "",
            ),
            (
                r#""StopTransaction",{"transactionId":-1,"meterStop":1,"timestamp":"2026-11-22T10:00:00Z","transactionData":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"21","unit":"Celcius"}]}]}"#,
                "",
            ),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1","context":"Sample.Weird","phase":"L4","location":"","unit":null}]}]}"#,
                "null_optional empty_string unknown_word",
            ),
            (
                r#""MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1","measurand":"Energy.Active.Net"}]}]}"#,
                "unknown_word",
            ),
            // Dates.
            (
                r#""StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:00"}"#,
                "zone_missing",
            ),
            (
                r#""StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22 10:00:00Z"}"#,
                "date_form",
            ),
            (
                r#""StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"1970-01-01T00:00:07Z"}"#,
                "",
            ),
            (
                r#""StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":""}"#,
                "empty_string",
            ),
            // Legrand, Huawei, Wallbox.
            (
                r#""StatusNotification",{"connectorId":1,"errorCode":"Error","status":"Available","info":""}"#,
                "unknown_word",
            ),
            (
                r#""BootNotification",{"chargePointVendor":"","chargePointModel":"m"}"#,
                "",
            ),
            (
                r#""BootNotification",{"chargePointVendor":"a name of more than twenty characters","chargePointModel":"m","iccid":null}"#,
                "null_optional over_long",
            ),
            // Transaction ids.
            (
                r#""MeterValues",{"connectorId":1,"transactionId":9223372036854775807,"meterValue":[]}"#,
                "",
            ),
            (
                r#""MeterValues",{"connectorId":1,"transactionId":-9223372036854775808,"meterValue":[]}"#,
                "",
            ),
            (
                r#""StopTransaction",{"transactionId":0,"meterStop":1,"timestamp":"2026-11-22T10:00:00Z","reason":"Unplugged"}"#,
                "unknown_word",
            ),
            (
                r#""StartTransaction",{"connectorId":1.0,"idTag":"A","meterStart":12e1,"timestamp":"2026-11-22T10:00:00Z"}"#,
                "number_form",
            ),
        ],
    );
}

#[test]
fn quirks_of_2_0_1() {
    check(
        Version::V201,
        &[
            (
                r#""MeterValues",{"evseId":1,"meterValue":[]}"#,
                "empty_array",
            ),
            (
                r#""MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[]}]}"#,
                "empty_array",
            ),
            (
                r#""MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"1.5"}]}]}"#,
                "type_coerced",
            ),
            (
                r#""MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1,"signedMeterValue":null,"unitOfMeasure":null}]}]}"#,
                "null_optional",
            ),
            (
                r#""MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1,"unitOfMeasure":{"unit":"furlong"}}]}]}"#,
                "",
            ),
            (
                r#""MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":1,"measurand":"RPM"}]}]}"#,
                "unknown_word",
            ),
            (
                r#""StatusNotification",{"evseId":1.0,"connectorId":1,"connectorStatus":"Occupied","timestamp":"2026-11-22T10:00:00+0200"}"#,
                "date_form",
            ),
            (
                r#""NotifyReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"tbc":1}"#,
                "type_coerced",
            ),
        ],
    );
}

#[test]
fn unknown_properties_are_skipped_only_when_lenient() {
    let frame = r#"[2,"1","Heartbeat",{"mood":{"good":[true]}}]"#;
    assert_eq!(
        receive(Version::V16, Policy::Lenient, frame),
        "ok extra_property"
    );
    assert_eq!(
        receive(Version::V16, Policy::Tolerant, frame),
        "1 FormationViolation"
    );
    let broken = r#"[2,"1","Heartbeat",{"mood":{"good":[tru]}}]"#;
    assert_eq!(
        receive(Version::V16, Policy::Lenient, broken),
        "1 FormationViolation"
    );
}

#[test]
fn settings_come_as_stations_send_them() {
    let payload = r#"{"configurationKey":[{"key":"A","readonly":0,"value":60},{"key":"B","readonly":"true","value":true},{"key":"C","readonly":false}]}"#;
    let mut columns = MeterColumns::new();
    let decoded =
        v16::CommandResponse::decode("GetConfiguration", payload, Policy::Tolerant, &mut columns)
            .unwrap();
    let v16::CommandResponse::GetConfiguration(answer) = decoded.message else {
        panic!()
    };
    let settings = answer.configuration_key.unwrap();
    let values: Vec<(&str, bool, Option<&str>)> = settings
        .iter()
        .map(|setting| (&*setting.key, setting.readonly, setting.value.as_deref()))
        .collect();
    assert_eq!(
        values,
        [
            ("A", false, Some("60")),
            ("B", true, Some("true")),
            ("C", false, None)
        ]
    );
}

#[test]
fn an_error_code_of_the_stations_own_is_kept() {
    let payload = r#"{"connectorId":1,"errorCode":"Err\u006fr","status":"Faulted"}"#;
    let mut columns = MeterColumns::new();
    let decoded = v16::Request::decode(
        "StatusNotification",
        payload,
        Policy::Tolerant,
        &mut columns,
    )
    .unwrap();
    let v16::Request::StatusNotification(status) = decoded.message else {
        panic!()
    };
    assert_eq!(status.error_code, Open::Other("Error".into()));
    assert_eq!(status.status, v16::ChargePointStatus::Faulted);
}

#[test]
fn meter_values_of_1_6_become_columns() {
    let payload = r#"{"connectorId":2,"transactionId":7,"meterValue":[
        {"timestamp":"2026-11-22T10:00:00","sampledValue":[
            {"value":"12.3456","unit":"kWh"},
            {"value":7.4,"measurand":"Power.Active.Import","unit":"kW","phase":"L1","context":"Odd"},
            {"value":"50","measurand":"Frequency","unit":"Hz"},
            {"value":"230","measurand":"Voltage"},
            {"value":"A\u0042=","format":"SignedData","measurand":"X.Y"}]},
        {"sampledValue":[],"timestamp":"2026-11-22T11:00:00+01:00"}]}"#;
    let mut columns = MeterColumns::new();
    let decoded =
        v16::Request::decode("MeterValues", payload, Policy::Tolerant, &mut columns).unwrap();
    let v16::Request::MeterValues(message) = decoded.message else {
        panic!()
    };
    assert_eq!((message.connector_id, message.transaction_id), (2, Some(7)));
    let values = message.meter_value;
    let rows = values.rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].utc_micros, rows[1].utc_micros);
    assert_eq!(
        (rows[0].zone, rows[1].zone),
        (Zone::Missing, Zone::Offset(60))
    );
    assert_eq!(values.text(rows[1].raw), "2026-11-22T11:00:00+01:00");
    assert_eq!(values.samples(&rows[1]), []);

    let [energy, power, frequency, voltage, signed] = values.samples(&rows[0]) else {
        panic!()
    };
    assert_eq!(values.energy(energy), Ok(12_345_600));
    assert_eq!(energy.context, ReadingContext::SamplePeriodic);
    assert_eq!(values.text(power.value), "7.4");
    assert_eq!(values.number(power), Ok(7_400.0));
    assert_eq!(power.context, ReadingContext::Other);
    assert_eq!(frequency.unit, Some(Named::Known(Unit::Hz)));
    assert_eq!(voltage.unit, Some(Named::Known(Unit::V)));
    assert_eq!(voltage.measurand, Named::Known(Measurand::Voltage));
    assert_eq!(values.word(signed.measurand), "X.Y");
    let data = values.signed(signed).map(|signed| values.text(signed.data));
    assert_eq!(data, Some("AB="));
    assert!(values.energy(signed).is_err());
}

#[test]
fn meter_values_of_2_0_1_become_columns() {
    let payload = r#"{"evseId":0,"meterValue":[{"sampledValue":[
        {"value":1.5,"unitOfMeasure":{"multiplier":3},"signedMeterValue":{"publicKey":"k","encodingMethod":"OCMF","signingMethod":"s","signedMeterData":"d"}},
        {"value":-0.25e1,"measurand":"Current.Export","phase":"L2-N","unitOfMeasure":{"unit":"A","multiplier":-1}},
        {"value":3,"unitOfMeasure":{"unit":"furlong"}}],
        "timestamp":"2026-11-22T10:00:00.250Z"}]}"#;
    let mut columns = MeterColumns::new();
    let decoded =
        v201::Request::decode("MeterValues", payload, Policy::Strict, &mut columns).unwrap();
    let v201::Request::MeterValues(message) = decoded.message else {
        panic!()
    };
    let values = message.meter_value;
    let [row] = values.rows() else { panic!() };
    assert_eq!(row.utc_micros, 1_795_341_600_250_000);
    let [energy, current, odd] = values.samples(row) else {
        panic!()
    };
    assert_eq!(values.energy(energy), Ok(1_500_000));
    let signed = values.signed(energy).unwrap();
    let texts = [
        signed.data,
        signed.signing_method,
        signed.encoding_method,
        signed.public_key,
    ];
    assert_eq!(texts.map(|span| values.text(span)), ["d", "s", "OCMF", "k"]);
    assert_eq!(values.number(current), Ok(-0.25));
    assert_eq!(odd.unit.map(|unit| values.word(unit)), Some("furlong"));
    assert!(values.energy(odd).is_err());
}

#[test]
fn a_stations_meter_values_are_written_for_both_versions() {
    use ocpp::meter::{NewSample, Phase};
    let mut columns = MeterColumns::new();
    columns.push_row(&ocpp::Timestamp::at(1_795_341_600_250_000));
    columns.push_sample(NewSample {
        unit: Some(Unit::Wh),
        value: "1500.5",
        ..NewSample::default()
    });
    columns.push_sample(NewSample {
        measurand: Measurand::Voltage,
        phase: Some(Phase::L1N),
        context: ReadingContext::TransactionBegin,
        value: "230",
        ..NewSample::default()
    });
    let mut out = Vec::new();
    let v16 = v16::MeterValues {
        connector_id: 1,
        transaction_id: None,
        meter_value: v16::MeterValueList(&columns),
    };
    v16.write(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00.250Z","sampledValue":["#,
            r#"{"value":"1500.5","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},"#,
            r#"{"value":"230","context":"Transaction.Begin","measurand":"Voltage","phase":"L1-N"}]}]}"#
        )
    );
    let mut out = Vec::new();
    let v201 = v201::MeterValues {
        evse_id: 1,
        meter_value: v201::MeterValueList(&columns),
    };
    v201.write(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"evseId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:00.250Z","sampledValue":["#,
            r#"{"value":1500.5,"context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},"#,
            r#"{"value":230,"context":"Transaction.Begin","measurand":"Voltage","phase":"L1-N"}]}]}"#
        )
    );
}
