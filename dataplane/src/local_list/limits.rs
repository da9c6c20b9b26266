//! What a station takes of a list of tokens, as far as its variables tell.

use fleet::record::Protocol;

use crate::variables::{AttributeKind, COMPONENT_16, VariableView};

/// The component of 2.x that says it.
const COMPONENT_2X: &str = "LocalAuthListCtrlr";
/// Bytes of a SendLocalList beside its payload: `[2,"",…]`, the action with its quotes and commas, and the id.
const FRAME_LEN: usize = 61;

/// How much a station takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalListLimits {
    /// Tokens of one message (1.6 `SendLocalListMaxLength`, 2.x D01.FR.11 `ItemsPerMessage`).
    pub tokens: Option<usize>,
    /// Bytes of one message (2.x D01.FR.11 `BytesPerMessage`).
    pub bytes: Option<usize>,
    /// Tokens of its whole list (1.6 `LocalAuthListMaxLength`, 2.x the greatest value of `Entries`).
    pub entries: Option<usize>,
}

impl LocalListLimits {
    /// The component whose variables tell them.
    pub fn component(protocol: Option<Protocol>) -> &'static str {
        match protocol {
            Some(Protocol::Ocpp201 | Protocol::Ocpp21) => COMPONENT_2X,
            Some(Protocol::Ocpp16) | None => COMPONENT_16,
        }
    }

    /// What `variables` tell; a limit that is no number above zero is none.
    pub fn told_by(variables: &[VariableView]) -> Self {
        let mut limits = Self::default();
        for variable in variables {
            let mut attributes = variable.attributes.iter();
            let actual = attributes.find(|attribute| attribute.kind == AttributeKind::Actual);
            let value = actual.and_then(|actual| actual.value.as_deref());
            let number = |text: &str| text.trim().parse().ok().filter(|limit| 0 < *limit);
            match variable.variable.name.as_str() {
                "ItemsPerMessage" | "SendLocalListMaxLength" => {
                    limits.tokens = value.and_then(number);
                }
                "BytesPerMessage" => limits.bytes = value.and_then(number),
                "LocalAuthListMaxLength" => limits.entries = value.and_then(number),
                // How many there are is the value; how many there may be is its limit.
                "Entries" => {
                    let known = variable.characteristics.as_ref();
                    limits.entries = known.and_then(|known| {
                        let limit = known.max_limit.trim().parse::<f64>().ok();
                        limit.map(|limit| limit as usize)
                    });
                }
                _ => {}
            }
        }
        limits
    }

    /// Whether a message may have a payload of so many bytes.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        self.bytes
            .is_none_or(|max| FRAME_LEN + payload.len() <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variables::{AttributeView, Characteristics, Named, VariableSource};
    use fleet::{EventId, LogId, Seq, UtcMicros};

    fn variable(name: &str, value: &str, max_limit: &str) -> VariableView {
        let attribute = AttributeView {
            kind: AttributeKind::Actual,
            value: Some(value.to_owned()),
            is_secret: false,
            mutability: None,
            persistent: false,
            constant: false,
            source: VariableSource::Get,
            as_of: UtcMicros(0),
            position: EventId {
                log_id: LogId(1),
                seq: Seq(1),
            },
        };
        VariableView {
            component: Named::default(),
            evse_id: None,
            connector_id: None,
            variable: Named {
                name: name.to_owned(),
                instance: String::new(),
            },
            attributes: vec![attribute],
            characteristics: Some(Characteristics {
                max_limit: max_limit.to_owned(),
                ..Characteristics::default()
            }),
        }
    }

    #[test]
    fn limits_are_what_the_station_says_in_either_version() {
        let limits = |variables: &[(&str, &str, &str)]| {
            let variables: Vec<_> = variables
                .iter()
                .map(|(name, value, max)| variable(name, value, max))
                .collect();
            let LocalListLimits {
                tokens,
                bytes,
                entries,
            } = LocalListLimits::told_by(&variables);
            (tokens, bytes, entries)
        };
        let new = [
            ("ItemsPerMessage", "20", ""),
            ("BytesPerMessage", " 2048", ""),
            ("Entries", "7", "100.0"),
            ("Enabled", "true", ""),
        ];
        assert_eq!(limits(&new), (Some(20), Some(2_048), Some(100)));
        let old = [
            ("SendLocalListMaxLength", "5", ""),
            ("LocalAuthListMaxLength", "50", ""),
        ];
        assert_eq!(limits(&old), (Some(5), None, Some(50)));
        let none = [
            ("ItemsPerMessage", "0", ""),
            ("BytesPerMessage", "many", ""),
        ];
        assert_eq!(limits(&none), (None, None, None));
    }
}
