//! Functions of PostgreSQL that the engine has by another name, in another way, or not at all.

mod age;
mod format;
mod moment;
mod numeral;
mod template;
mod to_char;

use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

pub(super) use template::strftime;

/// The engine's name of a function, and PostgreSQL's (or TimescaleDB's).
const SCALARS: [(&str, &str); 5] = [
    ("date_bin", "time_bucket"),
    ("now", "clock_timestamp"),
    ("now", "statement_timestamp"),
    ("now", "transaction_timestamp"),
    ("uuid", "gen_random_uuid"),
];
const AGGREGATES: [(&str, &str); 2] = [("var", "variance"), ("bool_and", "every")];

/// Gives `session` what its queries call by PostgreSQL's names.
pub(super) fn apply(session: &SessionContext) {
    let state = session.state();
    let mut seen = std::collections::BTreeSet::new();
    for (engines, _) in SCALARS {
        let Some(function) = state.scalar_functions().get(engines) else {
            continue;
        };
        if seen.insert(engines) {
            let names = SCALARS.iter().filter(|(of, _)| *of == engines);
            let function = function.as_ref().clone();
            session.register_udf(function.with_aliases(names.map(|(_, name)| *name)));
        }
    }
    for (engines, name) in AGGREGATES {
        if let Some(function) = state.aggregate_functions().get(engines) {
            session.register_udaf(function.as_ref().clone().with_aliases([name]));
        }
    }
    if let Some(function) = state.scalar_functions().get("to_char") {
        let to_char = to_char::ToChar::around(std::sync::Arc::clone(function));
        session.register_udf(ScalarUDF::from(to_char));
    }
    session.register_udf(ScalarUDF::from(age::Age::new()));
    session.register_udf(ScalarUDF::from(format::Format::new()));
}

#[cfg(test)]
mod tests;
