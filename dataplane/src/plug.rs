//! What a connector is: its plug and its rated power, as an operator says, or as the device model of a 2.x station does.

use fleet::record::ConnectorDeclared;
use serde_json::Value;

/// Most connectors that an operator may declare of one station.
pub const DECLARED_MAX: u32 = 64;
/// Most that is believed of one connector, watts; the largest standards end below 4 MW.
const POWER_W_MAX: f64 = 10_000_000.0;
/// Longest name of a plug that is kept, bytes; those of OCPP have at most 20.
const KIND_LEN_MAX: usize = 64;

/// What somebody says of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plug {
    /// EVSE.
    pub evse_id: u32,
    /// Connector within the EVSE; 0 says it of all of them.
    pub connector_id: u32,
    /// `CCS`, `CHAdeMO`, `Type2`, …; empty for not said.
    pub kind: Box<str>,
    /// Rated power, watts.
    pub max_power_w: Option<u32>,
}

impl Plug {
    pub(crate) fn place(&self) -> (u32, u32) {
        (self.evse_id, self.connector_id)
    }

    pub(crate) fn to_record(&self) -> ConnectorDeclared {
        ConnectorDeclared {
            evse_id: self.evse_id,
            connector_id: self.connector_id,
            kind: self.kind.to_string(),
            max_power_w: self.max_power_w,
        }
    }
}

impl From<ConnectorDeclared> for Plug {
    fn from(declared: ConnectorDeclared) -> Self {
        Self {
            evse_id: declared.evse_id,
            connector_id: declared.connector_id,
            kind: declared.kind.into(),
            max_power_w: declared.max_power_w,
        }
    }
}

/// The connectors of a station, as an operator declares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declared {
    /// So many EVSEs with one connector each, at most [`DECLARED_MAX`]; 0 = not declared.
    Count(u32),
    /// One by one, in the order of (EVSE, connector), at most [`DECLARED_MAX`]; not empty.
    Each(Vec<Plug>),
}

impl Default for Declared {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl Declared {
    /// Out of what a record or a row says, where either is there.
    pub(crate) fn new(count: u32, each: Vec<Plug>) -> Self {
        if each.is_empty() {
            Self::Count(count)
        } else {
            Self::Each(each)
        }
    }

    /// The number and the list, of which one is empty.
    pub(crate) fn parts(&self) -> (u32, &[Plug]) {
        match self {
            Self::Count(count) => (*count, &[]),
            Self::Each(each) => (0, each),
        }
    }

    /// Their EVSE and connector, in this order.
    pub fn places(&self) -> Vec<(u32, u32)> {
        match self {
            Self::Count(count) => (1..=DECLARED_MAX.min(*count))
                .map(|evse_id| (evse_id, 1))
                .collect(),
            Self::Each(each) => each.iter().map(Plug::place).collect(),
        }
    }
}

/// What a NotifyReport says of connectors: `Connector.ConnectorType`, and the `maxLimit` of the `Power` of EVSEs and
/// connectors (2.0.1 Part 2 Appendices, standardised components and variables).
pub(crate) fn of_report(payload: &str) -> Vec<Plug> {
    let data = parsed(payload, "reportData");
    let plug = |data: &Value| {
        let mut plug = place(data)?;
        match variable(data)?.to_ascii_lowercase().as_str() {
            "connectortype" if plug.connector_id != 0 => {
                let attributes = data.get("variableAttribute")?.as_array()?;
                let actual = attributes.iter().find(|attribute| {
                    matches!(
                        attribute.get("type").map(Value::as_str),
                        None | Some(Some("Actual"))
                    )
                });
                plug.kind = kind(actual?.get("value")?.as_str()?)?;
            }
            "power" => plug.max_power_w = Some(max_power(data.get("variableCharacteristics")?)?),
            _ => return None,
        }
        Some(plug)
    };
    data.iter().filter_map(plug).collect()
}

/// What the answer to GetVariables says of connectors: their type.
pub(crate) fn of_answer(result: &str) -> Vec<Plug> {
    let data = parsed(result, "getVariableResult");
    let plug = |data: &Value| {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let mut plug = place(data)?;
        let is_type = plug.connector_id != 0
            && variable(data)?.eq_ignore_ascii_case("ConnectorType")
            && text("attributeStatus") == Some("Accepted")
            && matches!(text("attributeType"), None | Some("Actual"));
        plug.kind = kind(text("attributeValue").filter(|_| is_type)?)?;
        Some(plug)
    };
    data.iter().filter_map(plug).collect()
}

/// A list of a payload; empty where there is none.
fn parsed(payload: &str, member: &str) -> Vec<Value> {
    let mut payload: Value = serde_json::from_str(payload).unwrap_or_default();
    match payload.get_mut(member).map(Value::take) {
        Some(Value::Array(data)) => data,
        _ => Vec::new(),
    }
}

fn variable(data: &Value) -> Option<&str> {
    data.get("variable")?.get("name")?.as_str()
}

/// Which connector a component is, or which EVSE with all of its own; `None` for any other component.
fn place(data: &Value) -> Option<Plug> {
    let component = data.get("component")?;
    let evse = component.get("evse")?;
    let number = |name: &str| evse.get(name)?.as_u64()?.try_into().ok();
    let connector_id = match component
        .get("name")?
        .as_str()?
        .to_ascii_lowercase()
        .as_str()
    {
        "evse" => 0,
        "connector" => number("connectorId").unwrap_or(1),
        _ => return None,
    };
    let evse_id = number("id").filter(|id| *id != 0)?;
    Some(Plug {
        evse_id,
        connector_id,
        ..Plug::default()
    })
}

/// A `ConnectorEnumType` in the words that people use; others as they are.
fn kind(value: &str) -> Option<Box<str>> {
    let word = match value {
        "" | "Undetermined" | "Unknown" => return None,
        "cCCS1" | "cCCS2" => "CCS",
        "cG105" => "CHAdeMO",
        "cType1" => "Type1",
        "cType2" | "sType2" => "Type2",
        "cTesla" => "Tesla",
        long if KIND_LEN_MAX < long.len() => return None,
        other => other,
    };
    Some(word.into())
}

/// `maxLimit`, in watts unless the unit says otherwise.
fn max_power(characteristics: &Value) -> Option<u32> {
    let limit = match characteristics.get("maxLimit")? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let unit = characteristics.get("unit").and_then(Value::as_str);
    let watts = if unit.is_some_and(|unit| unit.eq_ignore_ascii_case("kW")) {
        limit * 1_000.0
    } else {
        limit
    };
    let believed = (1.0..=POWER_W_MAX).contains(&watts);
    believed.then(|| watts.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plug(evse_id: u32, connector_id: u32, kind: &str, max_power_w: Option<u32>) -> Plug {
        Plug {
            evse_id,
            connector_id,
            kind: kind.into(),
            max_power_w,
        }
    }

    fn data(component: &str, evse: Value, variable: &str, rest: (&str, Value)) -> Value {
        let mut data = json!({
            "component": {"name": component, "evse": evse}, "variable": {"name": variable}
        });
        data[rest.0] = rest.1;
        data
    }

    fn of_type(connector_id: u32, value: &str) -> Value {
        let attributes = json!([{"type": "Target", "value": "cTesla"}, {"value": value}]);
        let evse = json!({"id": 2, "connectorId": connector_id});
        data(
            "Connector",
            evse,
            "ConnectorType",
            ("variableAttribute", attributes),
        )
    }

    fn of_power(component: &str, evse: Value, limits: Value) -> Value {
        data(
            component,
            evse,
            "Power",
            ("variableCharacteristics", limits),
        )
    }

    #[test]
    fn a_report_tells_plugs_and_powers() {
        let report = json!({"requestId": 1, "reportData": [
            of_type(1, "cCCS2"),
            of_type(2, "cG105"),
            of_type(3, "Undetermined"),
            of_type(4, "s309-3P-32A"),
            of_type(5, &"x".repeat(65)),
            of_power("EVSE", json!({"id": 2}), json!({"maxLimit": 50000.0})),
            of_power("evse", json!({"id": 3}), json!({"maxLimit": "22.08", "unit": "kW"})),
            of_power("Connector", json!({"id": 3, "connectorId": 2}), json!({"maxLimit": 11000})),
            of_power("EVSE", json!({"id": 4}), json!({"maxLimit": 0})),
            of_power("EVSE", json!({"id": 5}), json!({"maxLimit": 1e300})),
            of_power("EVSE", json!({"id": 0}), json!({"maxLimit": 7})),
            of_power("ChargingStation", json!({"id": 1}), json!({"maxLimit": 7})),
            {"component": {"name": "EVSE"}},
            7,
        ]});
        assert_eq!(
            of_report(&report.to_string()),
            [
                plug(2, 1, "CCS", None),
                plug(2, 2, "CHAdeMO", None),
                plug(2, 4, "s309-3P-32A", None),
                plug(2, 0, "", Some(50_000)),
                plug(3, 0, "", Some(22_080)),
                plug(3, 2, "", Some(11_000)),
            ]
        );
        assert!(of_report("{").is_empty());
    }

    #[test]
    fn an_answer_tells_plugs() {
        let result = |status: &str, value: &str| {
            json!({
                "attributeStatus": status, "attributeValue": value, "variable": {"name": "ConnectorType"},
                "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 2}},
            })
        };
        let answer = json!({"getVariableResult": [
            result("Rejected", "cType1"), result("Accepted", "sType2"),
        ]});
        assert_eq!(of_answer(&answer.to_string()), [plug(1, 2, "Type2", None)]);
    }
}
