//! Writes the generated types of `ocpp` from the official schemas.
//!
//! ```text
//! cargo run -p ocpp-generator -- SCHEMAS
//! ```
//!
//! `SCHEMAS` is the folder that holds them, as `ocpp16/`, `ocpp2/` and `ocpp21/`.

#![forbid(unsafe_code)]

use std::path::Path;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let spec = std::env::args_os().nth(1);
    let spec = spec.context("expected one argument: the folder with ocpp16, ocpp2 and ocpp21")?;
    let src = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../src"));
    for (path, text) in ocpp_generator::generate(Path::new(&spec))? {
        let path = src.join(path);
        let folder = path.parent().context("a generated file lies in a folder")?;
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
