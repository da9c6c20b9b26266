//! The columns of a table in the lake beside those that this program writes.
//!
//! A program knows a table's columns by name. A lake that an older one wrote has fewer: they are added behind the others,
//! nullable, and files that were written before have NULL there. A lake with more, or with a column of another type, is
//! left as it is: merging its files would drop what this program does not know.

use std::sync::Arc;

use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::schema::{DataType as DeltaType, StructField, StructType};
use delta_kernel::snapshot::{Snapshot, SnapshotRef};
use delta_kernel::transaction::{CommitResult, UpdateTableOperation};

use super::{ATTEMPTS_MAX, DeltaTable, ENGINE_INFO};
use crate::table::{Column, Kind};
use crate::{LakeError, Table};

/// A table's columns as Delta writes them.
pub(super) fn of(table: Table) -> StructType {
    let field = |column: &Column| StructField::nullable(column.name, delta_type(column.kind));
    StructType::try_new(table.columns().iter().map(field)).expect("column names are distinct")
}

fn delta_type(kind: Kind) -> DeltaType {
    match kind {
        Kind::Text => DeltaType::STRING,
        Kind::Int => DeltaType::INTEGER,
        Kind::BigInt => DeltaType::LONG,
        Kind::Double => DeltaType::DOUBLE,
        Kind::Bool => DeltaType::BOOLEAN,
        Kind::Timestamp => DeltaType::TIMESTAMP,
        Kind::Energy => DeltaType::decimal(18, 3).expect("scale is below precision"),
        Kind::Money => DeltaType::decimal(18, 2).expect("scale is below precision"),
        Kind::Date => DeltaType::DATE,
    }
}

/// The columns that the table in the lake has not got yet.
///
/// # Errors
///
/// [`LakeError::Newer`] when it has some that this program does not know, [`LakeError::Schema`] when one is of another type.
pub(super) fn missing(table: Table, snapshot: &Snapshot) -> Result<Vec<StructField>, LakeError> {
    let (ours, theirs) = (of(table), snapshot.schema());
    let unknown = theirs.fields().filter(|field| !ours.contains(field.name()));
    let unknown: Vec<_> = unknown.map(|field| field.name().as_str()).collect();
    if !unknown.is_empty() {
        return Err(LakeError::Newer {
            table,
            columns: unknown.join(", "),
        });
    }
    let mut missing = Vec::new();
    for field in ours.fields() {
        match theirs.field(field.name()).map(StructField::data_type) {
            Some(found) if found == field.data_type() => {}
            Some(found) => {
                return Err(LakeError::Schema {
                    table,
                    column: field.name().clone(),
                    found: found.to_string(),
                    expected: field.data_type().to_string(),
                });
            }
            None => missing.push(field.clone()),
        }
    }
    Ok(missing)
}

impl DeltaTable {
    /// Adds the columns that the table has not got yet: all of them in one commit, or none.
    ///
    /// # Errors
    ///
    /// As [`DeltaTable::open`], and whatever keeps a commit from landing.
    pub(crate) fn grow(&mut self) -> Result<(), LakeError> {
        for _ in 0..ATTEMPTS_MAX {
            let missing = missing(self.table, &self.snapshot)?;
            if missing.is_empty() {
                return Ok(());
            }
            let names: Vec<_> = missing.iter().map(|field| field.name().clone()).collect();
            match self.try_grow(missing)? {
                Some(snapshot) => {
                    self.snapshot = snapshot;
                    let columns = names.join(", ");
                    tracing::info!(table = %self.table, columns, version = self.version(), "added columns");
                    return Ok(());
                }
                None => self.refresh()?,
            }
        }
        Err(self.lost_races())
    }

    /// `None` when another commit took the version.
    fn try_grow(&self, missing: Vec<StructField>) -> Result<Option<SnapshotRef>, LakeError> {
        let doing = |e| self.error("adding columns", e);
        let builder = Arc::clone(&self.snapshot).update_table(
            UpdateTableOperation::AlterTable,
            ENGINE_INFO,
            false,
        );
        let builder = missing
            .into_iter()
            .fold(builder, |b, field| b.add_column(field));
        let txn = builder
            .build(self.engine.as_ref(), Box::new(FileSystemCommitter::new()))
            .map_err(doing)?;
        match txn.commit(self.engine.as_ref()).map_err(doing)? {
            CommitResult::Committed(committed) => {
                let snapshot = committed.post_commit_snapshot().map(Arc::clone);
                snapshot.map_or_else(|| self.latest(), Ok).map(Some)
            }
            CommitResult::Conflicted(_) | CommitResult::Retryable(_) => Ok(None),
        }
    }
}
