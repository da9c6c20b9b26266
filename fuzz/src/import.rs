//! The CSV of an import, as an operator uploads it.
//!
//! Rules: no more lines are taken and refused than there are; what is refused beyond a thousand lines is counted; the same
//! file is read alike again.

use control_api::read_import;

pub(crate) fn run(data: &[u8]) {
    let Ok((lines, report)) = read_import(data, "default") else {
        return;
    };
    assert!(report.errors.len() as u64 <= report.failed);
    assert!(report.errors.len() == 1_000 || report.errors.len() as u64 == report.failed);
    let newlines = data
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    assert!(lines.len() as u64 + report.failed <= newlines as u64 + 1);
    let again = read_import(data, "default").expect("it was read before");
    assert_eq!(again.0, lines);
    assert_eq!(again.1.failed, report.failed);
}
