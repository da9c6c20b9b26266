//! Names of result columns, as PostgreSQL gives them: `count`, `?column?`, not `count(*)`, `Int64(1)`.

use datafusion::sql::sqlparser::ast::{Expr, Select, SelectItem, SetExpr, Statement};

/// For each column of the result its name, `None` where the engine's is right; `None` at all when the columns
/// cannot be told from the text (a wildcard, a statement without a list).
pub(super) fn of(statement: &Statement) -> Option<Vec<Option<String>>> {
    let Statement::Query(query) = statement else {
        return None;
    };
    of_list(first_select(&query.body)?)
}

fn first_select(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first_select(&query.body),
        SetExpr::SetOperation { left, .. } => first_select(left),
        _ => None,
    }
}

fn of_list(select: &Select) -> Option<Vec<Option<String>>> {
    select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) => Some(Some(of_expr(expr))),
            SelectItem::ExprWithAlias { .. } => Some(None),
            _ => None,
        })
        .collect()
}

fn of_expr(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) if name.quote_style.is_some() => name.value.clone(),
        Expr::Identifier(name) => name.value.to_lowercase(),
        Expr::CompoundIdentifier(parts) => parts
            .last()
            .map_or_else(unnamed, |name| of_expr(&Expr::Identifier(name.clone()))),
        Expr::Function(function) => {
            let name = function.name.0.last().and_then(|part| part.as_ident());
            name.map_or_else(unnamed, |name| name.value.to_lowercase())
        }
        Expr::Cast {
            expr, data_type, ..
        } => match &**expr {
            Expr::Value(_) => data_type.to_string().to_lowercase(),
            inner => of_expr(inner),
        },
        Expr::Nested(inner) => of_expr(inner),
        Expr::Case { .. } => "case".to_owned(),
        Expr::Extract { .. } => "extract".to_owned(),
        Expr::Exists { .. } => "exists".to_owned(),
        _ => unnamed(),
    }
}

fn unnamed() -> String {
    "?column?".to_owned()
}
