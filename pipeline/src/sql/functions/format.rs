//! `format`: `%s` a value, `%I` a name and `%L` a literal, each quoted where it has to be; `%%` a percent sign.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Format {
    signature: Signature,
}

impl Format {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Format {
    fn name(&self) -> &str {
        "format"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.is_empty() {
            return Err(DataFusionError::Plan("format takes a text".to_owned()));
        }
        Ok(vec![DataType::Utf8; types.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let mut texts = StringBuilder::new();
        for row in 0..columns[0].len() {
            let (text, values) = (value(&columns[0], row), &columns[1..]);
            let text = text.map(|text| formatted(text, values, row)).transpose()?;
            texts.append_option(text);
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}

fn value(column: &ArrayRef, row: usize) -> Option<&str> {
    let column = column.as_string::<i32>();
    column.is_valid(row).then(|| column.value(row))
}

fn formatted(text: &str, values: &[ArrayRef], row: usize) -> Result<String> {
    let failed = |text: String| DataFusionError::Execution(format!("format: {text}"));
    let mut values = values.iter();
    let mut next = || {
        let column = values.next();
        let column =
            column.ok_or_else(|| failed("there are fewer values than places".to_owned()))?;
        Ok::<_, DataFusionError>(value(column, row))
    };
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('%') => out.push('%'),
            Some('s') => out.push_str(next()?.unwrap_or_default()),
            Some('I') => {
                let name = next()?.ok_or_else(|| failed("NULL is no name".to_owned()))?;
                out.push_str(&identifier(name));
            }
            Some('L') => match next()? {
                Some(value) => out.push_str(&format!("'{}'", value.replace('\'', "''"))),
                None => out.push_str("NULL"),
            },
            other => {
                let found = other.map_or_else(String::new, String::from);
                return Err(failed(format!("%{found} is not %s, %I, %L or %%")));
            }
        }
    }
    Ok(out)
}

fn identifier(name: &str) -> String {
    let is_plain = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    let starts_plain = name.starts_with(|c: char| is_plain(c) && !c.is_ascii_digit());
    if starts_plain && name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}
