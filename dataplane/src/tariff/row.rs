//! The bytes of a tariff in the state store.
//!
//! # Layout
//!
//! The key is `{tenant}/{id}`, the id as it is. The value: version (1 byte, 1), when it was put (8, UTC microseconds), length
//! of the tariff (4), little-endian; the tariff, `TariffType` as JSON; then a JSON object with `time_zone`, `everywhere`,
//! `sites` and `stations`.

use fleet::UtcMicros;
use serde_json::{Value, json};

use super::{StoredTariff, TariffScope};

const VERSION: u8 = 1;

pub(crate) fn tariff_key(tenant: &str, id: &str) -> Vec<u8> {
    format!("{tenant}/{id}").into_bytes()
}

pub(crate) fn write_row(stored: &StoredTariff) -> Vec<u8> {
    let scope = json!({
        "time_zone": stored.time_zone,
        "everywhere": stored.scope.everywhere,
        "sites": stored.scope.sites,
        "stations": stored.scope.stations,
    });
    let mut row = vec![VERSION];
    row.extend_from_slice(&stored.changed_at.0.to_le_bytes());
    row.extend_from_slice(&(stored.json.len() as u32).to_le_bytes());
    row.extend_from_slice(stored.json.as_bytes());
    row.extend_from_slice(scope.to_string().as_bytes());
    row
}

/// Reads a row; `None` for one that no version wrote.
pub(crate) fn read_row(id: &str, row: &[u8]) -> Option<StoredTariff> {
    let (version, rest) = row.split_first()?;
    let (changed_at, rest) = rest.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (tariff, scope) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    let scope: Value = serde_json::from_slice(scope).ok()?;
    let texts = |member: &str| -> Option<Vec<String>> {
        let list = scope.get(member)?.as_array()?.iter();
        list.map(|text| text.as_str().map(str::to_owned)).collect()
    };
    (*version == VERSION).then_some(())?;
    Some(StoredTariff {
        id: id.to_owned(),
        json: std::str::from_utf8(tariff).ok()?.to_owned(),
        time_zone: scope.get("time_zone")?.as_str()?.to_owned(),
        scope: TariffScope {
            everywhere: scope.get("everywhere")?.as_bool()?,
            sites: texts("sites")?,
            stations: texts("stations")?,
        },
        changed_at: UtcMicros(i64::from_le_bytes(*changed_at)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_bytes_that_are_written_down() {
        let stored = StoredTariff {
            id: "T".into(),
            json: r#"{"tariffId":"T","currency":"BRL"}"#.into(),
            time_zone: "UTC".into(),
            scope: TariffScope {
                everywhere: true,
                sites: vec!["S".into()],
                stations: Vec::new(),
            },
            changed_at: UtcMicros(2),
        };
        let row = write_row(&stored);
        let expected = [
            b"\x01\x02\0\0\0\0\0\0\0\x21\0\0\0".as_slice(),
            br#"{"tariffId":"T","currency":"BRL"}"#,
            br#"{"everywhere":true,"sites":["S"],"stations":[],"time_zone":"UTC"}"#,
        ];
        assert_eq!(row, expected.concat());
        assert_eq!(read_row("T", &row), Some(stored));
        assert_eq!(read_row("T", &row[..20]), None);
        assert_eq!(read_row("T", b"\x02"), None);
    }
}
