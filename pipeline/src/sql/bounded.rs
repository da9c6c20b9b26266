//! Functions whose result may be any size, kept to a bound.
//!
//! The memory pool does not see what a scalar function allocates, and constants are folded while a query is planned,
//! where no timeout reaches: `repeat('x', 2000000000)` would take gigabytes and `range(1, 10^12)` minutes.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

/// Bytes that one call may make: of a batch, or of a constant.
const BYTES_MAX: u64 = 64 << 20;
/// Make text as long as an argument says.
const SIZED: [&str; 3] = ["repeat", "lpad", "rpad"];
/// Make arrays as long as an argument says. `generate_series` and `range` in FROM are other functions: these
/// give their rows batch by batch.
///
/// The casts name any type, one of a fixed size of gigabytes among them; SQL's own casts are checked in the plan.
const REMOVED: [&str; 9] = [
    "range",
    "generate_series",
    "gen_series",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
    "arrow_cast",
    "arrow_try_cast",
];

/// Puts bounds on a session's functions.
pub(super) fn apply(session: &SessionContext) {
    for name in SIZED {
        let inner = session.state().scalar_functions().get(name).cloned();
        if let Some(inner) = inner {
            session.register_udf(ScalarUDF::from(Bounded { inner }));
        }
    }
    for name in REMOVED {
        session.deregister_udf(name);
    }
}

/// `inner`, refused where its result would be too long.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
}

impl Bounded {
    /// An upper bound of the bytes that a call makes.
    fn result_bytes(&self, args: &ScalarFunctionArgs) -> Result<u64> {
        let [text, count, ..] = args.args.as_slice() else {
            return Ok(0);
        };
        let is_constant = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let counts = cast(&count.to_array(rows)?, &DataType::Int64)?;
        let counts = counts.as_primitive::<Int64Type>();
        let widths = match self.inner.name() {
            "repeat" => cast(&length(&text.to_array(rows)?)?, &DataType::Int64)?,
            // Padded to a number of characters, each of four bytes at most.
            _ => Arc::new(arrow::array::Int64Array::from(vec![4; rows])),
        };
        let widths = widths.as_primitive::<Int64Type>();
        let of = |row: usize| {
            let is_null = counts.is_null(row) || widths.is_null(row);
            let (count, width) = if is_null {
                (0, 0)
            } else {
                (counts.value(row), widths.value(row))
            };
            (count.max(0) as u64).saturating_mul(width.max(0) as u64)
        };
        Ok((0..rows).map(of).fold(0, u64::saturating_add))
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let bytes = self.result_bytes(&args)?;
        if BYTES_MAX < bytes {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} would make {bytes} bytes at once, at most {BYTES_MAX} are allowed",
                self.inner.name()
            )));
        }
        self.inner.invoke_with_args(args)
    }
}
