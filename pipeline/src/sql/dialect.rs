//! PostgreSQL's ways of saying what the engine says otherwise, put into the engine's before a statement is planned.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Interval, Query,
    Select, SelectItem, SetExpr, Statement, TableFactor, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::SqlError;
use super::functions::strftime;

/// Puts `statement` into the engine's words.
///
/// # Errors
///
/// [`SqlError::Unsupported`] for what the engine would read as something else.
pub(super) fn translate(statement: &mut Statement) -> Result<(), SqlError> {
    match statement.visit(&mut Translation) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Gives every column of the result a name of its own where they have none: PostgreSQL does not mind two of one name, and
/// the engine does.
pub(super) fn tell_columns_apart(statement: &mut Statement) {
    let Statement::Query(query) = statement else {
        return;
    };
    let Some(select) = first_select(query) else {
        return;
    };
    for (place, item) in select.projection.iter_mut().enumerate() {
        if let SelectItem::UnnamedExpr(expr) = item {
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::new(format!("column {place}")),
            };
        }
    }
}

fn first_select(query: &mut Query) -> Option<&mut Select> {
    let mut body = &mut *query.body;
    loop {
        body = match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::Query(query) => &mut query.body,
            SetExpr::SetOperation { left, .. } => left,
            _ => return None,
        };
    }
}

struct Translation;

impl VisitorMut for Translation {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        let translated = match expr {
            Expr::SimilarTo { .. } => {
                return ControlFlow::Break(SqlError::Unsupported(
                    "SIMILAR TO is not answered here; LIKE and ~ are".to_owned(),
                ));
            }
            Expr::Function(function) => match call(function) {
                Ok(translated) => translated,
                Err(error) => return ControlFlow::Break(error),
            },
            _ => None,
        };
        if let Some(translated) = translated {
            *expr = translated;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<SqlError> {
        if let TableFactor::Table {
            name,
            args: Some(args),
            ..
        } = table
            && name.to_string().eq_ignore_ascii_case("generate_series")
            && let Some(step) = args.args.get_mut(2)
        {
            as_interval(step);
        }
        ControlFlow::Continue(())
    }
}

/// `'1 day'` as a step is an interval.
fn as_interval(step: &mut FunctionArg) {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = step else {
        return;
    };
    if text(expr).is_some() {
        *expr = Expr::Interval(Interval {
            value: Box::new(expr.clone()),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        });
    }
}

/// The call in other words, if there are; a template of a time is changed where it stands.
fn call(function: &mut Function) -> Result<Option<Expr>, SqlError> {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &mut function.args else {
        return Ok(None);
    };
    let mut args: Vec<&mut Expr> = Vec::new();
    for arg in &mut list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.push(expr),
            _ => return Ok(None),
        }
    }
    Ok(match (name.as_str(), &mut args[..]) {
        ("timezone", [zone, time]) => Some(at_time_zone(time, zone)),
        ("date_trunc", [unit, time, zone]) => {
            let local = at_time_zone(time, zone);
            parsed(&format!("date_trunc({unit}, {local})"))
        }
        ("age", [time]) => parsed(&format!("age(current_date, {time})")),
        ("to_timestamp" | "to_date", [_, format]) => {
            let translated = text(format)
                .filter(|format| !format.contains('%'))
                .map(strftime);
            if let Some(translated) = translated {
                let translated = translated.map_err(|pattern| {
                    SqlError::Unsupported(format!("{name} reads no pattern {pattern}"))
                })?;
                **format = Expr::value(Value::SingleQuotedString(translated));
            }
            None
        }
        _ => None,
    })
}

fn at_time_zone(time: &Expr, zone: &Expr) -> Expr {
    Expr::AtTimeZone {
        timestamp: Box::new(Expr::Nested(Box::new(time.clone()))),
        time_zone: Box::new(zone.clone()),
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(text),
            ..
        }) => Some(text),
        _ => None,
    }
}

fn parsed(text: &str) -> Option<Expr> {
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text);
    parser.and_then(|mut parser| parser.parse_expr()).ok()
}
