//! Batches cut to pieces that own what they hold.
//!
//! A sort counts each batch it keeps by the buffers behind it, and spills when that is too much. What lies below may hand
//! it all its rows in one batch (a window function does), or in slices that share the buffers of one (an aggregate does),
//! each of which counts as the whole: then no spill makes room for even one of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::Result as DataFusionResult;

/// A batch with no more behind it than this is handed on as it is.
const LEN_MAX: usize = 4 << 20;
/// Rows of a piece.
const ROWS: usize = 2_048;

/// Hands a large batch out in pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// What is being cut, and how many of its rows were handed out.
    rest: Option<(RecordBatch, usize)>,
}

impl Pieces {
    /// `batch`, or its first piece; [`Pieces::next`] has the others.
    pub(super) fn cut(&mut self, batch: RecordBatch) -> DataFusionResult<RecordBatch> {
        if batch.get_array_memory_size() <= LEN_MAX {
            return Ok(batch);
        }
        let first = piece(&batch, 0)?;
        self.rest = Some((batch, first.num_rows()));
        Ok(first)
    }

    /// The next piece of the batch that was cut last.
    pub(super) fn next(&mut self) -> Option<DataFusionResult<RecordBatch>> {
        let (batch, handed) = self.rest.take()?;
        if batch.num_rows() <= handed {
            return None;
        }
        let piece = piece(&batch, handed);
        if let Ok(piece) = &piece {
            self.rest = Some((batch, handed + piece.num_rows()));
        }
        Some(piece)
    }
}

/// Some rows of `batch` from `from` on, with buffers of their own.
fn piece(batch: &RecordBatch, from: usize) -> DataFusionResult<RecordBatch> {
    let slice = batch.slice(from, ROWS.min(batch.num_rows() - from));
    let all = UInt32Array::from_iter_values(0..slice.num_rows() as u32);
    let own = |column: &ArrayRef| -> DataFusionResult<ArrayRef> {
        Ok(match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => take(column, &all, None)?,
        })
    };
    let columns = slice.columns().iter().map(own);
    let columns = columns.collect::<DataFusionResult<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(slice.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        slice.schema(),
        columns,
        &options,
    )?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};
    use arrow::compute::concat_batches;

    use super::*;

    fn batch(rows: i64) -> RecordBatch {
        let names = (0..rows).map(|n| Some(format!("a name that is longer than a view: {n}")));
        let names: ArrayRef = Arc::new(names.collect::<StringViewArray>());
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter(
            (0..rows).map(|n| (n % 7 != 0).then_some(n)),
        ));
        RecordBatch::try_from_iter_with_nullable([("name", names, true), ("number", numbers, true)])
            .unwrap()
    }

    fn cut(batch: &RecordBatch) -> Vec<RecordBatch> {
        let mut pieces = Pieces::default();
        let first = pieces.cut(batch.clone()).unwrap();
        let rest = std::iter::from_fn(|| pieces.next()).map(Result::unwrap);
        [first].into_iter().chain(rest).collect()
    }

    #[test]
    fn a_large_batch_comes_in_pieces_that_hold_no_more_than_their_rows() {
        let all = batch(100_000);
        let large = all.slice(10, 99_000);
        let pieces = cut(&large);
        assert_eq!(pieces.len(), 99_000_usize.div_ceil(ROWS));
        assert_eq!(concat_batches(&large.schema(), &pieces).unwrap(), large);
        for piece in pieces {
            // Twice its share of the whole.
            assert!(
                piece.get_array_memory_size() < all.get_array_memory_size() / 100_000 * ROWS * 2
            );
        }
    }

    #[test]
    fn a_slice_of_a_large_batch_is_freed_of_it() {
        let pieces = cut(&batch(100_000).slice(500, 20));
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0], batch(520).slice(500, 20));
        assert!(pieces[0].get_array_memory_size() < 10_000);
    }

    #[test]
    fn a_small_batch_is_handed_on_as_it_is() {
        let small = batch(100);
        let pieces = cut(&small);
        assert_eq!(pieces.len(), 1);
        assert!(Arc::ptr_eq(pieces[0].column(0), small.column(0)));
    }
}
