//! Turns the official JSON schemas of OCPP into the declarations of `ocpp`.
//!
//! ```text
//! schema.rs   the schemas as read; a keyword that we do not know stops here
//!    ▼
//! model.rs    messages, datatypes and enumerations of one version, each under one name
//!    ▼
//! render.rs   record!, words! and actions! declarations
//! ```
//!
//! What the schemas do not say is in [`rules`]: who sends what, which texts are keys, which numbers are counts, how
//! a nameless type is called. The sentences of the documentation are in `docs.txt`, in our own words: the
//! schemas' texts may not be copied.

#![forbid(unsafe_code)]

mod model;
mod names;
mod render;
pub mod rules;
mod schema;

use std::path::{Path, PathBuf};

pub use model::{Kind, Message, Model};
pub use rules::Edition;

/// Every generated file, as its path under `ocpp/src` and its text.
///
/// # Errors
///
/// A schema that cannot be read, that holds what the model has no place for, or a type without a name.
pub fn generate(spec: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for edition in Edition::ALL {
        let model = Model::read(edition, spec)?;
        files.extend(render::files(&model));
    }
    Ok(files)
}
