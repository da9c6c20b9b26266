//! Operators made to give way.
//!
//! A task is aborted where it yields. The engine yields where it reads, and what lies above may make a million batches
//! of one that was read, or pass on what it gathered in a loop that ends seconds later, whoever cancelled it meanwhile.
//! So every operator hands out its batches through a stream that yields when some time has passed.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties, RecordBatchStream,
    SendableRecordBatchStream,
};
use futures::{Stream, StreamExt};

/// The longest that batches are handed out without a yield. A yield costs a turn of the scheduler: one for every
/// batch of every operator would be felt, one in this time is not.
const SLICE: Duration = Duration::from_millis(2);

/// `input`, which now and then yields after a batch.
#[derive(Debug)]
pub(super) struct Yielding {
    input: Arc<dyn ExecutionPlan>,
}

impl Yielding {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        Self { input }
    }
}

impl DisplayAs for Yielding {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Yielding")
    }
}

impl ExecutionPlan for Yielding {
    fn name(&self) -> &str {
        "Yielding"
    }

    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children).map_err(|children| {
            let found = children.len();
            DataFusionError::Internal(format!("Yielding has {found} inputs, one is expected"))
        })?;
        Ok(Arc::new(Self { input }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        Ok(Box::pin(YieldingStream {
            rows,
            yielded_at: now(),
            gives_way: false,
        }))
    }
}

struct YieldingStream {
    rows: SendableRecordBatchStream,
    yielded_at: Instant,
    /// The slice is used up.
    gives_way: bool,
}

impl Stream for YieldingStream {
    type Item = DataFusionResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.gives_way) {
            self.yielded_at = now();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = self.rows.poll_next_unpin(cx);
        match batch {
            Poll::Ready(Some(_)) => self.gives_way = SLICE <= self.yielded_at.elapsed(),
            Poll::Ready(None) => {}
            Poll::Pending => self.yielded_at = now(),
        }
        batch
    }
}

impl RecordBatchStream for YieldingStream {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "when a query gives way changes no row"
)]
fn now() -> Instant {
    Instant::now()
}
