//! `COPY … TO STDOUT`: rows as lines of text, sent as they come.

use std::fmt::Debug;

use datafusion::sql::sqlparser::ast::{
    CopyLegacyCsvOption, CopyLegacyOption, CopyOption, CopySource, CopyTarget, Statement,
};
use futures::{Sink, SinkExt, StreamExt};
use pgwire::api::results::{QueryResponse, Tag};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::{CopyData, CopyDone, CopyOutResponse};
use pgwire::messages::data::DataRow;

use super::super::connection::pg_error;
use crate::sql::{SqlError, statements};

/// How lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    csv: bool,
    header: bool,
    delimiter: char,
    quote: char,
    null: String,
}

/// What a COPY asks for: a query, and how its rows are written.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) query: Statement,
    pub(super) layout: Layout,
}

/// `None` when it is no COPY to the client; any other COPY is refused as every statement is that may write.
pub(super) fn asked(statement: &Statement) -> Result<Option<Asked>, SqlError> {
    let Statement::Copy {
        source,
        to: true,
        target: CopyTarget::Stdout,
        options,
        legacy_options,
        values: _,
    } = statement
    else {
        return Ok(None);
    };
    let layout = Layout::of(options, legacy_options)?;
    let query = match source {
        CopySource::Query(query) => Statement::Query(query.clone()),
        CopySource::Table {
            table_name,
            columns,
        } => {
            let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
            let columns = if columns.is_empty() {
                "*".to_owned()
            } else {
                columns.join(", ")
            };
            let text = format!("SELECT {columns} FROM {table_name}");
            let mut select = statements(&text)?;
            select.pop().expect("one statement was written")
        }
    };
    Ok(Some(Asked { query, layout }))
}

impl Layout {
    fn of(options: &[CopyOption], legacy: &[CopyLegacyOption]) -> Result<Self, SqlError> {
        let (mut csv, mut header, mut delimiter, mut quote, mut null) =
            (false, false, None, '"', None);
        let unknown = |what: String| {
            SqlError::Unsupported(format!(
                "COPY option {what} is not supported; FORMAT text or csv, HEADER, DELIMITER, NULL and QUOTE are"
            ))
        };
        for option in options {
            match option {
                CopyOption::Format(name) if name.value.eq_ignore_ascii_case("csv") => csv = true,
                CopyOption::Format(name) if name.value.eq_ignore_ascii_case("text") => csv = false,
                CopyOption::Header(wanted) => header = *wanted,
                CopyOption::Delimiter(with) => delimiter = Some(*with),
                CopyOption::Quote(with) => quote = *with,
                CopyOption::Null(text) => null = Some(text.clone()),
                CopyOption::Encoding(name) if name.eq_ignore_ascii_case("utf8") => {}
                other => return Err(unknown(other.to_string())),
            }
        }
        for option in legacy {
            match option {
                CopyLegacyOption::Csv(of_csv) => {
                    csv = true;
                    for option in of_csv {
                        match option {
                            CopyLegacyCsvOption::Header => header = true,
                            CopyLegacyCsvOption::Quote(with) => quote = *with,
                            other => return Err(unknown(other.to_string())),
                        }
                    }
                }
                CopyLegacyOption::Header => header = true,
                CopyLegacyOption::Delimiter(with) => delimiter = Some(*with),
                CopyLegacyOption::Null(text) => null = Some(text.clone()),
                other => return Err(unknown(other.to_string())),
            }
        }
        Ok(Self {
            csv,
            header,
            delimiter: delimiter.unwrap_or(if csv { ',' } else { '\t' }),
            quote,
            null: null.unwrap_or(if csv { String::new() } else { "\\N".to_owned() }),
        })
    }

    /// One line of fields; `None` is NULL.
    fn line<'a>(&self, fields: impl Iterator<Item = Option<&'a str>>) -> String {
        let mut line = String::new();
        for (n, field) in fields.enumerate() {
            if n != 0 {
                line.push(self.delimiter);
            }
            match field {
                None => line.push_str(&self.null),
                Some(text) if self.csv => self.push_quoted(&mut line, text),
                Some(text) => self.push_escaped(&mut line, text),
            }
        }
        line.push('\n');
        line
    }

    fn push_quoted(&self, line: &mut String, text: &str) {
        let special = |c: char| c == self.delimiter || c == self.quote || c == '\n' || c == '\r';
        // What reads like NULL, or like the end of the data, is set apart from it by its quotes.
        if !text.contains(special) && text != self.null && text != "\\." {
            return line.push_str(text);
        }
        line.push(self.quote);
        for c in text.chars() {
            if c == self.quote {
                line.push(c);
            }
            line.push(c);
        }
        line.push(self.quote);
    }

    fn push_escaped(&self, line: &mut String, text: &str) {
        for c in text.chars() {
            match c {
                '\\' => line.push_str("\\\\"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                c if c == self.delimiter => line.extend(['\\', c]),
                c => line.push(c),
            }
        }
    }
}

/// Sends `rows` as they come. An error ends the copy as it ends any query.
pub(super) async fn send<C>(
    client: &mut C,
    mut rows: QueryResponse,
    layout: &Layout,
) -> PgWireResult<Tag>
where
    C: Sink<PgWireBackendMessage> + Unpin + Send,
    C::Error: Debug,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    let schema = rows.row_schema();
    let columns = schema.len() as i16;
    let begin = CopyOutResponse::new(0, columns, vec![0; schema.len()]);
    client
        .send(PgWireBackendMessage::CopyOutResponse(begin))
        .await?;
    let line =
        |text: String| PgWireBackendMessage::CopyData(CopyData::new(text.into_bytes().into()));
    if layout.header {
        let names = layout.line(schema.iter().map(|field| Some(field.name())));
        client.feed(line(names)).await?;
    }
    let mut sent = 0;
    while let Some(row) = rows.data_rows().next().await {
        let row = row?;
        let fields = fields(&row)?;
        client.feed(line(layout.line(fields.into_iter()))).await?;
        sent += 1;
    }
    client
        .send(PgWireBackendMessage::CopyDone(CopyDone::new()))
        .await?;
    Ok(Tag::new("COPY").with_rows(sent))
}

/// The texts of a row: each is its length in four bytes, -1 for NULL, and as many bytes.
fn fields(row: &DataRow) -> PgWireResult<Vec<Option<&str>>> {
    let broken = || pg_error(&SqlError::Execution("a row has no such layout".to_owned()));
    let mut fields = Vec::with_capacity(row.field_count as usize);
    let mut rest: &[u8] = &row.data;
    for _ in 0..row.field_count {
        let (len, after) = rest.split_first_chunk().ok_or_else(broken)?;
        rest = after;
        let Ok(len) = usize::try_from(i32::from_be_bytes(*len)) else {
            fields.push(None);
            continue;
        };
        let (text, after) = rest.split_at_checked(len).ok_or_else(broken)?;
        rest = after;
        fields.push(Some(std::str::from_utf8(text).map_err(|_| broken())?));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(copy: &str) -> Layout {
        let statement = statements(copy).unwrap().remove(0);
        asked(&statement).unwrap().expect(copy).layout
    }

    #[test]
    fn a_line_can_be_read_back_whatever_its_fields_hold() {
        let fields = || [Some("a,b"), None, Some(""), Some("x\ty\\"), Some("\"q\"\n")].into_iter();
        for (copy, expected) in [
            ("COPY t TO STDOUT", "a,b\t\\N\t\tx\\ty\\\\\t\"q\"\\n\n"),
            (
                "COPY t TO STDOUT WITH (FORMAT csv)",
                "\"a,b\",,\"\",x\ty\\,\"\"\"q\"\"\n\"\n",
            ),
            (
                "COPY (SELECT 1) TO STDOUT CSV HEADER",
                "\"a,b\",,\"\",x\ty\\,\"\"\"q\"\"\n\"\n",
            ),
            (
                "COPY (SELECT 1) TO STDOUT WITH (DELIMITER ',', NULL '-')",
                "a\\,b,-,,x\\ty\\\\,\"q\"\\n\n",
            ),
        ] {
            assert_eq!(layout(copy).line(fields()), expected, "{copy}");
        }
        assert!(layout("COPY (SELECT 1) TO STDOUT CSV HEADER").header);
    }

    #[test]
    fn what_is_no_copy_to_the_client_or_asks_for_more_is_not_taken() {
        for other in ["COPY t TO '/tmp/x'", "COPY t FROM STDIN", "SELECT 1"] {
            let statement = statements(other).unwrap().remove(0);
            assert!(asked(&statement).unwrap().is_none(), "{other}");
        }
        let binary = statements("COPY t TO STDOUT WITH (FORMAT binary)").unwrap();
        let error = asked(&binary[0]).unwrap_err();
        assert_eq!(error.sqlstate(), "0A000", "{error}");
    }
}
