use serde_json::json;

use super::*;

const NOW: UtcMicros = UtcMicros(1_000_000_000);

fn set_droop(der: &mut DerChanged, id: usize, is_default: bool) {
    let asked = json!({
        "isDefault": is_default, "controlId": format!("c{id}"), "controlType": "FreqDroop",
        "freqDroop": { "priority": 1, "duration": 10 }
    });
    set(der, &asked, &json!({ "status": "Accepted" }), [1; 16], NOW);
}

#[test]
fn one_control_too_many_takes_the_place_of_one_that_is_over_or_else_of_the_oldest() {
    let mut der = DerChanged::default();
    (0..CONTROLS_MAX).for_each(|id| set_droop(&mut der, id, true));
    der.controls[5].ended_at = Some(1);
    set_droop(&mut der, CONTROLS_MAX, true);
    assert_eq!((der.controls.len(), der.is_partial), (CONTROLS_MAX, false));
    assert!(der.controls.iter().all(|control| control.id != "c5"));
    set_droop(&mut der, CONTROLS_MAX + 1, true);
    assert_eq!((der.controls.len(), der.is_partial), (CONTROLS_MAX, true));
    assert_eq!(der.controls[0].id, "c1");
}

#[test]
fn the_newest_alarms_are_kept() {
    let mut der = DerChanged::default();
    for n in 0..=ALARMS_MAX {
        let (minute, second) = (n / 60, n % 60);
        let at = format!("2026-11-22T10:{minute:02}:{second:02}Z");
        alarm(
            &mut der,
            &json!({ "controlType": "VoltVar", "timestamp": at }),
            NOW,
        );
    }
    assert_eq!(der.alarms.len(), ALARMS_MAX);
    let open = der.alarms.iter().filter(|alarm| alarm.ended_at.is_none());
    assert_eq!(open.count(), 1, "the others were taken over");
}

#[test]
fn settings_that_are_too_long_are_not_kept_and_what_they_say_of_time_is() {
    let mut der = DerChanged::default();
    let long = "9".repeat(SETTINGS_LEN_MAX);
    let asked = json!({
        "controlId": "c", "controlType": "VoltVar",
        "curve": { "priority": 3, "startTime": "1970-01-01T00:10:00Z", "duration": 0.5, "x": long }
    });
    set(&mut der, &asked, &json!({}), [1; 16], NOW);
    let control = &der.controls[0];
    assert_eq!(control.settings, "");
    assert_eq!(
        (control.priority, control.starts_at),
        (Some(3), Some(600_000_000))
    );
    assert_eq!(control.duration_micros, Some(500_000));
    assert_eq!(states(&der, NOW), [DerControlState::Ended]);
    assert_eq!(
        states(&der, UtcMicros(600_000_001)),
        [DerControlState::Active]
    );
}

#[test]
fn numbers_beyond_all_measure_do_not_overflow() {
    let mut der = DerChanged::default();
    let asked = json!({
        "controlId": "c", "controlType": "VoltVar",
        "curve": { "priority": 3, "startTime": "9999-12-31T23:59:59Z", "duration": 1e300 }
    });
    set(&mut der, &asked, &json!({}), [1; 16], NOW);
    assert_eq!(states(&der, NOW), [DerControlState::Scheduled]);
}

#[test]
fn r04_fr_16_settings_are_kept_whatever_their_type() {
    for (control_type, member) in [
        ("FixedPFAbsorb", "fixedPFAbsorb"),
        ("FixedPFInject", "fixedPFInject"),
        ("FixedVar", "fixedVar"),
        ("Gradients", "gradient"),
        ("VoltVar", "curve"),
    ] {
        let asked = serde_json::json!({
            "isDefault": true, "controlId": "1", "controlType": control_type, member: { "priority": 3 },
        });
        let mut der = DerChanged::default();
        let answered = serde_json::json!({ "status": "Accepted" });
        set(&mut der, &asked, &answered, [1; 16], UtcMicros(1));
        let held = &der.controls[0];
        assert_eq!(
            (held.priority, held.settings.as_str()),
            (Some(3), r#"{"priority":3}"#)
        );
    }
}

#[test]
fn a_control_takes_the_place_of_the_one_that_has_its_id() {
    let mut der = DerChanged::default();
    (1..=3).for_each(|id| set_droop(&mut der, id, true));
    supersede(&mut der, &["c2".to_owned()]);
    let asked = json!({
        "isDefault": false, "controlId": "c2", "controlType": "VoltVar",
        "curve": { "priority": 7, "startTime": "1970-01-01T00:10:00Z", "duration": 10 }
    });
    set(
        &mut der,
        &asked,
        &json!({ "status": "Accepted" }),
        [2; 16],
        NOW,
    );
    let shown: Vec<_> = der
        .controls
        .iter()
        .map(|c| (&*c.id, &*c.control_type, c.is_default, c.command_id))
        .collect();
    assert_eq!(
        shown,
        [
            ("c1", "FreqDroop", true, Some([1; 16])),
            ("c3", "FreqDroop", true, Some([1; 16])),
            ("c2", "VoltVar", false, Some([2; 16])),
        ],
        "nothing of what it was is left"
    );
    assert_eq!(
        (der.controls[2].priority, der.controls[2].is_superseded),
        (Some(7), false)
    );
    // Ids are compared as they are written.
    set_droop(&mut der, 2, true);
    assert_eq!(der.controls.len(), 3);
    let asked = json!({ "isDefault": true, "controlId": "C2", "controlType": "FreqDroop" });
    set(&mut der, &asked, &json!({}), [3; 16], NOW);
    assert_eq!(der.controls.len(), 4);
}
