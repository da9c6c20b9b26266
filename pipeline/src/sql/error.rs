//! Why a query has no answer, in PostgreSQL's words.

use std::time::Duration;

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::Role;

/// Why a query has no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The text is no SQL, or asks for what does not go together.
    #[error("{0}")]
    Invalid(String),
    /// It names a table that does not exist.
    #[error("{0}")]
    UndefinedTable(String),
    /// It names a column that does not exist.
    #[error("{0}")]
    UndefinedColumn(String),
    /// It names a function that does not exist.
    #[error("{0}")]
    UndefinedFunction(String),
    /// It is SQL, but none that is answered here.
    #[error("{0}")]
    Unsupported(String),
    /// It is longer, deeper or wider than a query may be.
    #[error("{0}")]
    TooComplex(String),
    /// The plan would change something.
    #[error("{0} is refused: SQL here is read-only")]
    ReadOnly(String),
    /// The role does not suffice.
    #[error("permission denied for table {table}: {needed} is needed, {name} is {role}")]
    Forbidden {
        /// Which table.
        table: &'static str,
        /// What would do.
        needed: &'static str,
        /// Who asked.
        name: String,
        /// What they are.
        role: Role,
    },
    /// It ran too long.
    #[error("query ended after its timeout of {} ms", timeout.as_millis())]
    Timeout {
        /// The limit it ran under.
        timeout: Duration,
    },
    /// Someone asked for its end.
    #[error("query cancelled")]
    Cancelled,
    /// The result is longer than allowed.
    #[error("result has more than {rows_max} rows; add LIMIT or aggregate")]
    TooManyRows {
        /// The limit.
        rows_max: usize,
    },
    /// Memory or spill space is used up.
    #[error("query needs more memory than there is: {0}")]
    Resources(String),
    /// A number was divided by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A text is not what it was to be read as.
    #[error("{0}")]
    InvalidText(String),
    /// It failed while running.
    #[error("{0}")]
    Execution(String),
}

impl SqlError {
    /// The SQLSTATE that says it in PostgreSQL's words.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "42601",
            Self::UndefinedTable(_) => "42P01",
            Self::UndefinedColumn(_) => "42703",
            Self::UndefinedFunction(_) => "42883",
            Self::Unsupported(_) => "0A000",
            Self::ReadOnly(_) => "25006",
            Self::Forbidden { .. } => "42501",
            Self::Timeout { .. } | Self::Cancelled => "57014",
            Self::TooComplex(_) | Self::TooManyRows { .. } => "54000",
            Self::Resources(_) => "53200",
            Self::DivisionByZero => "22012",
            Self::InvalidText(_) => "22P02",
            Self::Execution(_) => "22000",
        }
    }

    pub(super) fn planning(error: &DataFusionError) -> Self {
        Self::own(error).unwrap_or_else(|| {
            // Constants are folded while a query is planned.
            Self::of_values(error).unwrap_or_else(|| Self::of_names(error))
        })
    }

    pub(crate) fn running(error: &DataFusionError) -> Self {
        if let Some(known) = Self::own(error).or_else(|| Self::of_values(error)) {
            return known;
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(text) => Self::Resources(text.clone()),
            // The spill quota comes as an Arrow I/O error, whose cause is only in its text.
            other if other.to_string().contains("max_temp_directory_size") => {
                Self::Resources(error.strip_backtrace())
            }
            _ => Self::Execution(error.strip_backtrace()),
        }
    }

    /// What the values of a query do not allow.
    fn of_values(error: &DataFusionError) -> Option<Self> {
        let text = match error.find_root() {
            DataFusionError::ArrowError(error, _) => match error.as_ref() {
                ArrowError::DivideByZero => return Some(Self::DivisionByZero),
                ArrowError::CastError(text) | ArrowError::ParseError(text) => text,
                _ => return None,
            },
            _ => return None,
        };
        Some(Self::InvalidText(text.clone()))
    }

    /// What the text of a query names wrongly. The engine tells some of it in words alone.
    fn of_names(error: &DataFusionError) -> Self {
        let text = error.strip_backtrace();
        match error.find_root() {
            DataFusionError::SchemaError(error, _)
                if matches!(**error, SchemaError::FieldNotFound { .. }) =>
            {
                Self::UndefinedColumn(text)
            }
            DataFusionError::Plan(said) if said.starts_with("table '") => {
                Self::UndefinedTable(text)
            }
            DataFusionError::Plan(said) if said.starts_with("Invalid function") => {
                Self::UndefinedFunction(text)
            }
            DataFusionError::NotImplemented(_) => Self::Unsupported(text),
            DataFusionError::ResourcesExhausted(said) => Self::Resources(said.clone()),
            _ => Self::Invalid(text),
        }
    }

    /// One of ours that went through DataFusion.
    fn own(error: &DataFusionError) -> Option<Self> {
        let DataFusionError::External(source) = error.find_root() else {
            return None;
        };
        match source.downcast_ref::<Self>()? {
            Self::Forbidden {
                table,
                needed,
                name,
                role,
            } => Some(Self::Forbidden {
                table,
                needed,
                name: name.clone(),
                role: *role,
            }),
            Self::Cancelled => Some(Self::Cancelled),
            other => Some(Self::Execution(other.to_string())),
        }
    }
}
