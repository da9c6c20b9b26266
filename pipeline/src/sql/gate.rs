//! A gate above each operator: through it every batch of a running query goes.
//!
//! A task is aborted where it yields, and the engine yields where it reads. What lies above may make a million batches
//! of one that was read, or pass on what it gathered in a loop that ends seconds later, whoever cancelled it meanwhile.
//! So no gate asks its operator for a batch once the query has ended, and each one yields after a few.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DataFusionResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties, RecordBatchStream,
    SendableRecordBatchStream,
};
use futures::{Stream, StreamExt};

use super::pieces::Pieces;
use super::stoppable::End;

/// Batches between two yields. A yield costs a turn of the scheduler, which one batch of some 2,000 rows would feel.
const BATCHES_PER_TURN: usize = 4;

/// The output of `input`, as long as its query goes on.
#[derive(Debug)]
pub(super) struct Gate {
    input: Arc<dyn ExecutionPlan>,
    end: End,
    /// Rows that whoever reads this gathers at most, of each partition, because it works through all in one step.
    gathered_max: Option<usize>,
    /// Whoever reads this keeps batches, and counts them.
    cuts: bool,
}

impl Gate {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, end: &End) -> Self {
        Self {
            input,
            end: end.clone(),
            gathered_max: None,
            cuts: false,
        }
    }

    /// Before a sort, which is given large batches in [`Pieces`].
    pub(super) fn before_sorting(input: Arc<dyn ExecutionPlan>, end: &End) -> Self {
        Self {
            cuts: true,
            ..Self::new(input, end)
        }
    }

    /// Before an operator that gathers its whole input, and forgets to count it against the memory of queries.
    pub(super) fn before_gathering(
        input: Arc<dyn ExecutionPlan>,
        end: &End,
        rows_max: usize,
    ) -> Self {
        Self {
            gathered_max: Some(rows_max),
            ..Self::new(input, end)
        }
    }
}

impl DisplayAs for Gate {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl ExecutionPlan for Gate {
    fn name(&self) -> &str {
        "Gate"
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
        let input = only("Gate", children)?;
        Ok(Arc::new(Self {
            input,
            end: self.end.clone(),
            gathered_max: self.gathered_max,
            cuts: self.cuts,
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let gathered = self.gathered_max.map(|rows_max| Gathered {
            rows: 0,
            rows_max,
            memory: MemoryConsumer::new(format!("Gathered[{partition}]"))
                .register(context.memory_pool()),
        });
        Ok(Box::pin(GateStream {
            batches: self.input.execute(partition, context)?,
            end: self.end.clone(),
            handed: 0,
            gathered,
            pieces: self.cuts.then(Pieces::default),
        }))
    }
}

/// The one input of an operator that has one.
pub(super) fn only<T>(of: &str, inputs: Vec<T>) -> DataFusionResult<T> {
    let [input] = <[_; 1]>::try_from(inputs).map_err(|inputs| {
        let found = inputs.len();
        DataFusionError::Internal(format!("{of} has {found} inputs, one is expected"))
    })?;
    Ok(input)
}

struct GateStream {
    batches: SendableRecordBatchStream,
    end: End,
    /// Batches since the last yield.
    handed: usize,
    gathered: Option<Gathered>,
    pieces: Option<Pieces>,
}

/// What was read of one partition by an operator that keeps it.
struct Gathered {
    rows: usize,
    rows_max: usize,
    memory: MemoryReservation,
}

impl Gathered {
    fn add(&mut self, batch: &RecordBatch) -> DataFusionResult<()> {
        self.rows += batch.num_rows();
        if self.rows_max < self.rows {
            let max = self.rows_max;
            return Err(DataFusionError::ResourcesExhausted(format!(
                "ordered lists are to be made of more than {max} rows at once; filter first"
            )));
        }
        self.memory.try_grow(batch.get_array_memory_size())
    }
}

impl Stream for GateStream {
    type Item = DataFusionResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let gate = &mut *self;
        if let Err(ended) = gate.end.check() {
            return Poll::Ready(Some(Err(ended)));
        }
        if BATCHES_PER_TURN <= gate.handed {
            gate.handed = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(piece) = gate.pieces.as_mut().and_then(Pieces::next) {
            gate.handed += 1;
            gate.end.stepped();
            return Poll::Ready(Some(piece));
        }
        let mut polled = gate.batches.poll_next_unpin(cx);
        if let Some(pieces) = &mut gate.pieces {
            polled = polled.map(|batch| batch.map(|batch| pieces.cut(batch?)));
        }
        match &polled {
            Poll::Ready(Some(Ok(batch))) => {
                gate.handed += 1;
                gate.end.stepped();
                if let Some(gathered) = &mut gate.gathered
                    && let Err(too_much) = gathered.add(batch)
                {
                    return Poll::Ready(Some(Err(too_much)));
                }
            }
            Poll::Ready(Some(Err(_)) | None) => {}
            // Whoever waits has yielded.
            Poll::Pending => gate.handed = 0,
        }
        polled
    }
}

impl RecordBatchStream for GateStream {
    fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow::datatypes::Schema;
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::FutureExt;

    use super::*;
    use crate::sql::stoppable::Counts;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// Batches without end, each at once.
    fn endless(end: &End) -> GateStream {
        let schema = Arc::new(Schema::empty());
        let batch = RecordBatch::new_empty(Arc::clone(&schema));
        let batches = futures::stream::repeat_with(move || Ok(batch.clone()));
        GateStream {
            batches: Box::pin(RecordBatchStreamAdapter::new(schema, batches)),
            end: end.clone(),
            handed: 0,
            gathered: None,
            pieces: None,
        }
    }

    #[test]
    fn a_gate_yields_after_a_few_batches() {
        let end = End::after(HOUR, Arc::default());
        let mut gate = endless(&end);
        for _ in 0..3 {
            for n in 0..BATCHES_PER_TURN {
                assert!(
                    matches!(gate.next().now_or_never(), Some(Some(Ok(_)))),
                    "{n}"
                );
            }
            assert!(
                gate.next().now_or_never().is_none(),
                "it is another's turn now"
            );
        }
    }

    #[test]
    fn no_batch_comes_through_the_gate_of_a_query_that_has_ended() {
        let counts = Arc::<Counts>::default();
        let given_up = End::after(HOUR, Arc::clone(&counts));
        let mut gate = endless(&given_up);
        assert!(matches!(gate.next().now_or_never(), Some(Some(Ok(_)))));
        given_up.given_up.cancel();
        let late = End::after(Duration::ZERO, Arc::clone(&counts));
        for mut gate in [gate, endless(&late)] {
            for _ in 0..BATCHES_PER_TURN + 2 {
                assert!(matches!(gate.next().now_or_never(), Some(Some(Err(_)))));
            }
        }
        assert_eq!(counts.steps().batches, 1);
        assert_eq!(counts.steps().batches_late, 0);
    }
}
