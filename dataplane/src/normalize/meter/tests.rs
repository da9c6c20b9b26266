use std::fmt::Write;

use expect_test::{Expect, expect};
use ocpp::{Policy, v16, v201};

use super::*;

const RECEIVED: UtcMicros = UtcMicros(1_795_341_600_000_000);

fn show(values: &MeterValues) -> String {
    let text =
        |range: TextRange| &values.text[range.start as usize..(range.start + range.len) as usize];
    let mut out = String::new();
    for (at, row) in values.rows.iter().enumerate() {
        let context = ReadingContext::from_code(row.context).unwrap();
        let trusted = if row.clock_trusted { "" } else { " untrusted" };
        writeln!(out, "{at} {context} {}{trusted}", text(row.measured_at_raw)).unwrap();
        for reading in values.readings.iter().filter(|r| usize::from(r.row) == at) {
            let column = MeterColumn::from_code(reading.column).unwrap();
            match column {
                MeterColumn::EnergyWh | MeterColumn::EnergyExportWh => {
                    writeln!(out, "  {column} {} mWh", reading.bits).unwrap();
                }
                _ => writeln!(out, "  {column} {}", f64::from_bits(reading.bits as u64)).unwrap(),
            }
        }
        for s in values.samples.iter().filter(|s| usize::from(s.row) == at) {
            let context = ReadingContext::from_code(s.context).unwrap();
            let words = [
                s.measurand,
                s.phase,
                s.location,
                s.unit,
                s.value,
                s.signed_value,
            ];
            let words: Vec<_> = words.map(|range| format!("{:?}", text(range))).into();
            writeln!(
                out,
                "  sample {context} {} = {}",
                words.join(" "),
                s.value_number
            )
            .unwrap();
        }
    }
    out
}

fn check_16(meter_value: &str, expected: Expect) {
    let payload = format!(r#"{{"connectorId":1,"meterValue":{meter_value}}}"#);
    let mut columns = MeterColumns::new();
    let decoded =
        v16::Request::decode("MeterValues", &payload, Policy::Tolerant, &mut columns).unwrap();
    let v16::Request::MeterValues(request) = decoded.message else {
        panic!("meter values");
    };
    let mut values = MeterValues::default();
    fill(&mut values, &request.meter_value, RECEIVED);
    expected.assert_eq(&show(&values));
}

fn check_201(meter_value: &str, expected: Expect) {
    let payload = format!(r#"{{"evseId":1,"meterValue":{meter_value}}}"#);
    let mut columns = MeterColumns::new();
    let decoded =
        v201::Request::decode("MeterValues", &payload, Policy::Tolerant, &mut columns).unwrap();
    let v201::Request::MeterValues(request) = decoded.message else {
        panic!("meter values");
    };
    let mut values = MeterValues::default();
    fill(&mut values, &request.meter_value, RECEIVED);
    expected.assert_eq(&show(&values));
}

#[test]
fn common_measurands_have_columns() {
    check_16(
        r#"[{"timestamp":"2026-11-22T09:59:00Z","sampledValue":[
            {"value":"12345.6"},
            {"value":"7.4","measurand":"Power.Active.Import","unit":"kW"},
            {"value":"16","measurand":"Current.Import","phase":"L1","unit":"A"},
            {"value":"15.5","measurand":"Current.Import","phase":"L2-N","unit":"A"},
            {"value":"230.1","measurand":"Voltage","phase":"L1-N","unit":"V","location":"Outlet"},
            {"value":"50","measurand":"Frequency"},
            {"value":"55","measurand":"SoC","unit":"Percent","location":"EV"},
            {"value":"31.5","measurand":"Temperature","unit":"Celcius"},
            {"value":"0.98","measurand":"Power.Factor"}]}]"#,
        expect![[r#"
            0 Sample.Periodic 2026-11-22T09:59:00Z
              energy_wh 12345600 mWh
              power_w 7400
              current_l1_a 16
              current_l2_a 15.5
              voltage_l1_v 230.1
              frequency_hz 50
              soc_percent 55
              temperature_c 31.5
              power_factor 0.98
        "#]],
    );
}

#[test]
fn what_has_no_column_is_kept_as_written() {
    check_16(
        r#"[{"timestamp":"2026-11-22T09:59:00Z","sampledValue":[
            {"value":"100"},
            {"value":"101"},
            {"value":"50","phase":"L1"},
            {"value":"400","measurand":"Voltage","phase":"L1-L2"},
            {"value":"3","measurand":"Voltage","location":"Inlet"},
            {"value":"abc","measurand":"Current.Import"},
            {"value":"1e40","unit":"Wh","measurand":"Energy.Active.Export.Register"},
            {"value":"7","measurand":"Energy.Reactive.Import.Register","unit":"varh"},
            {"value":"90","context":"Transaction.Begin"},
            {"value":"AAEC","format":"SignedData"}]}]"#,
        expect![[r#"
            0 Sample.Periodic 2026-11-22T09:59:00Z
              energy_wh 100000 mWh
              sample Sample.Periodic "Energy.Active.Import.Register" "" "" "Wh" "101" "" = 101
              sample Sample.Periodic "Energy.Active.Import.Register" "L1" "" "Wh" "50" "" = 50
              sample Sample.Periodic "Voltage" "L1-L2" "" "V" "400" "" = 400
              sample Sample.Periodic "Voltage" "" "Inlet" "V" "3" "" = 3
              sample Sample.Periodic "Current.Import" "" "" "A" "abc" "" = NaN
              sample Sample.Periodic "Energy.Active.Export.Register" "" "" "Wh" "1e40" "" = 10000000000000000000000000000000000000000
              sample Sample.Periodic "Energy.Reactive.Import.Register" "" "" "varh" "7" "" = 7
              sample Sample.Periodic "Energy.Active.Import.Register" "" "" "Wh" "AAEC" "AAEC" = NaN
            1 Transaction.Begin 2026-11-22T09:59:00Z
              energy_wh 90000 mWh
        "#]],
    );
}

#[test]
fn a_column_holds_what_is_told_in_a_unit_of_its_kind() {
    check_201(
        r#"[{"timestamp":"2026-11-22T09:59:00Z","sampledValue":[
            {"value":50010,"measurand":"Frequency","unitOfMeasure":{"unit":"mHz"}},
            {"value":0.4,"measurand":"Voltage","unitOfMeasure":{"unit":"kV"}},
            {"value":16000,"measurand":"Current.Import","unitOfMeasure":{"unit":"mA"}},
            {"value":16,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"A"}},
            {"value":98,"measurand":"Power.Factor","unitOfMeasure":{"unit":"Percent"}},
            {"value":0.98,"measurand":"Power.Factor","unitOfMeasure":{"unit":"cos"}},
            {"value":57,"measurand":"SoC","unitOfMeasure":{"unit":"%"}},
            {"value":31,"measurand":"Voltage","phase":"L1","unitOfMeasure":{"unit":"%"}},
            {"value":7.4,"measurand":"Power.Active.Import","phase":"L1","unitOfMeasure":{"unit":"kW"}},
            {"value":16,"measurand":"Current.Import","phase":"L1","unitOfMeasure":{"multiplier":0}}]}]"#,
        expect![[r#"
            0 Sample.Periodic 2026-11-22T09:59:00Z
              frequency_hz 50.01
              soc_percent 57
              power_l1_w 7400
              current_l1_a 16
              sample Sample.Periodic "Voltage" "" "" "kV" "0.4" "" = 0.4
              sample Sample.Periodic "Current.Import" "" "" "mA" "16000" "" = 16000
              sample Sample.Periodic "Power.Active.Import" "" "" "A" "16" "" = 16
              sample Sample.Periodic "Power.Factor" "" "" "Percent" "98" "" = 98
              sample Sample.Periodic "Power.Factor" "" "" "cos" "0.98" "" = 0.98
              sample Sample.Periodic "Voltage" "L1" "" "%" "31" "" = 31
        "#]],
    );
}

#[test]
fn each_meter_value_is_a_row_and_odd_clocks_are_told() {
    check_16(
        r#"[{"timestamp":"1970-01-01T00:00:09Z","sampledValue":[{"value":"1"}]},
            {"timestamp":"2026-11-22T10:05:00Z","sampledValue":[{"value":"2","context":"Sample.Clock"}]},
            {"timestamp":"2026-11-22T10:05:01Z","sampledValue":[]}]"#,
        expect![[r#"
            0 Sample.Periodic 1970-01-01T00:00:09Z untrusted
              energy_wh 1000 mWh
            1 Sample.Clock 2026-11-22T10:05:00Z
              energy_wh 2000 mWh
            2 Sample.Periodic 2026-11-22T10:05:01Z untrusted
        "#]],
    );
}

#[test]
fn multipliers_units_and_signatures_of_2_0_1() {
    check_201(
        r#"[{"timestamp":"2026-11-22T09:59:00Z","sampledValue":[
            {"value":12.3456,"unitOfMeasure":{"unit":"kWh"},"signedMeterValue":{"signedMeterData":"c2ln","signingMethod":"","encodingMethod":"OCMF","publicKey":"k\"1"}},
            {"value":74,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W","multiplier":2}},
            {"value":5,"measurand":"Energy.Active.Net","unitOfMeasure":{"unit":"Wh"}}]}]"#,
        expect![[r#"
            0 Sample.Periodic 2026-11-22T09:59:00Z
              energy_wh 12345600 mWh
              power_w 7400
              sample Sample.Periodic "Energy.Active.Import.Register" "" "" "kWh" "12.3456" "{\"signedMeterData\":\"c2ln\",\"signingMethod\":\"\",\"encodingMethod\":\"OCMF\",\"publicKey\":\"k\\\"1\"}" = 12345.6
              sample Sample.Periodic "Energy.Active.Net" "" "" "Wh" "5" "" = 5
        "#]],
    );
}

/// OCMF as it is, in XML as meters wrap it, and other formats: every text comes out as it went in.
#[test]
fn what_a_meter_signed_is_kept_to_the_byte_whatever_it_is_written_in() {
    let ocmf = r#"OCMF|{"FV":"1.0","RV":"0.2"}|{"SD":"3045"}"#;
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<values>\n\t<value context=\"Transaction.Begin\">\n\
         <signedData format=\"OCMF\" encoding=\"plain\">{ocmf}</signedData> <!-- \u{e7}\u{1f50c} -->\n</value>\n</values>\n"
    );
    for written in [
        ocmf,
        &xml,
        "\u{feff}<values/>",
        "AP;0;3;ALHYDH6Z",
        " 42 ",
        "{OCMF",
    ] {
        let quoted = serde_json::Value::from(written).to_string();
        let kept = |values: &MeterValues| {
            let [sample] = &values.samples[..] else {
                panic!("one sample of {written:?}")
            };
            let range = sample.signed_value;
            values.text[range.start as usize..(range.start + range.len) as usize].to_owned()
        };
        let mut columns = MeterColumns::new();
        let payload = format!(
            r#"{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T09:59:00Z","sampledValue":[{{"value":{quoted},"format":"SignedData"}}]}}]}}"#
        );
        let decoded =
            v16::Request::decode("MeterValues", &payload, Policy::Tolerant, &mut columns).unwrap();
        let v16::Request::MeterValues(request) = decoded.message else {
            panic!("meter values");
        };
        let mut values = MeterValues::default();
        fill(&mut values, &request.meter_value, RECEIVED);
        assert_eq!(kept(&values), written);
        assert!(values.readings.is_empty(), "{written:?} is no reading");

        let mut columns = MeterColumns::new();
        let payload = format!(
            r#"{{"evseId":1,"meterValue":[{{"timestamp":"2026-11-22T09:59:00Z","sampledValue":[{{"value":1,"signedMeterValue":{{"signedMeterData":{quoted},"signingMethod":"","encodingMethod":"XML","publicKey":""}}}}]}}]}}"#
        );
        let decoded =
            v201::Request::decode("MeterValues", &payload, Policy::Tolerant, &mut columns).unwrap();
        let v201::Request::MeterValues(request) = decoded.message else {
            panic!("meter values");
        };
        let mut values = MeterValues::default();
        fill(&mut values, &request.meter_value, RECEIVED);
        let object: serde_json::Value = serde_json::from_str(&kept(&values)).unwrap();
        assert_eq!(object["signedMeterData"], written);
        assert_eq!(object["encodingMethod"], "XML");
    }
}

#[test]
fn an_energy_register_of_another_context_has_a_row_of_its_own() {
    check_201(
        r#"[{"timestamp":"2026-11-22T09:59:00Z","sampledValue":[
            {"value":1000,"context":"Transaction.Begin"},
            {"value":11,"measurand":"Power.Active.Import","context":"Transaction.End"},
            {"value":23000,"context":"Transaction.End"},
            {"value":7,"measurand":"Energy.Active.Export.Register","context":"Transaction.End"},
            {"value":23001,"context":"Transaction.End"}]}]"#,
        expect![[r#"
            0 Transaction.Begin 2026-11-22T09:59:00Z
              energy_wh 1000000 mWh
              sample Transaction.End "Power.Active.Import" "" "" "W" "11" "" = 11
              sample Transaction.End "Energy.Active.Import.Register" "" "" "Wh" "23001" "" = 23001
            1 Transaction.End 2026-11-22T09:59:00Z
              energy_wh 23000000 mWh
              energy_export_wh 7000 mWh
        "#]],
    );
}
