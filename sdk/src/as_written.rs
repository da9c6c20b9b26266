//! JSON with its members in the order in which somebody wrote them.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON value that goes on as the text that it came as, and is read as a [`Value`].
///
/// Two are the same when their values are, however they are written.
#[derive(Clone, Debug)]
pub struct AsWritten {
    text: Box<RawValue>,
    /// What the text says.
    value: Value,
}

impl AsWritten {
    /// `text` as it is; what is no JSON becomes a string that holds it.
    pub fn new(text: &str) -> Self {
        let value = serde_json::from_str(text);
        let raw = RawValue::from_string(text.to_owned());
        match value.and_then(|value| Ok((raw?, value))) {
            Ok((text, value)) => Self { text, value },
            Err(_) => Self::from(Value::from(text)),
        }
    }
}

impl From<Value> for AsWritten {
    fn from(value: Value) -> Self {
        let text = RawValue::from_string(value.to_string()).expect("a value is written as JSON");
        Self { text, value }
    }
}

impl Deref for AsWritten {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl PartialEq for AsWritten {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl fmt::Display for AsWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.get())
    }
}

impl Serialize for AsWritten {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AsWritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let value = serde_json::from_str(text.get()).map_err(serde::de::Error::custom)?;
        Ok(Self { text, value })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_keep_their_order_and_values_are_read() {
        let text = r#"{"type":"Soft","evseId":1, "a":{"z":0,"b":[1.50]}}"#;
        let written = AsWritten::new(text);
        assert_eq!(written.to_string(), text);
        assert_eq!(written["evseId"], 1);
        let again: AsWritten =
            serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
        assert_eq!(again.to_string(), text);
        assert_eq!(
            again,
            json!({"a": {"b": [1.5], "z": 0}, "evseId": 1, "type": "Soft"}).into()
        );
        // A document may pass through a value, where it has lost its order.
        let lost = serde_json::to_value(&written).unwrap();
        assert_eq!(serde_json::from_value::<AsWritten>(lost).unwrap(), written);
    }

    #[test]
    fn what_is_no_json_is_a_text() {
        let text = r#"{"a":1,"#;
        let written = AsWritten::new(text);
        assert_eq!(*written, json!(text));
        assert_eq!(written.to_string(), r#""{\"a\":1,""#);
    }
}
