//! Ordered lists (`array_agg(… ORDER BY …)`, `string_agg`), made in steps that can be ended.
//!
//! The engine's own way takes every value apart, forgets most of what it holds when it is asked for its size, and sorts
//! all of a list in one step. Here a list is kept in columns as it came, and sorted when it is asked for; the sort asks
//! on its way if the query goes on.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, new_empty_array,
};
use arrow::compute::{SortOptions, cast, concat, filter, is_not_null, take};
use arrow::datatypes::{DataType, FieldRef, Fields};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result as DataFusionResult;
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature};
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::scalar::ScalarValue;

use super::stoppable::End;

/// Rows that are worth a step.
const ROWS_PER_STEP: usize = 8_192;
/// How often what a list holds is there while it is made: as it came, to be compared, as it will be.
const COPIES: usize = 3;
/// Of a row, while it is sorted.
const BYTES_PER_ROW: usize = 16;
/// Of one batch, beside its values.
const BYTES_PER_COLUMN: usize = 128;

/// `aggregate` with lists that are made in steps; `None` where it makes no ordered lists.
pub(super) fn in_steps(
    aggregate: &AggregateExec,
    end: &End,
) -> DataFusionResult<Option<AggregateExec>> {
    let exprs = aggregate.aggr_expr().iter();
    if !exprs.clone().any(|expr| is_made_in_steps(expr)) {
        return Ok(None);
    }
    let exprs = exprs.map(|expr| {
        if !is_made_in_steps(expr) {
            return Ok(Arc::clone(expr));
        }
        let function = OrderedList {
            inner: expr.fun().clone(),
            states: expr.state_fields()?,
            end: end.clone(),
        };
        let function = Arc::new(AggregateUDF::new_from_impl(function));
        let expr = AggregateExprBuilder::new(function, expr.expressions())
            .order_by(expr.order_bys().to_vec())
            .schema(aggregate.input_schema())
            .alias(expr.name())
            .human_display(expr.human_display().unwrap_or_default())
            .with_ignore_nulls(expr.ignore_nulls())
            .with_reversed(expr.is_reversed())
            .build()?;
        Ok(Arc::new(expr))
    });
    let exprs = exprs.collect::<DataFusionResult<Vec<_>>>()?;
    Ok(Some(aggregate.with_new_aggr_exprs(exprs)))
}

/// Lists of distinct values hold each of them once, and are ordered by nothing else: the engine makes them.
fn is_made_in_steps(expr: &AggregateFunctionExpr) -> bool {
    is_ordered(expr) && !expr.is_distinct()
}

pub(super) fn is_ordered(expr: &AggregateFunctionExpr) -> bool {
    matches!(expr.fun().name(), "array_agg" | "string_agg") && !expr.order_bys().is_empty()
}

/// `inner`, `array_agg` or `string_agg`, in one query.
#[derive(Debug)]
struct OrderedList {
    inner: AggregateUDF,
    states: Vec<FieldRef>,
    end: End,
}

impl PartialEq for OrderedList {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for OrderedList {}

impl Hash for OrderedList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl AggregateUDFImpl for OrderedList {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        self.inner.return_type(types)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn state_fields(&self, _: StateFieldsArgs) -> DataFusionResult<Vec<FieldRef>> {
        Ok(self.states.clone())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        _: bool,
    ) -> DataFusionResult<Option<Arc<dyn AggregateUDFImpl>>> {
        // What is in order already is sorted in no time.
        Ok(Some(self))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> DataFusionResult<Box<dyn Accumulator>> {
        let separator = match args.exprs.get(1).map(|expr| expr.downcast_ref::<Literal>()) {
            None => None,
            Some(Some(literal)) => Some(literal.value().try_as_str().flatten().unwrap_or_default()),
            // An error, in the engine's words.
            Some(None) => return self.inner.accumulator(args),
        };
        let sort_fields = args.order_bys.iter().map(|by| {
            let options = if args.is_reversed {
                SortOptions {
                    descending: !by.options.descending,
                    nulls_first: !by.options.nulls_first,
                }
            } else {
                by.options
            };
            let data_type = by.expr.data_type(args.schema)?;
            Ok(SortField::new_with_options(data_type, options))
        });
        Ok(Box::new(List {
            value_type: args.expr_fields[0].data_type().clone(),
            arguments: args.exprs.len(),
            sort_fields: sort_fields.collect::<DataFusionResult<_>>()?,
            orderings: orderings(&self.states)?,
            without_nulls: args.ignore_nulls,
            separator: separator.map(str::to_owned),
            batches: Vec::new(),
            bytes: 0,
            rows: 0,
            end: self.end.clone(),
        }))
    }
}

/// The columns behind ORDER BY, as they are handed from one half of an aggregate to the other.
fn orderings(states: &[FieldRef]) -> DataFusionResult<Fields> {
    if let Some(DataType::List(element)) = states.get(1).map(|field| field.data_type())
        && let DataType::Struct(fields) = element.data_type()
    {
        return Ok(fields.clone());
    }
    Err(DataFusionError::Internal(format!(
        "an ordered list has the states {states:?}, a list and one of orderings are expected"
    )))
}

/// One list.
#[derive(Debug)]
struct List {
    value_type: DataType,
    /// How many there are before the columns to order by; the first is the value.
    arguments: usize,
    sort_fields: Vec<SortField>,
    orderings: Fields,
    without_nulls: bool,
    /// Of a list that becomes one text.
    separator: Option<String>,
    /// Values, and the columns to order them by.
    batches: Vec<Vec<ArrayRef>>,
    /// Of `batches`.
    bytes: usize,
    rows: usize,
    end: End,
}

impl List {
    fn add(&mut self, columns: Vec<ArrayRef>) -> DataFusionResult<()> {
        self.end.check()?;
        let columns = columns
            .iter()
            .map(own)
            .collect::<DataFusionResult<Vec<_>>>()?;
        self.rows += columns[0].0.len();
        self.bytes += columns
            .iter()
            .map(|(_, bytes)| bytes + BYTES_PER_COLUMN)
            .sum::<usize>();
        self.batches
            .push(columns.into_iter().map(|(column, _)| column).collect());
        Ok(())
    }

    /// The values, in order.
    fn sorted(&self) -> DataFusionResult<ArrayRef> {
        let converter = RowConverter::new(self.sort_fields.clone())?;
        let mut rows = converter.empty_rows(self.rows, 0);
        for batch in &self.batches {
            self.end.check()?;
            converter.append(&mut rows, &batch[1..])?;
        }
        let order = order(&rows, &self.end)?;
        drop(rows);
        let values = self.column(0)?;
        let mut taken = Vec::with_capacity(order.len() / ROWS_PER_STEP + 1);
        for step in order.chunks(ROWS_PER_STEP) {
            self.end.check()?;
            let step = UInt32Array::from_iter_values(step.iter().copied());
            taken.push(take(&values, &step, None)?);
        }
        joined(taken.iter())
    }

    /// All that came of one column.
    fn column(&self, n: usize) -> DataFusionResult<ArrayRef> {
        self.end.check()?;
        joined(self.batches.iter().map(|batch| &batch[n]))
    }

    /// The values that are there, one text.
    fn text(&self, separator: &str) -> DataFusionResult<ScalarValue> {
        let values = cast(&self.sorted()?, &DataType::LargeUtf8)?;
        let mut text: Option<String> = None;
        for (n, value) in values.as_string::<i64>().iter().enumerate() {
            if n % ROWS_PER_STEP == 0 {
                self.end.check()?;
            }
            match (value, &mut text) {
                (None, _) => {}
                (Some(value), None) => text = Some(value.to_owned()),
                (Some(value), Some(text)) => {
                    text.push_str(separator);
                    text.push_str(value);
                }
            }
        }
        Ok(ScalarValue::LargeUtf8(text))
    }
}

impl Accumulator for List {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DataFusionResult<()> {
        let mut columns = vec![Arc::clone(&values[0])];
        columns.extend(values[self.arguments..].iter().cloned());
        if self.without_nulls && 0 < columns[0].logical_null_count() {
            let there = is_not_null(&columns[0])?;
            for column in &mut columns {
                *column = filter(column, &there)?;
            }
        }
        if columns[0].is_empty() {
            return Ok(());
        }
        self.add(columns)
    }

    fn state(&mut self) -> DataFusionResult<Vec<ScalarValue>> {
        if self.batches.is_empty() {
            let none = new_empty_array(&DataType::Struct(self.orderings.clone()));
            return Ok(vec![
                ScalarValue::new_null_list(self.value_type.clone(), true, 1),
                SingleRowListArrayBuilder::new(none).build_list_scalar(),
            ]);
        }
        // Whoever brings the halves together sorts.
        let by = (1..=self.orderings.len()).map(|n| self.column(n));
        let by = by.collect::<DataFusionResult<_>>()?;
        let by = StructArray::try_new(self.orderings.clone(), by, None)?;
        Ok(vec![
            SingleRowListArrayBuilder::new(self.column(0)?).build_list_scalar(),
            SingleRowListArrayBuilder::new(Arc::new(by)).build_list_scalar(),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DataFusionResult<()> {
        let (values, by): (&ListArray, &ListArray) = (states[0].as_list(), states[1].as_list());
        for n in (0..values.len()).filter(|n| values.is_valid(*n)) {
            let mut columns = vec![values.value(n)];
            columns.extend(by.value(n).as_struct().columns().iter().cloned());
            if !columns[0].is_empty() {
                self.add(columns)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DataFusionResult<ScalarValue> {
        match &self.separator {
            None if self.batches.is_empty() => {
                Ok(ScalarValue::new_null_list(self.value_type.clone(), true, 1))
            }
            None => Ok(SingleRowListArrayBuilder::new(self.sorted()?).build_list_scalar()),
            Some(_) if self.batches.is_empty() => Ok(ScalarValue::LargeUtf8(None)),
            Some(separator) => self.text(separator),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + COPIES * (self.bytes + self.rows * BYTES_PER_ROW)
    }
}

/// A column that keeps no more than its values, and their bytes: views hold on to all that they were taken from.
fn own(column: &ArrayRef) -> DataFusionResult<(ArrayRef, usize)> {
    let own: ArrayRef = match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => {
            let bytes = column.to_data().get_slice_memory_size()?;
            return Ok((Arc::clone(column), bytes));
        }
    };
    let bytes = own.get_array_memory_size();
    Ok((own, bytes))
}

fn joined<'a>(columns: impl Iterator<Item = &'a ArrayRef>) -> DataFusionResult<ArrayRef> {
    let columns: Vec<&dyn Array> = columns.map(|column| column.as_ref()).collect();
    Ok(concat(&columns)?)
}

/// The places of `rows`, the smallest first. Equal ones stay as they came.
fn order(rows: &Rows, end: &End) -> DataFusionResult<Vec<u32>> {
    let count = u32::try_from(rows.num_rows()).map_err(|_| {
        DataFusionError::ResourcesExhausted(format!(
            "an ordered list is to be made of {} rows, at most {} are possible; filter first",
            rows.num_rows(),
            u32::MAX
        ))
    })?;
    let row = |place: u32| rows.row(place as usize);
    let mut order: Vec<u32> = (0..count).collect();
    for run in order.chunks_mut(ROWS_PER_STEP) {
        end.check()?;
        run.sort_by(|a, b| row(*a).cmp(&row(*b)));
    }
    let (mut run, mut merged) = (ROWS_PER_STEP, Vec::with_capacity(order.len()));
    while run < order.len() {
        for pair in order.chunks(2 * run) {
            let (mut left, mut right) = pair.split_at(run.min(pair.len()));
            while let (Some(l), Some(r)) = (left.first(), right.first()) {
                if merged.len() % ROWS_PER_STEP == 0 {
                    end.check()?;
                }
                let smaller = if row(*r) < row(*l) {
                    &mut right
                } else {
                    &mut left
                };
                merged.push(smaller[0]);
                *smaller = &smaller[1..];
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        merged.clear();
        run *= 2;
    }
    Ok(order)
}
