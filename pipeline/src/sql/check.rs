//! What is refused before anything runs.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Cast, Expr, LogicalPlan, TryCast};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;

use super::{Principal, QUERY_LEN_MAX, SqlError, text};
use crate::Table;

/// Elements of a fixed-size type that a query may name.
const FIXED_SIZE_MAX: i64 = 1_024;

/// The statements of a query text, in the words that DataFusion understands.
pub(crate) fn statements(query: &str) -> Result<Vec<Statement>, SqlError> {
    if QUERY_LEN_MAX < query.len() {
        let len = query.len();
        return Err(SqlError::TooComplex(format!(
            "query has {len} bytes, at most {QUERY_LEN_MAX} are allowed"
        )));
    }
    text::is_readable(query)?;
    let statements = parse(query)?;
    statements.iter().try_for_each(text::is_plannable)?;
    Ok(statements)
}

fn parse(query: &str) -> Result<Vec<Statement>, SqlError> {
    static PARSER: LazyLock<PostgresCompatibilityParser> =
        LazyLock::new(PostgresCompatibilityParser::new);
    PARSER.parse(query).map_err(|error| match error {
        ParserError::RecursionLimitExceeded => text::too_deep(),
        ParserError::TokenizerError(_) | ParserError::ParserError(_) => {
            SqlError::Invalid(error.to_string())
        }
    })
}

/// The one statement of a query of ours.
pub(super) fn own_statement(query: &str) -> Result<Statement, SqlError> {
    only(parse(query)?)
}

pub(super) fn one_statement(query: &str) -> Result<Statement, SqlError> {
    only(statements(query)?)
}

fn only(mut statements: Vec<Statement>) -> Result<Statement, SqlError> {
    match statements.len() {
        1 => Ok(statements.remove(0)),
        0 => Err(SqlError::Invalid("query is empty".to_owned())),
        n => Err(SqlError::Invalid(format!(
            "query has {n} statements, one is expected"
        ))),
    }
}

/// Refuses by its first word what is no query; [`reads_only`] then looks at what the plan would do.
pub(super) fn is_query(statement: &Statement) -> Result<(), SqlError> {
    match statement {
        Statement::Query(_)
        | Statement::Explain { .. }
        | Statement::ExplainTable { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowVariable { .. } => Ok(()),
        other => {
            let text = other.to_string();
            let word = text.split_whitespace().next().unwrap_or("statement");
            Err(SqlError::ReadOnly(word.to_uppercase()))
        }
    }
}

/// The plan, not the text, says whether something would change: `SELECT … INTO` is a query by its syntax.
pub(super) fn reads_only(plan: &LogicalPlan) -> Result<(), SqlError> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|e| SqlError::ReadOnly(e.strip_backtrace()))
}

/// A fixed-size type makes room for its whole size in every row, also where the value is NULL: a cast to
/// `int[2147483647]` would take the machine's memory in one step.
pub(super) fn sizes_are_small(plan: &LogicalPlan) -> Result<(), SqlError> {
    let mut largest = 0;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Cast(Cast { field, .. }) | Expr::TryCast(TryCast { field, .. }) = expr
                {
                    largest = largest.max(fixed_size(field.data_type()));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map_err(|e| SqlError::planning(&e))?;
    if FIXED_SIZE_MAX < largest {
        return Err(SqlError::TooComplex(format!(
            "a type has {largest} elements in every row, at most {FIXED_SIZE_MAX} are allowed"
        )));
    }
    Ok(())
}

/// Elements that one value of this type takes whatever it holds; 1 for types of no fixed size.
fn fixed_size(data_type: &DataType) -> i64 {
    match data_type {
        DataType::FixedSizeBinary(size) => i64::from(*size),
        DataType::FixedSizeList(element, size) => {
            i64::from(*size).saturating_mul(fixed_size(element.data_type()))
        }
        DataType::List(element) | DataType::LargeList(element) => fixed_size(element.data_type()),
        _ => 1,
    }
}

/// A table that this principal may know of but not read.
#[derive(Debug)]
pub(super) struct Forbidden {
    pub(super) table: Table,
    pub(super) principal: Principal,
}

#[async_trait]
impl TableProvider for Forbidden {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let error = SqlError::Forbidden {
            table: self.table.name(),
            needed: "role operator or admin",
            name: self.principal.name.clone(),
            role: self.principal.role,
        };
        Err(DataFusionError::External(Box::new(error)))
    }
}
