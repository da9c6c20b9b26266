//! What the specification says that no CSMS sends, and a station refuses. A command goes out as the operator wrote it all the
//! same; beside it stands why the station is likely to refuse it.

use serde_json::Value;

use super::der::{member_of, members};

/// What is wrong with a command although its schema allows it, each with its place in the payload, a JSON object.
pub fn command_warnings(action: &str, payload: &str) -> Vec<String> {
    if action != "SetDERControl" {
        return Vec::new();
    }
    match serde_json::from_str(payload) {
        Ok(asked) => der_warnings(&asked),
        Err(_) => Vec::new(),
    }
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
    fn other_actions_have_none() {
        assert_eq!(command_warnings("Reset", r#"{"isDefault":true}"#), [""; 0]);
        check("no object", &[]);
    }
}
