//! Connectors: as operators declare them, and as they are shown.

use dataplane::{ConnectorView, DECLARED_MAX, Declared, Plug};
use sdk::{ConnectorRequest, Connectors};

use super::{connector_status, some};
use crate::error::ApiError;
use crate::routes::check_text;

/// Longest name of a plug, characters.
const KIND_CHARS_MAX: usize = 32;
/// Most power of a connector, kilowatts.
const POWER_KW_MAX: f64 = 10_000.0;

/// What an operator says of a station's connectors; `pointer` leads to it.
pub(crate) fn declared(pointer: &str, connectors: &Connectors) -> Result<Declared, ApiError> {
    let too_many = || ApiError::field(pointer, format!("more than {DECLARED_MAX}"));
    match connectors {
        Connectors::Count(count) if DECLARED_MAX < *count => Err(too_many()),
        Connectors::Count(count) => Ok(Declared::Count(*count)),
        Connectors::Each(each) if (DECLARED_MAX as usize) < each.len() => Err(too_many()),
        Connectors::Each(each) if each.is_empty() => Ok(Declared::Count(0)),
        Connectors::Each(each) => {
            let mut plugs: Vec<Plug> = Vec::with_capacity(each.len());
            for (at, connector) in each.iter().enumerate() {
                let plug = plug(at, connector).map_err(|(member, detail)| {
                    ApiError::field(format!("{pointer}/{at}{member}"), detail)
                })?;
                let place = (plug.evse_id, plug.connector_id);
                if plugs
                    .iter()
                    .any(|known| (known.evse_id, known.connector_id) == place)
                {
                    let detail = format!("connector {} of EVSE {} a second time", place.1, place.0);
                    return Err(ApiError::field(format!("{pointer}/{at}"), detail));
                }
                plugs.push(plug);
            }
            plugs.sort_by_key(|plug| (plug.evse_id, plug.connector_id));
            Ok(Declared::Each(plugs))
        }
    }
}

/// A connector of the list, at this place; the error names the member.
fn plug(at: usize, connector: &ConnectorRequest) -> Result<Plug, (&'static str, String)> {
    let evse_id = match (connector.id, connector.evse_id) {
        (Some(id), Some(evse_id)) if id != evse_id => {
            let detail = format!(
                "{evse_id}, and id is {id}: both name the EVSE, connector_id the connector"
            );
            return Err(("/evse_id", detail));
        }
        (id, evse_id) => id.or(evse_id).unwrap_or(at as u32 + 1),
    };
    let connector_id = connector.connector_id.unwrap_or(1);
    let evse = if connector.id.is_some() {
        "/id"
    } else {
        "/evse_id"
    };
    for (member, number) in [(evse, evse_id), ("/connector_id", connector_id)] {
        if number == 0 {
            return Err((member, "0, expected 1 or more".into()));
        }
    }
    let kind = connector.kind.as_deref().unwrap_or_default();
    check_text(kind, KIND_CHARS_MAX).map_err(|detail| ("/type", detail))?;
    let max_power_w = connector.max_power_kw.map(watts).transpose();
    Ok(Plug {
        evse_id,
        connector_id,
        kind: kind.into(),
        max_power_w: max_power_w.map_err(|detail| ("/max_power_kw", detail))?,
    })
}

fn watts(kw: f64) -> Result<u32, String> {
    let watts = (kw * 1_000.0).round();
    if kw <= POWER_KW_MAX && 1.0 <= watts {
        Ok(watts as u32)
    } else {
        Err(format!(
            "{kw}, expected more than 0 and at most {POWER_KW_MAX}"
        ))
    }
}

/// The compact form of an import: a number, or for each connector, in their order, its type, `:` and its kilowatts if
/// they are known: `CCS:150;Type2:`.
pub(crate) fn compact(text: &str) -> Result<Declared, ApiError> {
    if let Ok(count) = text.parse() {
        return declared("", &Connectors::Count(count));
    }
    let connector = |part: &str| {
        // A word without `:` is more likely a number gone wrong than a type.
        let Some((kind, kw)) = (part.split_once(':'))
            .map(|(kind, kw)| (kind.trim(), kw.trim()))
            .filter(|(kind, _)| kind.starts_with(char::is_alphabetic))
        else {
            let detail = format!(
                "{part:?}, expected a number, or a list like CCS:150;Type2:22, without a power Type2:"
            );
            return Err(ApiError::field("", detail));
        };
        let kw = (!kw.is_empty()).then(|| {
            kw.parse()
                .map_err(|_| ApiError::field("", format!("{kw:?} of {part:?} is no number")))
        });
        Ok(ConnectorRequest {
            kind: Some(kind.to_owned()),
            max_power_kw: kw.transpose()?,
            ..ConnectorRequest::default()
        })
    };
    let each = text.split(';').map(connector).collect::<Result<_, _>>()?;
    declared("", &Connectors::Each(each))
}

/// What the station reported, then what its device model and the operator tell of beyond that. EVSE 0 is the station itself.
/// What a connector is the operator knows best, then the device model; an EVSE's power is that of its connectors.
pub(super) fn shown(
    reported: Vec<ConnectorView>,
    declared: &Declared,
    plugs: &[Plug],
) -> Vec<sdk::Connector> {
    let named: &[Plug] = match declared {
        Declared::Count(_) => &[],
        Declared::Each(each) => each,
    };
    let silent = |evse_id, connector_id| sdk::Connector {
        id: evse_id,
        connector_id,
        kind: None,
        status: None,
        status_reported: None,
        error_code: None,
        max_power_kw: None,
    };
    let mut connectors: Vec<_> = reported
        .into_iter()
        .filter(|connector| connector.evse_id != 0)
        .map(|connector| sdk::Connector {
            status: connector.status.map(connector_status),
            status_reported: some(connector.status_reported),
            error_code: some(connector.error_code),
            ..silent(connector.evse_id, connector.connector_id)
        })
        .collect();
    for plug in plugs
        .iter()
        .chain(named)
        .filter(|plug| plug.connector_id != 0)
    {
        let here = |c: &sdk::Connector| (c.id, c.connector_id) == (plug.evse_id, plug.connector_id);
        if !connectors.iter().any(here) {
            connectors.push(silent(plug.evse_id, plug.connector_id));
        }
    }
    if let Declared::Count(_) = declared {
        for (evse_id, connector_id) in declared.places() {
            if !connectors.iter().any(|connector| connector.id == evse_id) {
                connectors.push(silent(evse_id, connector_id));
            }
        }
    }
    for connector in &mut connectors {
        let of = |plugs: &[Plug], connector_id| {
            let here =
                |plug: &&Plug| (plug.evse_id, plug.connector_id) == (connector.id, connector_id);
            plugs.iter().find(here).cloned()
        };
        let known = [
            of(named, connector.connector_id),
            of(plugs, connector.connector_id),
            of(plugs, 0),
        ];
        let mut known = known.into_iter().flatten();
        let (kind, watts) = known.by_ref().fold((None, None), |(kind, watts), plug| {
            (kind.or(some(plug.kind.into())), watts.or(plug.max_power_w))
        });
        connector.kind = kind;
        connector.max_power_kw = watts.map(|watts| f64::from(watts) / 1_000.0);
    }
    connectors.sort_by_key(|connector| (connector.id, connector.connector_id));
    connectors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plug(evse_id: u32, connector_id: u32, kind: &str, max_power_w: Option<u32>) -> Plug {
        Plug {
            evse_id,
            connector_id,
            kind: kind.into(),
            max_power_w,
        }
    }

    fn reported(evse_id: u32, connector_id: u32) -> ConnectorView {
        ConnectorView {
            evse_id,
            connector_id,
            status: Some(fleet::record::ConnectorStatus::Occupied),
            status_reported: "Charging".into(),
            error_code: String::new(),
            status_at: None,
            transaction: None,
            register: None,
        }
    }

    fn lines(connectors: Vec<sdk::Connector>) -> Vec<String> {
        let line = |c: sdk::Connector| {
            let kind = c.kind.unwrap_or_default();
            let occupied = if c.status.is_some() { "occupied" } else { "" };
            format!(
                "{} {} {kind} {:?} {occupied}",
                c.id, c.connector_id, c.max_power_kw
            )
        };
        connectors.into_iter().map(line).collect()
    }

    #[test]
    fn a_declared_connector_is_shown_until_it_reports() {
        let found = shown(
            vec![reported(0, 0), reported(2, 1)],
            &Declared::Count(2),
            &[],
        );
        assert_eq!(lines(found), ["1 1  None ", "2 1  None occupied"]);
    }

    #[test]
    fn the_operator_knows_better_than_the_device_model() {
        let declared = Declared::Each(vec![plug(1, 1, "CCS", None), plug(1, 2, "", Some(43_500))]);
        let model = [
            plug(1, 0, "", Some(50_000)),
            plug(1, 1, "CHAdeMO", None),
            plug(1, 2, "Type2", Some(44_000)),
            plug(3, 1, "Type1", None),
        ];
        expect_test::expect![[r#"
            [
                "1 1 CCS Some(50.0) occupied",
                "1 2 Type2 Some(43.5) ",
                "3 1 Type1 None ",
            ]
        "#]]
        .assert_debug_eq(&lines(shown(vec![reported(1, 1)], &declared, &model)));
    }

    #[test]
    fn every_member_of_a_connector_has_a_limit() {
        let check = |json: &str, expected: &str| {
            let connectors = serde_json::from_str(json).unwrap();
            let found = match declared("/connectors", &connectors) {
                Ok(declared) => format!("{declared:?}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{json}");
        };
        check("64", "Count(64)");
        check("65", "/connectors: more than 64");
        check("[]", "Count(0)");
        let many = format!("[{}]", ["{}"; 65].join(","));
        check(&many, "/connectors: more than 64");
        check(
            r#"[{},{"id":1,"connector_id":2,"max_power_kw":0.0005}]"#,
            r#"Each([Plug { evse_id: 1, connector_id: 1, kind: "", max_power_w: None }, Plug { evse_id: 1, connector_id: 2, kind: "", max_power_w: Some(1) }])"#,
        );
        check(
            r#"[{"id":2,"evse_id":3}]"#,
            "/connectors/0/evse_id: 3, and id is 2: both name the EVSE, connector_id the connector",
        );
        check(
            r#"[{"evse_id":0}]"#,
            "/connectors/0/evse_id: 0, expected 1 or more",
        );
        check(
            r#"[{"connector_id":0}]"#,
            "/connectors/0/connector_id: 0, expected 1 or more",
        );
        check(
            r#"[{"id":2},{"evse_id":2}]"#,
            "/connectors/1: connector 1 of EVSE 2 a second time",
        );
        for (kw, shown) in [
            ("0", "0"),
            ("-1", "-1"),
            ("10000.1", "10000.1"),
            ("1e300", "1"),
        ] {
            let found = declared(
                "",
                &serde_json::from_str(&format!(r#"[{{"max_power_kw":{kw}}}]"#)).unwrap(),
            );
            let error = found.unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/0/max_power_kw: {shown}")),
                "{error}"
            );
        }
        let long = format!(r#"[{{"type":"{}"}}]"#, "x".repeat(33));
        check(
            &long,
            "/connectors/0/type: 33 characters, at most 32 are allowed",
        );
    }

    #[test]
    fn an_import_has_a_compact_form() {
        let check = |text: &str, expected: Result<Declared, &str>| {
            let found = compact(text).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check("2", Ok(Declared::Count(2)));
        let each = vec![plug(1, 1, "CCS", Some(150_000)), plug(2, 1, "Type2", None)];
        check("CCS:150; Type2:", Ok(Declared::Each(each)));
        check("CCS:much", Err(r#""much" of "CCS:much" is no number"#));
        for text in ["2;2", "many", ":22"] {
            let part = text.split(';').next().unwrap_or(text);
            let detail = format!(
                "{part:?}, expected a number, or a list like CCS:150;Type2:22, without a power Type2:"
            );
            check(text, Err(&detail));
        }
        check("65", Err("more than 64"));
    }
}
