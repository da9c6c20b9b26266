//! Window functions that need their whole partition, computed a few partitions at a time.
//!
//! The engine's own operator gathers its whole input and works through it in one step: memory and that step grow with
//! the table, where the largest partition is enough. Its input is sorted by the keys of the partitions.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{concat, concat_batches};
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::evaluate_partition_ranges;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, stream};

use super::gate::only;
use super::stoppable::End;

/// Rows of whole partitions that are worth a step.
const ROWS_PER_STEP: usize = 8_192;
/// Rows of one partition.
const ROWS_MAX: usize = 4_000_000;
/// Rows of one partition that a frame may be moved over which begins and ends by itself: each step takes a value apart.
const FRAMED_ROWS_MAX: usize = 500_000;

/// What `window` computes, partition by partition.
#[derive(Debug)]
pub(super) struct ByPartition {
    window: WindowAggExec,
    end: End,
}

impl ByPartition {
    /// Of a window whose input goes through a gate.
    pub(super) fn new(window: &WindowAggExec, end: &End) -> DataFusionResult<Self> {
        Self::over(window, Arc::clone(window.input()), end)
    }

    fn over(
        window: &WindowAggExec,
        input: Arc<dyn ExecutionPlan>,
        end: &End,
    ) -> DataFusionResult<Self> {
        let may_repartition = !window.partition_keys().is_empty();
        let window = WindowAggExec::try_new(window.window_expr().to_vec(), input, may_repartition)?;
        Ok(Self {
            window,
            end: end.clone(),
        })
    }

    fn rows_max(&self) -> usize {
        let exprs = self.window.window_expr();
        let moved =
            |frame: &datafusion::logical_expr::WindowFrame| !frame.start_bound.is_unbounded();
        if exprs.iter().any(|expr| moved(expr.get_window_frame())) {
            FRAMED_ROWS_MAX
        } else {
            ROWS_MAX
        }
    }
}

impl DisplayAs for ByPartition {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByPartition")
    }
}

impl ExecutionPlan for ByPartition {
    fn name(&self) -> &str {
        "ByPartition"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.window.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.window.input()]
    }

    fn apply_expressions(
        &self,
        apply: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        self.window.apply_expressions(apply)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let input = only("ByPartition", children)?;
        Ok(Arc::new(Self::over(&self.window, input, &self.end)?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let exprs = self.window.window_expr().to_vec();
        let schema = self.schema();
        let work = Work {
            input: self
                .window
                .input()
                .execute(partition, Arc::clone(&context))?,
            keys: self.window.partition_by_sort_keys()?,
            rows_max: self.rows_max(),
            pending: Vec::new(),
            pending_rows: 0,
            memory: MemoryConsumer::new(format!("ByPartition[{partition}]"))
                .register(context.memory_pool()),
        };
        let (end, with) = (self.end.clone(), Arc::clone(&schema));
        let rows = stream::try_unfold(work, move |mut work| {
            let (exprs, end, schema) = (exprs.clone(), end.clone(), Arc::clone(&with));
            async move {
                let Some(rows) = work.partitions().await? else {
                    return Ok(None);
                };
                let mut computed = vec![Vec::new(); exprs.len()];
                for range in work.ranges(&rows)? {
                    // One of them may take long.
                    end.check()?;
                    let rows = rows.slice(range.start, range.len());
                    for (expr, arrays) in exprs.iter().zip(&mut computed) {
                        arrays.push(expr.evaluate(&rows)?);
                    }
                }
                let mut columns = rows.columns().to_vec();
                for arrays in &computed {
                    let arrays: Vec<&dyn arrow::array::Array> =
                        arrays.iter().map(ArrayRef::as_ref).collect();
                    columns.push(concat(&arrays)?);
                }
                Ok(Some((RecordBatch::try_new(schema, columns)?, work)))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// One sorted input, and what was read of it.
struct Work {
    input: SendableRecordBatchStream,
    keys: Vec<PhysicalSortExpr>,
    rows_max: usize,
    /// Not empty, of partitions that may go on. The last batch has the last partition.
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    memory: MemoryReservation,
}

impl Work {
    /// The next rows, of whole partitions.
    async fn partitions(&mut self) -> DataFusionResult<Option<RecordBatch>> {
        while let Some(batch) = self.input.next().await.transpose()? {
            if batch.num_rows() == 0 {
                continue;
            }
            if let Some(whole) = self.add(batch)? {
                return self.gathered(&whole).map(Some);
            }
        }
        let rest = std::mem::take(&mut self.pending);
        if rest.is_empty() {
            return Ok(None);
        }
        self.gathered(&rest).map(Some)
    }

    fn gathered(&self, batches: &[RecordBatch]) -> DataFusionResult<RecordBatch> {
        Ok(concat_batches(&self.input.schema(), batches)?)
    }

    /// The rows before the last partition that begins in `batch`, if they are many; the others wait.
    fn add(&mut self, batch: RecordBatch) -> DataFusionResult<Option<Vec<RecordBatch>>> {
        self.memory.try_grow(batch.get_array_memory_size())?;
        let begins = self.last_beginning(&batch)?;
        match begins {
            Some(begins) if ROWS_PER_STEP <= self.pending_rows + begins => {
                let mut whole = std::mem::take(&mut self.pending);
                if 0 < begins {
                    whole.push(batch.slice(0, begins));
                }
                self.memory.try_resize(batch.get_array_memory_size())?;
                self.pending_rows = batch.num_rows() - begins;
                self.pending.push(batch.slice(begins, self.pending_rows));
                Ok(Some(whole))
            }
            _ => {
                self.pending_rows += batch.num_rows();
                let max = self.rows_max;
                if max < self.pending_rows {
                    return Err(DataFusionError::ResourcesExhausted(format!(
                        "a window function is to be computed over more than {max} rows of one partition; filter, or partition further"
                    )));
                }
                self.pending.push(batch);
                Ok(None)
            }
        }
    }

    /// The row of `batch` with which its last partition begins; `None` when the pending one goes on to its end.
    fn last_beginning(&self, batch: &RecordBatch) -> DataFusionResult<Option<usize>> {
        let last = self.ranges(batch)?.last().map_or(0, |range| range.start);
        let Some(before) = self.pending.last() else {
            return Ok(Some(last));
        };
        if 0 < last {
            return Ok(Some(last));
        }
        let seam = [before.slice(before.num_rows() - 1, 1), batch.slice(0, 1)];
        let is_new = 1 < self.ranges(&self.gathered(&seam)?)?.len();
        Ok(is_new.then_some(0))
    }

    /// The partitions of `rows`.
    fn ranges(&self, rows: &RecordBatch) -> DataFusionResult<Vec<std::ops::Range<usize>>> {
        let keys = self
            .keys
            .iter()
            .map(|key| key.evaluate_to_sort_column(rows));
        let keys = keys.collect::<DataFusionResult<Vec<_>>>()?;
        evaluate_partition_ranges(rows.num_rows(), &keys)
    }
}
