//! What is wrong with a payload, and where.

use std::fmt::Write as _;

use crate::{CallError, ErrorCode};

/// A refused payload; boxed, because results travel the hot path and faults do not.
#[derive(Debug)]
pub(crate) struct Fault(Box<Detail>);

#[derive(Debug)]
struct Detail {
    code: ErrorCode,
    /// Steps of the JSON pointer, innermost first: a fault collects them on its way up.
    path: Vec<String>,
    message: String,
}

impl Fault {
    #[cold]
    fn new(code: ErrorCode, message: String) -> Fault {
        Fault(Box::new(Detail {
            code,
            path: Vec::new(),
            message,
        }))
    }

    pub(crate) fn syntax(at: usize, found: Option<char>, expected: &str) -> Fault {
        let message = match found {
            Some(found) => format!("byte {at} of the payload is {found:?}, expected {expected}"),
            None => format!("the payload ends at byte {at}, expected {expected}"),
        };
        Fault::new(ErrorCode::FormatViolation, message)
    }

    pub(crate) fn too_deep() -> Fault {
        let message = format!("nested deeper than {} levels", super::DEPTH_MAX);
        Fault::new(ErrorCode::FormatViolation, message)
    }

    pub(crate) fn duplicate(key: &str) -> Fault {
        Fault::new(ErrorCode::FormatViolation, "stands twice".to_owned()).at(key)
    }

    pub(crate) fn unknown(key: &str) -> Fault {
        Fault::new(ErrorCode::FormatViolation, "not a property here".to_owned()).at(key)
    }

    pub(crate) fn missing(key: &'static str) -> Fault {
        Fault::new(
            ErrorCode::OccurrenceConstraintViolation,
            "required, but missing".to_owned(),
        )
        .at(key)
    }

    pub(crate) fn count(found: usize, expected: String) -> Fault {
        let message = format!("{found} elements, expected {expected}");
        Fault::new(ErrorCode::OccurrenceConstraintViolation, message)
    }

    pub(crate) fn wrong_type(found: &str, expected: &str) -> Fault {
        let message = format!("found {found}, expected {expected}");
        Fault::new(ErrorCode::TypeConstraintViolation, message)
    }

    pub(crate) fn undecodable(expected: &str) -> Fault {
        Fault::new(ErrorCode::FormatViolation, format!("not {expected}"))
    }

    /// The payload itself is of the wrong type, which is a matter of the frame (1.6J §4.2.1).
    pub(crate) fn not_an_object(found: Fault) -> Fault {
        Fault::new(ErrorCode::FormatViolation, found.0.message)
    }

    pub(crate) fn too_long(found: usize, limit: usize) -> Fault {
        let message = format!("{found} characters, expected at most {limit}");
        Fault::new(ErrorCode::PropertyConstraintViolation, message)
    }

    /// A value of the right type outside its set or range; `found` is cut, it may be long.
    pub(crate) fn value(found: &str, expected: &str) -> Fault {
        let short: String = found.chars().take(40).collect();
        let message = format!("found {short:?}, expected {expected}");
        Fault::new(ErrorCode::PropertyConstraintViolation, message)
    }

    /// The same fault seen from one level further out.
    #[cold]
    pub(crate) fn at(mut self, step: &str) -> Fault {
        // A key from the network may be long, and the description has 255 characters.
        self.0.path.push(step.chars().take(60).collect());
        self
    }

    /// The same fault as seen from the array that holds element `index`.
    #[cold]
    pub(crate) fn at_index(self, index: usize) -> Fault {
        self.at(&index.to_string())
    }
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> CallError {
        let mut description = String::new();
        for step in fault.0.path.iter().rev() {
            // RFC 6901 escapes; writing to a string cannot fail.
            let step = step.replace('~', "~0").replace('/', "~1");
            let _ = write!(description, "/{step}");
        }
        if !description.is_empty() {
            description.push_str(": ");
        }
        description.push_str(&fault.0.message);
        CallError::new(fault.0.code, description)
    }
}
