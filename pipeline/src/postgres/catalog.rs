//! `pg_catalog` as this server has it: what clients ask of it that is not kept here has an answer all the same.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::ViewTable;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{LogicalPlanBuilder, cast, col, lit, when};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, Statement, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;

use crate::Table;
use crate::sql::{CATALOG, SqlError};

const SCHEMA: &str = "pg_catalog";
/// Type of `numeric`, as PostgreSQL numbers it.
const NUMERIC: i32 = 1_700;

/// Gives `session` the catalog.
pub(super) async fn register(session: &SessionContext) -> Result<(), SqlError> {
    let failed = |e: &dyn std::fmt::Display| SqlError::Execution(e.to_string());
    datafusion_pg_catalog::setup_pg_catalog(session, CATALOG, EmptyContextProvider)
        .map_err(|e| failed(&e))?;
    let catalog = session.catalog(CATALOG);
    let catalog = catalog.ok_or_else(|| failed(&"the session has no catalog"))?;
    let inner = catalog.schema(SCHEMA);
    let inner = inner.ok_or_else(|| failed(&"the catalog has no pg_catalog"))?;
    let attributes = sized_numerics(session).await.map_err(|e| failed(&e))?;
    let schema = Arc::new(Sized { inner, attributes });
    catalog
        .register_schema(SCHEMA, schema)
        .map_err(|e| failed(&e))?;
    Ok(())
}

/// `pg_attribute`, in which a `numeric` says its digits.
async fn sized_numerics(session: &SessionContext) -> DataFusionResult<Arc<dyn TableProvider>> {
    let known = session.table(format!("{SCHEMA}.pg_attribute")).await?;
    let names: Vec<_> = known
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    let mut modifier = col("atttypmod");
    let mut seen = std::collections::BTreeSet::new();
    for table in Table::ALL {
        for field in table.schema().fields() {
            let DataType::Decimal128(precision, scale) = field.data_type() else {
                continue;
            };
            if seen.insert(field.name().clone()) {
                let is_it = col("atttypid")
                    .eq(lit(NUMERIC))
                    .and(col("attname").eq(lit(field.name().as_str())));
                let digits = ((i32::from(*precision) << 16) | i32::from(*scale)) + 4;
                modifier = when(is_it, lit(digits)).otherwise(modifier)?;
            }
        }
    }
    let columns = names.into_iter().map(|name| match name.as_str() {
        "atttypmod" => cast(modifier.clone(), DataType::Int32).alias(name),
        _ => col(name),
    });
    let columns: Vec<_> = columns.collect();
    let plan = LogicalPlanBuilder::from(known.into_unoptimized_plan())
        .project(columns)?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

#[derive(Debug)]
struct Sized {
    inner: Arc<dyn SchemaProvider>,
    attributes: Arc<dyn TableProvider>,
}

#[async_trait]
impl SchemaProvider for Sized {
    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        match name {
            "pg_attribute" => Ok(Some(Arc::clone(&self.attributes))),
            _ => self.inner.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}

/// Replaces, in a question about the catalog, what is kept nowhere here: lists of privileges, sizes, comments,
/// definitions. All of it is NULL, as PostgreSQL has it where nobody gave any.
pub(super) fn answerable(statement: &mut Statement) {
    let text = statement.to_string();
    if text.contains(SCHEMA) || text.contains("search_path") {
        let _: ControlFlow<()> = statement.visit(&mut Unkept::default());
    }
}

#[derive(Default)]
struct Unkept {
    replaced: usize,
}

impl Unkept {
    /// NULL as text, by another name each time: columns of one list may not have the same.
    fn null(&mut self) -> Option<Expr> {
        self.replaced += 1;
        parsed(&format!("nullif('{0}', '{0}')", self.replaced))
    }

    /// The same as a number.
    fn no_number(&mut self) -> Option<Expr> {
        self.replaced += 1;
        parsed(&format!("nullif({0}, {0})", self.replaced))
    }
}

fn parsed(text: &str) -> Option<Expr> {
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text);
    parser.and_then(|mut parser| parser.parse_expr()).ok()
}

/// Defaults, sequences and collations: no column has any.
fn is_unkept(subquery: &str) -> bool {
    ["pg_attrdef", "json_build_object", "typcollation"]
        .iter()
        .any(|of| subquery.contains(of))
}

/// `LIKE … ESCAPE '/'`, which SQLAlchemy writes, with the escape that the engine has.
fn escape_by_backslash(pattern: &mut Expr, escape: &mut Option<ValueWithSpan>) {
    let Some(with) = escape.take() else { return };
    if let Some(replaced) = parsed(&format!("replace({pattern}, {with}, '\\')")) {
        *pattern = replaced;
    }
}

impl VisitorMut for Unkept {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let value = match expr {
            Expr::CompoundIdentifier(parts) => parts
                .last()
                .filter(|name| {
                    matches!(
                        name.value.as_str(),
                        "relacl" | "defaclacl" | "typacl" | "reloptions"
                    )
                })
                .and_then(|_| self.null()),
            Expr::Like {
                pattern,
                escape_char,
                ..
            } => {
                escape_by_backslash(pattern, escape_char);
                None
            }
            // Whether it is a composite type, of which there are none.
            Expr::Subquery(query) if query.to_string().contains("typrelid") => {
                Some(Expr::value(Value::Boolean(false)))
            }
            Expr::Subquery(query) if is_unkept(&query.to_string()) => self.null(),
            // Whether a schema is in the path, which has one: Grafana takes the path apart.
            Expr::InSubquery {
                expr,
                subquery,
                negated: false,
            } if subquery.to_string().contains("search_path") => {
                parsed(&format!("({expr}) = '{CATALOG}'"))
            }
            Expr::Function(function) => {
                let name = function.name.0.last().and_then(|part| part.as_ident());
                let name = name
                    .map(|name| name.value.to_lowercase())
                    .unwrap_or_default();
                match name.as_str() {
                    "array" if matches!(function.args, FunctionArguments::Subquery(_)) => {
                        self.null()
                    }
                    // Of the columns of an index or a constraint.
                    "unnest" | "generate_subscripts" => self.no_number(),
                    "array_to_string"
                    | "pg_size_pretty"
                    | "pg_table_size"
                    | "obj_description"
                    | "shobj_description"
                    | "col_description"
                    | "pg_get_function_result"
                    | "pg_get_function_arguments"
                    | "pg_get_viewdef"
                    | "pg_get_indexdef"
                    | "pg_get_ruledef"
                    | "pg_tablespace_location" => self.null(),
                    "pg_type_is_visible"
                    | "pg_opclass_is_visible"
                    | "pg_operator_is_visible"
                    | "pg_collation_is_visible" => Some(Expr::value(Value::Boolean(true))),
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(value) = value {
            *expr = value;
        }
        ControlFlow::Continue(())
    }
}
