//! Tables that are asked of their owner a page at a time.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray, TimestampMicrosecondArray};
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

/// Which rows are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose stations; no other tenant's may be in the answer.
    pub tenant: String,
    /// Of this station alone.
    pub station_id: Option<String>,
    /// [`Page::next`] of the page before.
    pub after: Option<String>,
}

/// Some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<R> {
    /// At most some thousands, maybe none although there are more.
    pub rows: Vec<R>,
    /// `None` at the end.
    pub next: Option<String>,
}

/// How a page is asked for. Called on a query thread; it must not block for long. The error is a text for whoever asks.
pub type PagesFn<R> = Arc<dyn Fn(Asked) -> std::result::Result<Page<R>, String> + Send + Sync>;

/// No rows.
pub(crate) fn none<R: 'static>() -> PagesFn<R> {
    Arc::new(|_| {
        Ok(Page {
            rows: Vec::new(),
            next: None,
        })
    })
}

/// A row of such a table.
pub(crate) trait Row: Send + Sync + 'static {
    /// The table in SQL.
    const NAME: &'static str;
    /// Behind `tenant`.
    const COLUMNS: &'static [(&'static str, Kind)];

    /// What stands in [`Row::COLUMNS`].
    fn columns(rows: &[Self]) -> Vec<ArrayRef>
    where
        Self: Sized;
}

fn schema<R: Row>() -> SchemaRef {
    let field = |(name, kind): &(&str, Kind)| Field::new(*name, kind.data_type(), true);
    let columns = [("tenant", Kind::Text)];
    let fields = columns.iter().chain(R::COLUMNS).map(field);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

pub(crate) fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

pub(crate) fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let times = values.collect::<TimestampMicrosecondArray>();
    Arc::new(times.with_timezone("UTC"))
}

/// The table as one tenant sees it.
pub(crate) struct PagedTable<R> {
    pub(crate) tenant: String,
    pub(crate) source: PagesFn<R>,
}

impl<R: Row> std::fmt::Debug for PagedTable<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(R::NAME)
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
impl<R: Row> TableProvider for PagedTable<R> {
    fn schema(&self) -> SchemaRef {
        schema::<R>()
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
            asked: Asked {
                tenant: self.tenant.clone(),
                station_id: filters.iter().find_map(named_station),
                after: None,
            },
            source: Arc::clone(&self.source),
            schema: schema::<R>(),
        };
        StreamingTable::try_new(schema::<R>(), vec![Arc::new(pages)])?
            .scan(state, projection, &[], limit)
            .await
    }
}

struct Pages<R> {
    asked: Asked,
    source: PagesFn<R>,
    schema: SchemaRef,
}

impl<R> std::fmt::Debug for Pages<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.asked.fmt(f)
    }
}

impl<R: Row> PartitionStream for Pages<R> {
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

fn next_page<R: Row>(
    source: &PagesFn<R>,
    schema: &SchemaRef,
    asked: Asked,
) -> Result<(RecordBatch, Option<Asked>)> {
    let failed = |text: String| DataFusionError::Execution(format!("reading {}: {text}", R::NAME));
    let page = source(asked.clone()).map_err(failed)?;
    let tenant = texts(page.rows.iter().map(|_| Some(asked.tenant.as_str())));
    let columns = [vec![tenant], R::columns(&page.rows)].concat();
    let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
    let next = page.next.map(|next| Asked {
        after: Some(next),
        ..asked
    });
    Ok((batch, next))
}
