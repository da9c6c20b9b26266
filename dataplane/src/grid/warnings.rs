//! What the specification says that no CSMS sends, and a station refuses. A command goes out as the operator wrote it all the
//! same; beside it stands why the station is likely to refuse it.

use ocpp::Timestamp;
use serde_json::Value;

use super::der::{member_of, members};

/// What is wrong with a command although its schema allows it, each with its place in the payload, a JSON object.
pub fn command_warnings(action: &str, payload: &str) -> Vec<String> {
    let warnings = match action {
        "ExtendedTriggerMessage" | "TriggerMessage" => trigger_warnings,
        "SendLocalList" => list_warnings,
        "SetDERControl" => der_warnings,
        "SetVariableMonitoring" => monitor_warnings,
        "SignedUpdateFirmware" | "UpdateFirmware" => firmware_warnings,
        _ => return Vec::new(),
    };
    match serde_json::from_str(payload) {
        Ok(asked) => warnings(&asked),
        Err(_) => Vec::new(),
    }
}

fn trigger_warnings(asked: &Value) -> Vec<String> {
    let is_boot = asked["requestedMessage"] == "BootNotification";
    let warning = "/requestedMessage: a station whose last BootNotification was answered Accepted is not asked for another, and refuses (F06.FR.17; errata of 1.6, 3.40)";
    is_boot.then(|| warning.to_owned()).into_iter().collect()
}

/// A list without a version is one that a station does not have: 0 says so of 2.x, and of 1.6 that it is empty.
fn list_warnings(asked: &Value) -> Vec<String> {
    // What 2.x calls it, and 1.6.
    let versions = ["versionNumber", "listVersion"].into_iter();
    let versions = versions.filter_map(|name| Some((name, asked[name].as_i64()?)));
    versions
        .filter(|(_, version)| *version <= 0)
        .map(|(name, version)| {
            format!(
                "/{name}: {version}, the version of a list is above 0, which is that of none (D01.FR.18)"
            )
        })
        .collect()
}

fn firmware_warnings(asked: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    let firmware = &asked["firmware"];
    let at = |name: &str| Timestamp::read(firmware[name].as_str()?).map(|at| at.utc_micros);
    if let (Some(retrieve), Some(install)) = (at("retrieveDateTime"), at("installDateTime"))
        && install < retrieve
    {
        warnings.push(
            "/firmware/installDateTime: before retrieveDateTime, when the station has nothing to install yet".to_owned(),
        );
    }
    for (has, lacks) in [
        ("signature", "signingCertificate"),
        ("signingCertificate", "signature"),
    ] {
        if firmware.get(has).is_some() && firmware.get(lacks).is_none() {
            warnings.push(format!(
                "/firmware/{lacks}: absent, {has} verifies nothing without it (L01.FR.12)"
            ));
        }
    }
    warnings
}

fn monitor_warnings(asked: &Value) -> Vec<String> {
    const PLACE: [&str; 4] = ["component", "variable", "type", "severity"];
    let monitors = asked["setMonitoringData"].as_array();
    let monitors = monitors.map(Vec::as_slice).unwrap_or_default();
    let mut warnings = Vec::new();
    for (at, monitor) in monitors.iter().enumerate() {
        if monitor["type"] == "Delta" && monitor["value"].as_f64().is_some_and(|value| value < 0.0)
        {
            warnings.push(format!(
                "/setMonitoringData/{at}/value: below 0, a Delta is how much changes (N04.FR.14)"
            ));
        }
        // One of the same number takes the place of the one before.
        let is_another = |before: &Value| {
            let (id, known) = (monitor.get("id"), before.get("id"));
            id.is_none() || id != known
        };
        let is_same = |before: &&Value| PLACE.iter().all(|name| before[name] == monitor[name]);
        let before = monitors[..at]
            .iter()
            .position(|before| is_same(&before) && is_another(before));
        if let Some(before) = before {
            warnings.push(format!(
                "/setMonitoringData/{at}: watches what /setMonitoringData/{before} does, with the same type and severity (N04.FR.10)"
            ));
        }
    }
    warnings
}

fn der_warnings(asked: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    let control_type = asked["controlType"].as_str().unwrap_or_default();
    let is_default = asked["isDefault"].as_bool();
    let wanted = member_of(control_type);
    for member in members().filter(|member| asked.get(member).is_some()) {
        let of = &asked[member];
        for time in ["startTime", "duration"] {
            if is_default == Some(true) && of.get(time).is_some() {
                warnings.push(format!(
                    "/{member}/{time}: a default control has none (R04.FR.12)"
                ));
            }
        }
        if member != wanted {
            warnings.push(format!(
                "/{member}: {control_type} is set by {wanted} alone (R04.FR.16)"
            ));
        }
    }
    if asked.get(wanted).is_none() {
        warnings.push(format!(
            "/{wanted}: absent, {control_type} is set by it (R04.FR.16)"
        ));
    }
    if is_default == Some(false) && matches!(control_type, "EnterService" | "Gradients") {
        warnings.push(format!(
            "/isDefault: false, {control_type} exists as a default alone (R04.FR.14)"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &str, expected: &[&str]) {
        assert_eq!(command_warnings("SetDERControl", payload), expected);
    }

    #[test]
    fn r04_fr_12_a_default_begins_at_no_time() {
        let curve = r#"{"isDefault":IS,"controlId":"1","controlType":"VoltWatt","curve":{"priority":1,"yUnit":"PctMaxW","startTime":"2026-11-22T10:00:00Z","duration":60.0,"curveData":[{"x":1,"y":1}]}}"#;
        check(
            &curve.replace("IS", "true"),
            &[
                "/curve/startTime: a default control has none (R04.FR.12)",
                "/curve/duration: a default control has none (R04.FR.12)",
            ],
        );
        check(&curve.replace("IS", "false"), &[]);
    }

    #[test]
    fn r04_fr_14_what_exists_as_a_default_alone_is_scheduled_for_no_time() {
        for (control_type, member) in [("EnterService", "enterService"), ("Gradients", "gradient")]
        {
            let asked = format!(
                r#"{{"isDefault":false,"controlId":"1","controlType":"{control_type}","{member}":{{"priority":1}}}}"#
            );
            let expected =
                format!("/isDefault: false, {control_type} exists as a default alone (R04.FR.14)");
            check(&asked, &[&expected]);
            check(&asked.replace("false", "true"), &[]);
        }
    }

    #[test]
    fn r04_fr_16_each_type_has_settings_of_its_own() {
        for (control_type, member) in [
            ("FixedPFAbsorb", "fixedPFAbsorb"),
            ("FixedPFInject", "fixedPFInject"),
            ("FixedVar", "fixedVar"),
            ("LimitMaxDischarge", "limitMaxDischarge"),
            ("FreqDroop", "freqDroop"),
            ("VoltVar", "curve"),
            ("HFMustTrip", "curve"),
        ] {
            let with = |more: &str| {
                format!(
                    r#"{{"isDefault":true,"controlId":"1","controlType":"{control_type}"{more}}}"#
                )
            };
            let its = format!(r#","{member}":{{"priority":1}}"#);
            check(&with(&its), &[]);
            let absent = format!("/{member}: absent, {control_type} is set by it (R04.FR.16)");
            check(&with(""), &[&absent]);
            let other = format!("/gradient: {control_type} is set by {member} alone (R04.FR.16)");
            check(
                &with(&format!(r#"{its},"gradient":{{"priority":1}}"#)),
                &[&other],
            );
        }
    }

    #[test]
    fn l01_firmware_is_fetched_before_it_is_installed_and_verified_with_a_certificate() {
        let asked = |more: &str| {
            let asked = format!(
                r#"{{"requestId":1,"firmware":{{"location":"https://files/fw","retrieveDateTime":"2026-11-22T10:00:00Z"{more}}}}}"#
            );
            ["UpdateFirmware", "SignedUpdateFirmware"]
                .map(|action| command_warnings(action, &asked))
                .concat()
        };
        for good in [
            "",
            r#","installDateTime":"2026-11-22T10:00:00Z""#,
            r#","installDateTime":"2026-11-22T08:00:00-02:00""#,
            r#","signature":"c2ln","signingCertificate":"C""#,
        ] {
            assert_eq!(asked(good), [""; 0], "{good}");
        }
        for (bad, place) in [
            (
                r#","installDateTime":"2026-11-22T09:59:59Z""#,
                "/firmware/installDateTime: ",
            ),
            (r#","signature":"c2ln""#, "/firmware/signingCertificate: "),
            (r#","signingCertificate":"C""#, "/firmware/signature: "),
        ] {
            let found = asked(bad);
            assert_eq!(found.len(), 2, "{bad}");
            assert!(
                found.iter().all(|found| found.starts_with(place)),
                "{found:?}"
            );
        }
    }

    #[test]
    fn n04_fr_14_a_change_is_not_below_zero() {
        let monitor = |kind: &str, value: &str| {
            format!(
                r#"{{"value":{value},"type":"{kind}","severity":8,"component":{{"name":"C"}},"variable":{{"name":"V"}}}}"#
            )
        };
        let monitors = [
            monitor("Delta", "0"),
            monitor("LowerThreshold", "-5"),
            monitor("Delta", "-0.5").replace("8", "7"),
        ];
        let asked = format!(r#"{{"setMonitoringData":[{}]}}"#, monitors.join(","));
        assert_eq!(
            command_warnings("SetVariableMonitoring", &asked),
            ["/setMonitoringData/2/value: below 0, a Delta is how much changes (N04.FR.14)"]
        );
    }

    #[test]
    fn n04_fr_10_a_variable_has_one_monitor_of_a_type_and_severity() {
        let monitor = |id: &str, kind: &str, severity: u8| {
            format!(
                r#"{{{id}"value":1,"type":"{kind}","severity":{severity},"component":{{"name":"C"}},"variable":{{"name":"V"}}}}"#
            )
        };
        let found = |monitors: &[String]| {
            let asked = format!(r#"{{"setMonitoringData":[{}]}}"#, monitors.join(","));
            command_warnings("SetVariableMonitoring", &asked)
        };
        let (one, two) = (r#""id":1,"#, r#""id":2,"#);
        let first = monitor("", "UpperThreshold", 4);
        for (second, is_duplicate) in [
            (monitor("", "UpperThreshold", 4), true),
            (monitor(two, "UpperThreshold", 4), true),
            (monitor("", "UpperThreshold", 5), false),
            (monitor("", "LowerThreshold", 4), false),
        ] {
            let expected = "/setMonitoringData/1: watches what /setMonitoringData/0 does, with the same type and severity (N04.FR.10)";
            let expected = is_duplicate.then_some(expected);
            assert_eq!(found(&[first.clone(), second]), Vec::from_iter(expected));
        }
        let numbered = [one, one].map(|id| monitor(id, "Delta", 4));
        assert_eq!(found(&numbered), [""; 0], "the second takes its place");
    }

    #[test]
    fn f06_fr_17_an_accepted_station_does_not_boot_at_a_word() {
        for action in ["TriggerMessage", "ExtendedTriggerMessage"] {
            let found = command_warnings(action, r#"{"requestedMessage":"BootNotification"}"#);
            let [warning] = &found[..] else {
                panic!("{action}: {found:?}");
            };
            assert!(warning.starts_with("/requestedMessage: "), "{warning}");
            let other = command_warnings(action, r#"{"requestedMessage":"Heartbeat"}"#);
            assert_eq!(other, [""; 0], "{action}");
        }
    }

    #[test]
    fn d01_fr_18_a_local_list_has_a_version_above_0() {
        for name in ["versionNumber", "listVersion"] {
            for (version, is_none) in [(-1, true), (0, true), (1, false)] {
                let asked = format!(r#"{{"{name}":{version},"updateType":"Full"}}"#);
                let expected = format!(
                    "/{name}: {version}, the version of a list is above 0, which is that of none (D01.FR.18)"
                );
                let expected = is_none.then_some(expected);
                let found = command_warnings("SendLocalList", &asked);
                assert_eq!(found, Vec::from_iter(expected));
            }
        }
    }

    #[test]
    fn other_actions_have_none() {
        assert_eq!(command_warnings("Reset", r#"{"isDefault":true}"#), [""; 0]);
        check("no object", &[]);
    }
}
