//! Rows as JSON, NDJSON, CSV or an Arrow stream.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::csv;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{LineDelimited, WriterBuilder};

use crate::sql::SqlError;

/// What a client may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Ndjson,
    Csv,
    Arrow,
}

impl Format {
    pub(super) const ALL: [Self; 4] = [Self::Json, Self::Ndjson, Self::Csv, Self::Arrow];

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The first format of the list that we know; quality values are not weighed.
    pub(super) fn accepted(accept: &str) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(Self::Json);
        }
        let of = |range: &str| match range.split(';').next().unwrap_or("").trim() {
            "*/*" | "application/*" => Some(Self::Json),
            "text/*" => Some(Self::Csv),
            name => Self::ALL
                .into_iter()
                .find(|format| format.content_type() == name),
        };
        accept.split(',').find_map(of)
    }
}

/// Turns batches into bytes of one format.
pub(super) struct Encoder {
    format: Format,
    schema: SchemaRef,
    rows: usize,
    arrow: Option<StreamWriter<Vec<u8>>>,
}

impl Encoder {
    pub(super) fn new(format: Format, schema: SchemaRef) -> Result<Self, SqlError> {
        let schema = match format {
            Format::Json | Format::Ndjson => json_schema(&schema),
            Format::Csv | Format::Arrow => schema,
        };
        let arrow = match format {
            Format::Arrow => Some(StreamWriter::try_new(Vec::new(), &schema).map_err(failed)?),
            Format::Json | Format::Ndjson | Format::Csv => None,
        };
        Ok(Self {
            format,
            schema,
            rows: 0,
            arrow,
        })
    }

    /// What comes before the rows, and the first of them.
    pub(super) fn begin(&mut self, first: Option<&RecordBatch>) -> Result<Vec<u8>, SqlError> {
        let mut bytes = match self.format {
            Format::Json => b"[".to_vec(),
            Format::Csv => csv_bytes(&RecordBatch::new_empty(Arc::clone(&self.schema)), true)
                .map_err(failed)?,
            Format::Ndjson | Format::Arrow => Vec::new(),
        };
        if let Some(first) = first {
            bytes.extend(self.rows(first)?);
        }
        Ok(bytes)
    }

    pub(super) fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, SqlError> {
        let bytes = match self.format {
            Format::Json => self.json_lines(batch).map(|lines| self.array_items(&lines)),
            Format::Ndjson => self.json_lines(batch),
            Format::Csv => csv_bytes(batch, false),
            Format::Arrow => self.arrow_bytes(|writer| writer.write(batch)),
        };
        self.rows += batch.num_rows();
        bytes.map_err(failed)
    }

    pub(super) fn end(&mut self) -> Result<Vec<u8>, SqlError> {
        match self.format {
            Format::Json => Ok(b"]\n".to_vec()),
            Format::Ndjson | Format::Csv => Ok(Vec::new()),
            Format::Arrow => self.arrow_bytes(StreamWriter::finish).map_err(failed),
        }
    }

    fn json_lines(&self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| cast(column, field.data_type()))
            .collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let builder = WriterBuilder::new().with_explicit_nulls(true);
        let mut writer = builder.build::<_, LineDelimited>(Vec::new());
        writer.write(&batch)?;
        writer.finish()?;
        Ok(writer.into_inner())
    }

    /// JSON escapes line breaks, so every one in `lines` ends a row.
    fn array_items(&self, lines: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(lines.len() + 1);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if self.rows != 0 || !bytes.is_empty() {
                bytes.push(b',');
            }
            bytes.extend_from_slice(line);
        }
        bytes
    }

    fn arrow_bytes(
        &mut self,
        write: impl FnOnce(&mut StreamWriter<Vec<u8>>) -> Result<(), ArrowError>,
    ) -> Result<Vec<u8>, ArrowError> {
        let writer = self.arrow.as_mut().expect("made for this format");
        write(writer)?;
        Ok(std::mem::take(writer.get_mut()))
    }
}

fn csv_bytes(batch: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    csv::WriterBuilder::new()
        .with_header(header)
        .build(&mut bytes)
        .write(batch)?;
    Ok(bytes)
}

/// Numbers that a JSON reader would round become text, and names become distinct.
fn json_schema(schema: &Schema) -> SchemaRef {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let field = |field: &Arc<Field>| {
        let data_type = match field.data_type() {
            DataType::Int64
            | DataType::UInt64
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => DataType::Utf8,
            other => other.clone(),
        };
        let count = seen.entry(field.name().clone()).or_default();
        *count += 1;
        let name = match *count {
            1 => field.name().clone(),
            n => format!("{}_{n}", field.name()),
        };
        Field::new(name, data_type, true)
    };
    Arc::new(Schema::new(
        schema.fields().iter().map(field).collect::<Vec<_>>(),
    ))
}

fn failed(error: ArrowError) -> SqlError {
    SqlError::Execution(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_type_of_accept_wins() {
        for (accept, expected) in [
            ("", Some(Format::Json)),
            ("*/*", Some(Format::Json)),
            ("text/html, text/csv;q=0.5", Some(Format::Csv)),
            ("application/x-ndjson", Some(Format::Ndjson)),
            ("application/vnd.apache.arrow.stream", Some(Format::Arrow)),
            ("image/png", None),
        ] {
            assert_eq!(Format::accepted(accept), expected, "{accept}");
        }
    }
}
