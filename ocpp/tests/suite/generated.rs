//! The generated files are those that the generator writes.

use std::path::Path;

use crate::spec;

#[test]
fn generated_types_are_those_of_the_schemas() {
    let Some(spec) = spec() else { return };
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = ocpp_generator::generate(&spec).unwrap();
    assert_eq!(files.len(), 3 * 6);
    for (path, text) in files {
        let found = std::fs::read_to_string(src.join(&path)).unwrap_or_default();
        assert!(
            found == text,
            "{} is not what the schemas say; run `cargo run -p ocpp-generator -- {}`",
            path.display(),
            spec.display()
        );
    }
}
