//! `variables`: the device model of stations, asked of its owner a page at a time.

use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringViewArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use datafusion::scalar::ScalarValue;
use futures::stream;

use crate::table::Kind;

/// Its name in SQL.
pub(crate) const NAME: &str = "variables";

/// A row of `variables`: an attribute of a variable. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariableRow {
    /// The station's own name.
    pub station_id: String,
    /// As the station writes it.
    pub component: String,
    /// Of several components of that name.
    pub component_instance: Option<String>,
    /// `None` for the station as a whole.
    pub evse_id: Option<u32>,
    /// Within the EVSE.
    pub connector_id: Option<u32>,
    /// As the station writes it.
    pub variable: String,
    /// Of several variables of that name.
    pub variable_instance: Option<String>,
    /// `Actual`, `Target`, `MinSet`, `MaxSet`.
    pub attribute: &'static str,
    /// As the station writes it; `None` where it is write-only, secret, or nobody said.
    pub value: Option<String>,
    /// `ReadOnly`, `WriteOnly`, `ReadWrite`; `None` until a report told.
    pub mutability: Option<&'static str>,
    /// It outlives a restart of the station.
    pub persistent: bool,
    /// It never changes.
    pub constant: bool,
    /// `string`, `integer`, `OptionList`, …
    pub data_type: Option<String>,
    /// Of the value.
    pub unit: Option<String>,
    /// Decimal text.
    pub min_limit: Option<String>,
    /// Decimal text.
    pub max_limit: Option<String>,
    /// Comma-separated.
    pub values_list: Option<String>,
    /// `report`, `get`, `set`, `event`.
    pub source: &'static str,
    /// When the report, the event or the answer came.
    pub reported_at: i64,
}

/// Which variables are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariablesAsked {
    /// Whose stations; no other tenant's may be in the answer.
    pub tenant: String,
    /// Of this station alone.
    pub station_id: Option<String>,
    /// [`VariablesPage::next`] of the page before.
    pub after: Option<String>,
}

/// Some of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariablesPage {
    /// At most some thousands, maybe none although there are more.
    pub rows: Vec<VariableRow>,
    /// `None` at the end.
    pub next: Option<String>,
}

/// How a page of variables is asked for. Called on a query thread; it must not block for long. The error is a text for
/// whoever asks.
pub type VariablesFn =
    Arc<dyn Fn(VariablesAsked) -> std::result::Result<VariablesPage, String> + Send + Sync>;

pub(crate) fn schema() -> SchemaRef {
    let columns = [
        ("tenant", Kind::Text),
        ("station_id", Kind::Text),
        ("component", Kind::Text),
        ("component_instance", Kind::Text),
        ("evse_id", Kind::Int),
        ("connector_id", Kind::Int),
        ("variable", Kind::Text),
        ("variable_instance", Kind::Text),
        ("attribute", Kind::Text),
        ("value", Kind::Text),
        ("mutability", Kind::Text),
        ("persistent", Kind::Bool),
        ("constant", Kind::Bool),
        ("data_type", Kind::Text),
        ("unit", Kind::Text),
        ("min_limit", Kind::Text),
        ("max_limit", Kind::Text),
        ("values_list", Kind::Text),
        ("source", Kind::Text),
        ("reported_at", Kind::Timestamp),
    ];
    let field = |(name, kind): (&str, Kind)| Field::new(name, kind.data_type(), true);
    Arc::new(Schema::new(columns.map(field).to_vec()))
}

fn columns(tenant: &str, rows: &[VariableRow]) -> Vec<ArrayRef> {
    fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
        Arc::new(values.collect::<StringViewArray>())
    }
    let text = |of: fn(&VariableRow) -> &str| texts(rows.iter().map(|row| Some(of(row))));
    let known =
        |of: fn(&VariableRow) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
    let number = |of: fn(&VariableRow) -> Option<u32>| {
        let values = rows.iter().map(|row| of(row).map(|n| n as i32));
        Arc::new(values.collect::<Int32Array>()) as ArrayRef
    };
    let flag = |of: fn(&VariableRow) -> bool| {
        let values = rows.iter().map(|row| Some(of(row)));
        Arc::new(values.collect::<BooleanArray>()) as ArrayRef
    };
    let times = rows.iter().map(|row| Some(row.reported_at));
    let times = times.collect::<TimestampMicrosecondArray>();
    vec![
        texts(rows.iter().map(|_| Some(tenant))),
        text(|row| &row.station_id),
        text(|row| &row.component),
        known(|row| &row.component_instance),
        number(|row| row.evse_id),
        number(|row| row.connector_id),
        text(|row| &row.variable),
        known(|row| &row.variable_instance),
        text(|row| row.attribute),
        known(|row| &row.value),
        texts(rows.iter().map(|row| row.mutability)),
        flag(|row| row.persistent),
        flag(|row| row.constant),
        known(|row| &row.data_type),
        known(|row| &row.unit),
        known(|row| &row.min_limit),
        known(|row| &row.max_limit),
        known(|row| &row.values_list),
        text(|row| row.source),
        Arc::new(times.with_timezone("UTC")),
    ]
}

/// The table as one tenant sees it.
pub(crate) struct VariablesTable {
    pub(crate) tenant: String,
    pub(crate) source: VariablesFn,
}

impl std::fmt::Debug for VariablesTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(NAME)
    }
}

/// The station that a condition names; a page of one is cheap, and one of all is not.
fn named_station(filter: &Expr) -> Option<String> {
    let Expr::BinaryExpr(BinaryExpr {
        left,
        op: Operator::Eq,
        right,
    }) = filter
    else {
        return None;
    };
    let (column, value) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _))
        | (Expr::Literal(value, _), Expr::Column(column)) => (column, value),
        _ => return None,
    };
    let text = match value {
        ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text) => {
            text.clone()
        }
        _ => None,
    };
    text.filter(|_| column.name == "station_id")
}

#[async_trait]
impl TableProvider for VariablesTable {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match named_station(filter) {
            // Two names at once are for the filter above to refuse.
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let pages = Pages {
            asked: VariablesAsked {
                tenant: self.tenant.clone(),
                station_id: filters.iter().find_map(named_station),
                after: None,
            },
            source: Arc::clone(&self.source),
            schema: schema(),
        };
        StreamingTable::try_new(schema(), vec![Arc::new(pages)])?
            .scan(state, projection, &[], limit)
            .await
    }
}

struct Pages {
    asked: VariablesAsked,
    source: VariablesFn,
    schema: SchemaRef,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.asked.fmt(f)
    }
}

impl PartitionStream for Pages {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (source, schema) = (Arc::clone(&self.source), Arc::clone(&self.schema));
        let pages = stream::try_unfold(Some(self.asked.clone()), move |asked| {
            let page = asked.map(|asked| next_page(&source, &schema, asked));
            async move { page.transpose() }
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            pages,
        ))
    }
}

type Page = (RecordBatch, Option<VariablesAsked>);

fn next_page(source: &VariablesFn, schema: &SchemaRef, asked: VariablesAsked) -> Result<Page> {
    let failed = |text: String| DataFusionError::Execution(format!("reading variables: {text}"));
    let page = source(asked.clone()).map_err(failed)?;
    let columns = columns(&asked.tenant, &page.rows);
    let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
    let next = page.next.map(|next| VariablesAsked {
        after: Some(next),
        ..asked
    });
    Ok((batch, next))
}
