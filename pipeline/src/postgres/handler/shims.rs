//! Functions that clients call before their first query, and that nobody else needs.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, Volatility};
use datafusion::prelude::{SessionContext, create_udf};

use crate::postgres::settings::shown;
use crate::sql::{CATALOG, Principal};

pub(crate) fn register(session: &SessionContext, principal: &Principal, version: &str) {
    let version = format!(
        "PostgreSQL {version} (SIGEC-VE {})",
        env!("CARGO_PKG_VERSION")
    );
    constant(session, "version", vec![], text(version));
    constant(
        session,
        "current_user",
        vec![],
        text(principal.name.clone()),
    );
    constant(session, "user", vec![], text(principal.name.clone()));
    constant(
        session,
        "session_user",
        vec![],
        text(principal.name.clone()),
    );
    constant(session, "current_schema", vec![], text(CATALOG.to_owned()));
    constant(
        session,
        "pg_is_in_recovery",
        vec![],
        ScalarValue::Boolean(Some(false)),
    );
    constant(
        session,
        "pg_function_is_visible",
        vec![DataType::Int32],
        ScalarValue::Boolean(Some(true)),
    );
    // No type but PostgreSQL's own is known: `hstore` and the like are not installed.
    constant(
        session,
        "to_regtype",
        vec![DataType::Utf8],
        ScalarValue::Int32(None),
    );
    session.register_udf(create_udf(
        "current_setting",
        vec![DataType::Utf8],
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(|arguments: &[ColumnarValue]| Ok(ColumnarValue::Scalar(setting(arguments)))),
    ));
    constant(session, "txid_current", vec![], ScalarValue::Int64(Some(1)));
}

/// `current_setting('name')`: NULL where the setting is not known.
fn setting(arguments: &[ColumnarValue]) -> ScalarValue {
    let value = match arguments {
        [ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))] => shown(name),
        _ => None,
    };
    ScalarValue::Utf8(value.map(str::to_owned))
}

fn text(value: String) -> ScalarValue {
    ScalarValue::Utf8(Some(value))
}

fn constant(session: &SessionContext, name: &str, arguments: Vec<DataType>, value: ScalarValue) {
    let result = value.data_type();
    let function = Arc::new(move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(value.clone())));
    session.register_udf(create_udf(
        name,
        arguments,
        result,
        Volatility::Stable,
        function,
    ));
}
