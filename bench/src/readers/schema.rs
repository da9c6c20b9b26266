//! The usual way: a tree of values, and a JSON schema validator on the official schema of the action.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jsonschema::Validator;
use ocpp::Version;
use serde_json::Value;

/// Where the official schemas are, if they are at hand: they may not be copied into the repository, and lie in
/// `SIGEC_SHARED` or beside it.
pub fn schemas() -> Option<PathBuf> {
    let shared = match std::env::var_os("SIGEC_SHARED") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
    };
    Some(shared.join("spec/ocpp")).filter(|spec| spec.is_dir())
}

/// The validator of a request or an answer, compiled once.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Compiles the schema of `action` in the folder `spec`, with formats checked, as we check them. An answer has the name
    /// that its version gives it, such as `GetVariablesResponse`.
    ///
    /// # Errors
    ///
    /// It is not there, or no schema.
    pub fn compile(spec: &Path, version: Version, action: &str) -> anyhow::Result<Schema> {
        let (v16, v201, v21) = (
            "ocpp16/schemas/json",
            "ocpp2/OCPP-2.0.1_part3_JSON_schemas",
            "ocpp21/OCPP-2.1_part3_JSON_schemas",
        );
        // The whitepaper of 1.6 has a folder of its own, and what is sent without an answer no word for its direction.
        let places: &[String] = &match version {
            Version::V16 => [
                format!("{v16}/{action}.json"),
                format!("ocpp16/security-schemas/{action}.json"),
            ],
            Version::V201 => [
                format!("{v201}/{action}Request.json"),
                format!("{v201}/{action}.json"),
            ],
            Version::V21 => [
                format!("{v21}/{action}Request.json"),
                format!("{v21}/{action}.json"),
            ],
        };
        let places = places.iter().map(|place| spec.join(place));
        let path = places
            .clone()
            .find(|path| path.exists())
            .or_else(|| places.clone().next())
            .context("a version has a folder of schemas")?;
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        let schema: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .with_context(|| format!("reading {}", path.display()))?;
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .with_context(|| format!("compiling {}", path.display()))?;
        Ok(Schema(validator))
    }

    /// Reads a message and checks its payload.
    ///
    /// # Errors
    ///
    /// It is no CALL, no SEND and no CALLRESULT, or breaks the schema.
    pub fn read(&self, text: &str) -> anyhow::Result<Value> {
        let message: Value = serde_json::from_str(text)?;
        let payload = match message[0].as_u64() {
            Some(2 | 6) => &message[3],
            Some(3) => &message[2],
            _ => bail!("the sample is no CALL, no SEND and no CALLRESULT"),
        };
        if let Err(error) = self.0.validate(payload) {
            bail!("the sample breaks its schema: {error}");
        }
        Ok(message)
    }
}
