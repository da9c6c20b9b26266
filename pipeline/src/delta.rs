//! A table's Delta log, written through the official kernel.
//!
//! Data files are ours: the writer makes them, this module commits them. With every commit goes the position
//! of each log whose rows it holds, as the transaction `{log id}/{table}` with the last seq as its version.
//!
//! # What the kernel leaves to us
//!
//! - It does not sync: [`durable_fs`] does.
//! - It accepts a transaction version twice: [`DeltaTable::append`] compares before it commits.
//! - It does not check that a removed file is live: removals are built from the snapshot they are committed on.
//! - Its statistics cut timestamps to milliseconds downwards: [`files`] widens the upper bound.
//! - It neither vacuums nor cleans the log: [`vacuum`] does.

mod durable_fs;
mod files;
mod schema;
mod vacuum;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, StructArray};
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::expressions::Scalar;
use delta_kernel::snapshot::{Snapshot, SnapshotRef};
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::data_layout::DataLayout;
use delta_kernel::transaction::{CommitResult, UpdateTableOperation};
use delta_kernel::{FileMeta, KernelError};
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::parquet::DataFileMetadata;
use delta_kernel_default_engine::stats::FileStatsAccumulator;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder, build_add_file_metadata};
use fleet::{LogId, Seq};
use url::Url;

pub(crate) use files::{DataFile, Files};

use crate::{LakeError, Table};

const ENGINE_INFO: &str = concat!("sigec/", env!("CARGO_PKG_VERSION"));
/// How often a commit that lost a race is built anew. One process writes a table, so that losing is a sign of
/// a foreign writer (an `OPTIMIZE` by Spark), not of load.
const ATTEMPTS_MAX: usize = 5;

/// The kernel's engine over durable files.
pub(crate) type DeltaEngine = DefaultEngine<TokioMultiThreadExecutor>;

/// An engine whose I/O runs on `runtime`.
pub(crate) fn engine(runtime: &tokio::runtime::Handle) -> Arc<DeltaEngine> {
    let store = Arc::new(durable_fs::DurableFs::new());
    let executor = Arc::new(TokioMultiThreadExecutor::new(runtime.clone()));
    Arc::new(
        DefaultEngineBuilder::new(store)
            .with_task_executor(executor)
            .build(),
    )
}

pub(crate) use durable_fs::create_dir_durably;

/// One table of the lake.
pub(crate) struct DeltaTable {
    table: Table,
    dir: PathBuf,
    engine: Arc<DeltaEngine>,
    /// After our last commit: a fresh one would replay the log each time.
    snapshot: SnapshotRef,
}

/// A data file that is written and synced, and not committed yet.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    /// Days since 1970.
    pub(crate) date: i32,
    pub(crate) modified_ms: i64,
    pub(crate) stats: StructArray,
}

/// Gathers the statistics of a file while it is written.
pub(crate) struct FileStats(FileStatsAccumulator);

impl FileStats {
    pub(crate) fn new(table: Table) -> Self {
        let columns: Vec<_> = stats_columns(table)
            .iter()
            .map(|name| delta_kernel::expressions::ColumnName::new([*name]))
            .collect();
        Self(FileStatsAccumulator::new(&columns, &schema::of(table)))
    }

    pub(crate) fn add(&mut self, table: Table, rows: &RecordBatch) -> Result<(), LakeError> {
        self.0
            .merge(rows)
            .map_err(|e| delta_error(table, "gathering statistics", e))
    }

    pub(crate) fn finish(self, table: Table) -> Result<StructArray, LakeError> {
        let stats = self
            .0
            .finish()
            .map_err(|e| delta_error(table, "gathering statistics", e))?;
        Ok(stats.expect("a file has at least one batch of rows"))
    }
}

/// Columns by whose bounds files are left out of a scan.
fn stats_columns(table: Table) -> Vec<&'static str> {
    let mut columns = vec!["tenant", "station_id", "received_at", "log_id", "seq"];
    if !columns.contains(&table.time_column()) {
        columns.push(table.time_column());
    }
    if matches!(table, Table::MeterValues | Table::MeterSamples) {
        columns.push("evse_id");
    }
    columns
}

fn delta_error(table: Table, doing: &'static str, source: KernelError) -> LakeError {
    LakeError::Delta {
        table,
        doing,
        source: Box::new(source),
    }
}

impl DeltaTable {
    /// Opens the table below `lake_dir`; a new one is created.
    ///
    /// # Errors
    ///
    /// As [`DeltaTable::open`].
    pub(crate) fn open_or_create(
        engine: &Arc<DeltaEngine>,
        lake_dir: &Path,
        table: Table,
    ) -> Result<Self, LakeError> {
        let dir = lake_dir.join(table.name());
        if !Self::exists(lake_dir, table) {
            create(engine, &dir, table)?;
        }
        Self::open(engine, lake_dir, table)
    }

    /// True when the table was created before.
    pub(crate) fn exists(lake_dir: &Path, table: Table) -> bool {
        lake_dir.join(table.name()).join("_delta_log").exists()
    }

    /// Opens a table that exists. It may have fewer columns than this program writes: [`DeltaTable::grow`] adds them
    /// before a file with them is committed.
    ///
    /// # Errors
    ///
    /// [`LakeError::Delta`]; [`LakeError::Newer`] or [`LakeError::Schema`] when it has others.
    pub(crate) fn open(
        engine: &Arc<DeltaEngine>,
        lake_dir: &Path,
        table: Table,
    ) -> Result<Self, LakeError> {
        let dir = lake_dir.join(table.name());
        let snapshot = Snapshot::builder_for(url_of(&dir)?)
            .build(engine.as_ref())
            .map_err(|e| delta_error(table, "reading the Delta log", e))?;
        schema::missing(table, &snapshot)?;
        Ok(Self {
            table,
            dir,
            engine: Arc::clone(engine),
            snapshot,
        })
    }

    /// Which table this is.
    pub(crate) fn table(&self) -> Table {
        self.table
    }

    /// Where its files lie.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The last record of `log` whose rows are committed.
    fn position(&self, log: LogId) -> Result<Option<Seq>, LakeError> {
        let version = self
            .snapshot
            .get_app_id_version(&app_id(log, self.table), self.engine.as_ref())
            .map_err(|e| self.error("reading the log position", e))?;
        Ok(version.map(|seq| Seq(seq as u64)))
    }

    /// The positions of those of `logs` that the table knows.
    pub(crate) fn positions(&self, logs: &[LogId]) -> Result<BTreeMap<LogId, Seq>, LakeError> {
        let position = |log: &LogId| Ok(self.position(*log)?.map(|seq| (*log, seq)));
        logs.iter()
            .filter_map(|log| position(log).transpose())
            .collect()
    }

    /// The committed files.
    pub(crate) fn files(&self) -> Result<Files, LakeError> {
        let mut files = Vec::new();
        self.for_each_live(|batch, selected| {
            files::collect(self.table, batch, selected, &self.dir, &mut files);
        })?;
        Ok(Files::new(self.table, files))
    }

    /// Commits `new` together with the positions they reach.
    ///
    /// `expected` is what was committed of each log before; the table must still say so, or rows would be
    /// doubled. A table that says `positions` already has these rows: a commit before this one landed, although
    /// the disk called it an error. Then, and when the commit is refused, the new files are deleted.
    pub(crate) fn append(
        &mut self,
        new: &[NewFile],
        expected: &BTreeMap<LogId, Seq>,
        positions: &BTreeMap<LogId, Seq>,
    ) -> Result<(), LakeError> {
        for _ in 0..ATTEMPTS_MAX {
            match self.standing(expected, positions) {
                Ok(Standing::Before) => {}
                Ok(Standing::Landed) => {
                    delete_orphans(new);
                    return Ok(());
                }
                Err(error) => {
                    delete_orphans(new);
                    return Err(error);
                }
            }
            let change = Change {
                add: new,
                remove: &[],
                data_change: true,
                positions: Some(positions),
            };
            if self.commit_once(&change)? {
                return Ok(());
            }
        }
        Err(self.lost_races())
    }

    /// Where the table stands against what is to be committed.
    fn standing(
        &self,
        expected: &BTreeMap<LogId, Seq>,
        positions: &BTreeMap<LogId, Seq>,
    ) -> Result<Standing, LakeError> {
        let mut landed = 0;
        for (log, seq) in positions {
            let found = self.position(*log)?.unwrap_or_default();
            let before = expected.get(log).copied().unwrap_or_default();
            if found == *seq && before < found {
                landed += 1;
            } else if found != before || *seq < found {
                let (found, expected) = (found.0, before.0);
                return Err(LakeError::Zombie {
                    table: self.table,
                    log: *log,
                    found,
                    expected,
                });
            }
        }
        let all = landed == positions.len() && !positions.is_empty();
        Ok(if all {
            Standing::Landed
        } else {
            Standing::Before
        })
    }

    /// Replaces live files by others that hold the same rows.
    pub(crate) fn rewrite(&mut self, old: &[DataFile], new: &[NewFile]) -> Result<(), LakeError> {
        self.exchange(&Change {
            add: new,
            remove: old,
            data_change: false,
            positions: None,
        })
    }

    /// Drops live files and their rows.
    pub(crate) fn remove(&mut self, old: &[DataFile]) -> Result<(), LakeError> {
        self.exchange(&Change {
            add: &[],
            remove: old,
            data_change: true,
            positions: None,
        })
    }

    fn exchange(&mut self, change: &Change<'_>) -> Result<(), LakeError> {
        for _ in 0..ATTEMPTS_MAX {
            if self.commit_once(change)? {
                vacuum::retire(change.remove);
                return Ok(());
            }
        }
        Err(self.lost_races())
    }

    /// True when the change is committed; false when another commit came first, which is then known here.
    ///
    /// After an error the commit may have landed or not: its files are left to the vacuum.
    fn commit_once(&mut self, change: &Change<'_>) -> Result<bool, LakeError> {
        let committed = self.try_commit(change);
        match committed {
            Ok(Some(snapshot)) => {
                self.snapshot = snapshot;
                Ok(true)
            }
            Ok(None) => self.refresh().map(|()| false),
            Err(error) => {
                self.refresh()?;
                Err(error)
            }
        }
    }

    fn lost_races(&self) -> LakeError {
        let text = format!("lost {ATTEMPTS_MAX} races against another writer");
        self.error("committing", KernelError::generic(text))
    }

    /// `None` when another commit took the version, or the disk asks for another try.
    fn try_commit(&self, change: &Change<'_>) -> Result<Option<SnapshotRef>, LakeError> {
        let doing = |e| self.error("committing", e);
        let operation = match (change.remove.is_empty(), change.data_change) {
            (true, _) => UpdateTableOperation::StreamingUpdate,
            (false, true) => UpdateTableOperation::Delete,
            (false, false) => UpdateTableOperation::Optimize,
        };
        let mut builder =
            Arc::clone(&self.snapshot).update_table(operation, ENGINE_INFO, change.data_change);
        if change.remove.is_empty() && !change.add.is_empty() {
            builder = builder.with_blind_append();
        }
        let mut txn = builder
            .build(self.engine.as_ref(), Box::new(FileSystemCommitter::new()))
            .map_err(doing)?;
        for (log, seq) in change.positions.into_iter().flatten() {
            txn = txn.with_transaction_id(app_id(*log, self.table), seq.0 as i64);
        }
        let state = txn.write_state().map_err(doing)?;
        for file in change.add {
            let date = HashMap::from([("date".to_owned(), Scalar::Date(file.date))]);
            let context = state
                .write_context_builder()
                .with_partition_values(date)
                .build()
                .map_err(doing)?;
            let location = Url::from_file_path(&file.path)
                .map_err(|()| doing(KernelError::generic("data file without absolute path")))?;
            let meta = FileMeta::new(location, file.modified_ms, file.len);
            let metadata = DataFileMetadata::new(meta, file.stats.clone());
            txn.add_files(build_add_file_metadata(metadata, &context).map_err(doing)?);
        }
        if !change.remove.is_empty() {
            for removal in self.removals(change.remove)? {
                txn.remove_files(removal);
            }
        }
        match txn.commit(self.engine.as_ref()).map_err(doing)? {
            CommitResult::Committed(committed) => {
                let snapshot = committed.post_commit_snapshot().map(Arc::clone);
                snapshot.map_or_else(|| self.latest(), Ok).map(Some)
            }
            CommitResult::Conflicted(_) | CommitResult::Retryable(_) => Ok(None),
        }
    }

    /// The live entries of `files` as the kernel wants them back.
    fn removals(&self, files: &[DataFile]) -> Result<Vec<FilteredEngineData>, LakeError> {
        let wanted: HashSet<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        let mut removals = Vec::new();
        let mut found = 0;
        self.for_each_live(|batch, selected| {
            let mask: Vec<bool> = files::paths(batch, &self.dir)
                .zip(selected)
                .map(|(path, live)| *live && path.is_some_and(|path| wanted.contains(&*path)))
                .collect();
            found += mask.iter().filter(|remove| **remove).count();
            removals.push((batch.clone(), mask));
        })?;
        if found != files.len() {
            let text = format!(
                "{} of {} files are not live any more",
                files.len() - found,
                files.len()
            );
            return Err(self.error("removing files", KernelError::generic(text)));
        }
        let filtered = |(batch, mask)| {
            FilteredEngineData::try_new(Box::new(ArrowEngineData::new(batch)), mask)
                .map_err(|e| self.error("removing files", e))
        };
        removals.into_iter().map(filtered).collect()
    }

    /// Visits the scan rows of the snapshot, with a mask as long as the batch.
    fn for_each_live(&self, mut visit: impl FnMut(&RecordBatch, &[bool])) -> Result<(), LakeError> {
        let doing = |e| self.error("listing files", e);
        let scan = Arc::clone(&self.snapshot)
            .scan_builder()
            .without_row_transforms()
            .build()
            .map_err(doing)?;
        for metadata in scan.scan_metadata(self.engine.as_ref()).map_err(doing)? {
            let (data, mut selected) = metadata.map_err(doing)?.scan_files.into_parts();
            let data = ArrowEngineData::try_from_engine_data(data).map_err(doing)?;
            let batch = data.record_batch();
            selected.resize(batch.num_rows(), true);
            visit(batch, &selected);
        }
        Ok(())
    }

    /// Writes a checkpoint and a checksum when `commits` have gone by since the last one, and drops what they
    /// make superfluous in the log.
    pub(crate) fn checkpoint_after(&mut self, commits: u64) -> Result<(), LakeError> {
        let since = self.snapshot.version() - vacuum::last_checkpoint(&self.dir).unwrap_or(0);
        if since < commits {
            return Ok(());
        }
        let doing = |e| self.error("writing a checkpoint", e);
        let (_, snapshot) = self
            .snapshot
            .checkpoint(self.engine.as_ref(), None)
            .map_err(doing)?;
        let (_, snapshot) = snapshot
            .write_checksum(self.engine.as_ref())
            .map_err(doing)?;
        self.snapshot = snapshot;
        Ok(())
    }

    /// Deletes what neither the snapshot nor a reader of the last `after` can need.
    pub(crate) fn vacuum(
        &self,
        files: &Files,
        after: std::time::Duration,
    ) -> Result<usize, LakeError> {
        vacuum::run(&self.dir, files, after)
    }

    /// The version of the last commit.
    pub(crate) fn version(&self) -> u64 {
        self.snapshot.version()
    }

    fn refresh(&mut self) -> Result<(), LakeError> {
        self.snapshot = self.latest()?;
        Ok(())
    }

    fn latest(&self) -> Result<SnapshotRef, LakeError> {
        Snapshot::builder_for(url_of(&self.dir)?)
            .build(self.engine.as_ref())
            .map_err(|e| self.error("reading the Delta log", e))
    }

    fn error(&self, doing: &'static str, source: KernelError) -> LakeError {
        delta_error(self.table, doing, source)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Standing {
    /// Where the writer thinks it does.
    Before,
    /// Where the commit would bring it.
    Landed,
}

/// What one commit does.
struct Change<'a> {
    add: &'a [NewFile],
    remove: &'a [DataFile],
    data_change: bool,
    positions: Option<&'a BTreeMap<LogId, Seq>>,
}

fn create(engine: &Arc<DeltaEngine>, dir: &Path, table: Table) -> Result<(), LakeError> {
    let doing = |e| delta_error(table, "creating the table", e);
    create_dir_durably(dir).map_err(|source| LakeError::Io {
        doing: "creating",
        path: dir.to_owned(),
        source,
    })?;
    let result = create_table(url_of(dir)?, Arc::new(schema::of(table)), ENGINE_INFO, true)
        .with_data_layout(DataLayout::partitioned(["date"]))
        .with_table_properties([
            (
                "delta.dataSkippingStatsColumns",
                stats_columns(table).join(","),
            ),
            ("delta.checkpoint.writeStatsAsStruct", "true".to_owned()),
        ])
        .build(engine.as_ref(), Box::new(FileSystemCommitter::new()))
        .map_err(doing)?
        .commit(engine.as_ref())
        .map_err(doing)?;
    match result {
        CommitResult::Committed(_) | CommitResult::Conflicted(_) => Ok(()),
        CommitResult::Retryable(retryable) => Err(doing(retryable.error)),
    }
}

fn app_id(log: LogId, table: Table) -> String {
    format!("{log}/{table}")
}

fn url_of(dir: &Path) -> Result<Url, LakeError> {
    Url::from_directory_path(dir).map_err(|()| LakeError::Io {
        doing: "using a relative path, expected an absolute one",
        path: dir.to_owned(),
        source: std::io::ErrorKind::InvalidInput.into(),
    })
}

/// Files that no commit names; one that cannot be deleted now is found by the next vacuum.
fn delete_orphans(files: &[NewFile]) {
    for file in files {
        if let Err(error) = std::fs::remove_file(&file.path) {
            tracing::warn!(path = %file.path.display(), %error, "orphan data file is left for vacuum");
        }
    }
}
