//! Rows in columns, for people.

/// Widest cell shown whole, in characters.
const CELL_CHARS_MAX: usize = 60;

/// `csv` (RFC 4180, with a header) as aligned columns and a count of rows.
pub(super) fn aligned(csv: &str) -> String {
    let rows = records(csv);
    let columns = rows.first().map_or(0, Vec::len);
    let mut widths = vec![0; columns];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
        if at == 0 {
            let rules: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text += &rules.join("  ");
            text.push('\n');
        }
    }
    let count = rows.len().saturating_sub(1);
    text + &format!("({count} row{})", if count == 1 { "" } else { "s" })
}

/// The records of `csv`, each cell on one line and no longer than a person reads.
fn records(csv: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = vec![String::new()];
    let mut quoted = false;
    let mut chars = csv.chars().peekable();
    while let Some(char) = chars.next() {
        let cell = row.last_mut().expect("a row has a cell from its beginning");
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(std::mem::replace(&mut row, vec![String::new()])),
            '\r' if !quoted => {}
            '\r' | '\n' => cell.push(' '),
            char => cell.push(char),
        }
    }
    if row != [""] {
        rows.push(row);
    }
    for cell in rows.iter_mut().flatten() {
        if let Some((cut, _)) = cell.char_indices().nth(CELL_CHARS_MAX) {
            cell.truncate(cut);
            cell.push('…');
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        expect![[r#"
            station_id  note
            ----------  --------
            CP-1        a, "b" c
            Estação-22
            (2 rows)"#]]
        .assert_eq(&aligned(
            "station_id,note\nCP-1,\"a, \"\"b\"\"\nc\"\nEstação-22,\n",
        ));
    }

    #[test]
    fn no_rows_still_have_a_header() {
        assert_eq!(aligned("n\n"), "n\n-\n(0 rows)");
    }

    #[test]
    fn a_long_cell_is_cut() {
        let csv = format!("raw\n{}\n", "x".repeat(100));
        assert!(aligned(&csv).contains(&format!("\n{}…\n", "x".repeat(60))));
    }
}
