//! A plan that can be stopped: whatever it is doing, within a moment.
//!
//! Five things keep an operator from hearing that its query has ended. It hands out batches without a pause: each goes
//! through a [`Gate`]. It sorts, merges and spills what it holds: the memory it takes for each batch of that asks
//! ([`super::portions`]), and so does what it writes ([`super::spill`]). It makes lists: they are made in steps
//! ([`lists`]). It works through a gathered input in one step: such an input is bounded, by its gate, or by
//! its largest partition ([`ByPartition`]). It evaluates an expression over and over before it has a row to show: the
//! expression asks ([`Watched`]).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr, replace_children_if_necessary};
use tokio_util::sync::CancellationToken;

use super::gate::{Gate, only};
use super::windows::ByPartition;
use super::{SqlError, lists};

/// Rows that ordered lists of distinct values may be made of, in each thread of a query: all groups are listed in one
/// step, in which every value is taken apart.
const LISTED_ROWS_MAX: usize = 200_000;

/// Whether a query goes on.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Its client has given up.
    pub(super) given_up: CancellationToken,
    /// When its time is over.
    deadline: Instant,
    counts: Arc<Counts>,
}

/// Steps of all queries so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    batches: AtomicU64,
    batches_late: AtomicU64,
    planned: AtomicU64,
}

/// How much work queries have made so far, in steps that are the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// Batches that operators handed out.
    pub batches: u64,
    /// Those of them that an operator was at work on when its query ended.
    pub batches_late: u64,
    /// Passes of planning rules, over a whole plan or over a node of it.
    pub planned: u64,
}

impl Counts {
    pub(super) fn steps(&self) -> Steps {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Steps {
            batches: of(&self.batches),
            batches_late: of(&self.batches_late),
            planned: of(&self.planned),
        }
    }
}

impl End {
    /// That of a query that begins now.
    pub(super) fn after(timeout: Duration, counts: Arc<Counts>) -> Self {
        Self {
            given_up: CancellationToken::new(),
            // A century is as good as never.
            deadline: now() + timeout.min(Duration::from_secs(3_000_000_000)),
            counts,
        }
    }

    /// Whether its time is over.
    pub(super) fn is_late(&self) -> bool {
        self.deadline <= now()
    }

    /// An error when the query does not go on.
    pub(super) fn check(&self) -> DataFusionResult<()> {
        if self.given_up.is_cancelled() || self.is_late() {
            return Err(DataFusionError::External(Box::new(SqlError::Cancelled)));
        }
        Ok(())
    }

    /// An operator has handed out a batch.
    pub(super) fn stepped(&self) {
        self.counts.batches.fetch_add(1, Ordering::Relaxed);
        if self.check().is_err() {
            self.counts.batches_late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A planning rule is about to be applied; an error when the query does not go on.
    pub(super) fn plans(&self) -> DataFusionResult<()> {
        self.check()?;
        self.counts.planned.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a timeout is a time")]
fn now() -> Instant {
    Instant::now()
}

/// The same plan, which can be stopped.
pub(super) fn stoppable(
    plan: Arc<dyn ExecutionPlan>,
    end: &End,
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let node = if let Some(window) = node.downcast_ref::<WindowAggExec>() {
            Arc::new(ByPartition::new(window, end)?)
        } else if let Some(sort) = node.downcast_ref::<SortExec>() {
            let gate = Gate::before_sorting(Arc::clone(sort.input()), end);
            replace_children_if_necessary(Arc::clone(&node), vec![Arc::new(gate)])?
        } else if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            lists_in_steps(&node, aggregate, end)?
        } else {
            watched(node, end)?
        };
        Ok(Transformed::yes(Arc::new(Gate::new(node, end)) as _))
    })
    .data()
}

/// Ordered lists are made in steps. Those of distinct values are not, and are made of a bounded number of rows.
fn lists_in_steps(
    node: &Arc<dyn ExecutionPlan>,
    aggregate: &AggregateExec,
    end: &End,
) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let node = match lists::in_steps(aggregate, end)? {
        Some(aggregate) => Arc::new(aggregate),
        None => Arc::clone(node),
    };
    let mut exprs = aggregate.aggr_expr().iter();
    if !exprs.any(|expr| lists::is_ordered(expr) && expr.is_distinct()) {
        return Ok(node);
    }
    let gate = Gate::before_gathering(Arc::clone(aggregate.input()), end, LISTED_ROWS_MAX);
    replace_children_if_necessary(node, vec![Arc::new(gate)])
}

/// A join without keys compares every pair, which may give no row for minutes.
fn watched(node: Arc<dyn ExecutionPlan>, end: &End) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() else {
        return Ok(node);
    };
    let Some(filter) = join.filter() else {
        return Ok(node);
    };
    let expression = Arc::new(Watched {
        inner: Arc::clone(filter.expression()),
        end: end.clone(),
    });
    let filter = JoinFilter::new(
        expression,
        filter.column_indices().to_vec(),
        Arc::clone(filter.schema()),
    );
    let projection = join.projection().as_ref().map(|columns| columns.to_vec());
    let join = NestedLoopJoinExec::try_new(
        Arc::clone(join.left()),
        Arc::clone(join.right()),
        Some(filter),
        join.join_type(),
        projection,
    )?;
    Ok(Arc::new(join))
}

/// `inner`, refused once the query has ended.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn PhysicalExpr>,
    end: End,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for Watched {
    fn data_type(&self, schema: &Schema) -> DataFusionResult<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> DataFusionResult<bool> {
        self.inner.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> DataFusionResult<ColumnarValue> {
        self.end.check()?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        let inner = only("Watched", children)?;
        let end = self.end.clone();
        Ok(Arc::new(Self { inner, end }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}
