//! An input that its reader gathers whole: counted against the memory of queries, which the reader forgets to do, and
//! against a number of rows where it works through them in one step that nothing can interrupt.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream,
};
use futures::StreamExt;

#[derive(Debug)]
pub(super) struct Gathered {
    input: Arc<dyn ExecutionPlan>,
    rows_max: usize,
}

impl Gathered {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, rows_max: usize) -> Self {
        Self { input, rows_max }
    }
}

/// What has been read of one partition.
struct Held {
    rows: usize,
    rows_max: usize,
    memory: MemoryReservation,
}

impl Held {
    fn add(&mut self, batch: &RecordBatch) -> DataFusionResult<()> {
        self.rows += batch.num_rows();
        if self.rows_max < self.rows {
            let max = self.rows_max;
            return Err(DataFusionError::ResourcesExhausted(format!(
                "a window function or an ordered list is to be made of more than {max} rows at once; filter first"
            )));
        }
        self.memory.try_grow(batch.get_array_memory_size())
    }
}

impl DisplayAs for Gathered {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gathered")
    }
}

impl ExecutionPlan for Gathered {
    fn name(&self) -> &str {
        "Gathered"
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
            DataFusionError::Internal(format!("Gathered has {found} inputs, one is expected"))
        })?;
        Ok(Arc::new(Self::new(input, self.rows_max)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let consumer = MemoryConsumer::new(format!("Gathered[{partition}]"));
        let mut held = Held {
            rows: 0,
            rows_max: self.rows_max,
            memory: consumer.register(context.memory_pool()),
        };
        let rows = self.input.execute(partition, context)?;
        let rows = rows.map(move |batch| {
            let batch = batch?;
            held.add(&batch)?;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
