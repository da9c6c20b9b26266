//! Queries: who asks, what they may see, and what a query may take.
//!
//! A query runs on threads of its own at nice 10, as one task; dropping its [`QueryStream`] aborts the task and
//! everything it spawned at the next batch, so that cancel, timeout and a vanished client end the work as well as
//! the answer. Results are handed over through a short channel: a slow client holds no more than a few batches.

mod bounded;
mod check;
mod dialect;
mod error;
mod functions;
mod gate;
mod information;
mod lists;
mod names;
mod pieces;
mod planning;
mod portions;
mod spill;
mod stoppable;
mod text;
mod windows;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::ParamValues;
use datafusion::datasource::ViewTable;
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::Statement;
use futures::{Stream, StreamExt};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::DropGuard;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use check::statements;
pub use error::SqlError;
pub use stoppable::Steps;

use crate::config::QueryConfig;
use crate::hot::Shared;
use crate::ingest::CaughtUp;
use crate::lake::OwnedRuntime;
use crate::paged::{PagedTable, PagesFn, Row};
use crate::provider::FactTable;
use crate::stations::{Present, PresentTable, Stations};
use crate::{Config, LakeError, Table, views};

/// Name of the database and of the schema.
pub(crate) const CATALOG: &str = "sigec";
/// Rows that an operator works on at a time, between two moments at which its query can be ended. The engine's own
/// default of 8,192 makes an expensive expression over them take seconds.
const BATCH_ROWS: usize = 2_048;
/// Batches on their way to a client.
const BATCHES_WAITING: usize = 4;
/// Longest query text, in bytes.
const QUERY_LEN_MAX: usize = 1 << 20;

/// What a principal may do; the part of it that SQL knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Acts on stations, reads raw messages.
    Operator,
    /// Reads facts.
    ReadOnly,
}

/// As the API names it.
impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::ReadOnly => "read_only",
        })
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Only rows of this tenant are seen.
    pub tenant: String,
    /// `ocpp_messages` and `quarantined_messages` need `Operator` or `Admin`.
    pub role: Role,
    /// For `current_user` and the log.
    pub name: String,
}

/// What a caller asks for within the configured limits; `None` is the configured limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// The query is ended after this long.
    pub timeout: Option<Duration>,
    /// A longer result is an error.
    pub rows_max: Option<usize>,
}

/// Answers queries; cheap to clone.
#[derive(Clone)]
pub struct Sql {
    engine: Arc<Engine>,
}

struct Engine {
    tables: Vec<Arc<Shared>>,
    caught_up: CaughtUp,
    stations: Stations,
    env: Arc<RuntimeEnv>,
    permits: Arc<Semaphore>,
    counts: Arc<stoppable::Counts>,
    config: QueryConfig,
    runtime: OwnedRuntime,
}

/// A query that is planned and may be run: the plan, and the names its columns go by.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) plan: LogicalPlan,
    /// Of the result, with PostgreSQL's column names.
    pub(crate) schema: SchemaRef,
}

/// Rows of a running query. Dropping it ends the query.
pub struct QueryStream {
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch, SqlError>>,
    _task: AbortOnDropHandle<()>,
    /// Tells what of the task does not come to a yield.
    _given_up: DropGuard,
}

impl QueryStream {
    /// The columns, with the names that PostgreSQL would give them.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch, SqlError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_recv(cx)
    }
}

impl Sql {
    pub(crate) fn new(
        config: &Config,
        tables: Vec<Arc<Shared>>,
        caught_up: CaughtUp,
        stations: Stations,
    ) -> Result<Self, LakeError> {
        let io = |source| LakeError::Io {
            doing: "preparing the spill directory",
            path: config.spill_dir.clone(),
            source,
        };
        empty_dir(&config.spill_dir).map_err(io)?;
        let runtime = OwnedRuntime::start("query", config.query.threads).map_err(io)?;
        let pool = FairSpillPool::new(config.query.memory);
        let top = std::num::NonZeroUsize::MIN.saturating_add(2);
        let spill = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![config.spill_dir.clone()]))
            .with_max_temp_directory_size(config.query.spill_bytes);
        let env = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, top)))
            .with_disk_manager_builder(spill)
            .build_arc()?;
        let engine = Engine {
            tables,
            caught_up,
            stations,
            env,
            permits: Arc::new(Semaphore::new(config.query.concurrency.max(1))),
            counts: Arc::default(),
            config: config.query.clone(),
            runtime,
        };
        Ok(Self {
            engine: Arc::new(engine),
        })
    }

    /// Runs one query for `principal`.
    ///
    /// # Errors
    ///
    /// Any [`SqlError`] found before the first row; later ones come through the stream.
    pub async fn execute(
        &self,
        principal: &Principal,
        query: &str,
        limits: Limits,
    ) -> Result<QueryStream, SqlError> {
        let (sql, principal, query) = (self.clone(), principal.clone(), query.to_owned());
        self.start(limits, move || async move {
            let session = sql.session(&principal).await?;
            let statement = check::one_statement(&query)?;
            let prepared = prepare(&session, statement).await?;
            Ok((session, prepared))
        })
        .await
    }

    /// Runs a prepared query of a session.
    pub(crate) async fn run(
        &self,
        session: &SessionContext,
        prepared: &Prepared,
        params: Option<ParamValues>,
        limits: Limits,
    ) -> Result<QueryStream, SqlError> {
        let (session, mut prepared) = (session.clone(), prepared.clone());
        self.start(limits, move || async move {
            if let Some(params) = params {
                bind(&mut prepared, params)?;
            }
            Ok((session, prepared))
        })
        .await
    }

    async fn start<F, P>(&self, limits: Limits, prepare: F) -> Result<QueryStream, SqlError>
    where
        F: FnOnce() -> P + Send + 'static,
        P: Future<Output = Result<(SessionContext, Prepared), SqlError>> + Send + 'static,
    {
        let config = &self.engine.config;
        let timeout = limits
            .timeout
            .map_or(config.timeout, |asked| asked.min(config.timeout));
        let rows_max = limits
            .rows_max
            .map_or(config.rows_max, |asked| asked.min(config.rows_max));
        let engine = Arc::clone(&self.engine);
        let (schema_out, schema_in) = oneshot::channel();
        let (rows_out, batches) = mpsc::channel(BATCHES_WAITING);
        let end = stoppable::End::after(timeout, Arc::clone(&self.engine.counts));
        let given_up = end.given_up.clone().drop_guard();
        let task = async move {
            let mut begun = Some(schema_out);
            let query = async {
                engine.caught_up.wait(&engine.tables).await;
                let permit = engine.permits.acquire();
                let _permit = permit.await.map_err(|_| SqlError::Cancelled)?;
                let (session, prepared) = prepare().await?;
                send_rows(&session, prepared, rows_max, &end, &mut begun, &rows_out).await
            };
            let query = planning::until(end.clone(), query);
            let ended = tokio::time::timeout(timeout, query).await;
            let error = match ended {
                Ok(Ok(())) => return,
                // Work that asks finds out before the clock is heard, and some of it says so in words of its own.
                Ok(Err(_)) if end.is_late() => SqlError::Timeout { timeout },
                Ok(Err(error)) => error,
                Err(_) => SqlError::Timeout { timeout },
            };
            // A receiver that is gone has lost interest in the error as well.
            match begun.take() {
                Some(begun) => drop(begun.send(Err(error))),
                None => drop(rows_out.send(Err(error)).await),
            }
        };
        let task = AbortOnDropHandle::new(self.engine.runtime.handle().spawn(task));
        let schema = schema_in.await.map_err(|_| SqlError::Cancelled)??;
        Ok(QueryStream {
            schema,
            batches,
            _task: task,
            _given_up: given_up,
        })
    }

    /// Runs `work` where queries run: their threads have room for deep plans, low priority, and a timeout.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        limits: Limits,
        work: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlError> {
        let timeout = limits.timeout.map_or(self.engine.config.timeout, |asked| {
            asked.min(self.engine.config.timeout)
        });
        let end = stoppable::End::after(timeout, Arc::clone(&self.engine.counts));
        let _given_up = end.given_up.clone().drop_guard();
        let work = tokio::time::timeout(timeout, planning::until(end.clone(), work));
        let task = AbortOnDropHandle::new(self.engine.runtime.handle().spawn(work));
        match task.await {
            Ok(Ok(Err(_))) if end.is_late() => Err(SqlError::Timeout { timeout }),
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(SqlError::Timeout { timeout }),
            Err(_) => Err(SqlError::Cancelled),
        }
    }

    /// Tasks that work on queries now; 0 when none runs.
    pub fn running_tasks(&self) -> usize {
        self.engine.runtime.handle().metrics().num_alive_tasks()
    }

    /// How much work queries have made since the start.
    pub fn steps(&self) -> Steps {
        self.engine.counts.steps()
    }

    /// A context that sees what `principal` may see.
    pub(crate) async fn session(&self, principal: &Principal) -> Result<SessionContext, SqlError> {
        let engine = &self.engine;
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema(CATALOG, CATALOG)
            .with_create_default_catalog_and_schema(false)
            .with_batch_size(BATCH_ROWS)
            .with_target_partitions(engine.config.threads.max(1));
        let options = config.options_mut();
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.reorder_filters = true;
        // Each sort sets this aside to merge what it spilled; the default of 10 MB suits larger pools.
        options.execution.sort_spill_reservation_bytes =
            (engine.config.memory / 64).clamp(64 << 10, 10 << 20);
        options.execution.time_zone = Some("UTC".to_owned());
        options.sql_parser.dialect = datafusion::config::Dialect::PostgreSQL;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&engine.env))
            .with_default_features()
            .build();
        let session = SessionContext::new_with_state(planning::endable(state));
        bounded::apply(&session);
        functions::apply(&session);
        let schema = Arc::new(MemorySchemaProvider::new());
        self.register(principal, &schema)
            .map_err(|e| SqlError::planning(&e))?;
        let catalog = MemoryCatalogProvider::new();
        catalog
            .register_schema(CATALOG, schema.clone())
            .map_err(|e| SqlError::planning(&e))?;
        information::register(&session, &catalog).map_err(|e| SqlError::planning(&e))?;
        session.register_catalog(CATALOG, Arc::new(catalog));
        for view in views::all() {
            let provider = plan_view(&session, &view).await?;
            schema
                .register_table(view.name.to_owned(), Arc::new(provider))
                .map_err(|e| SqlError::planning(&e))?;
        }
        Ok(session)
    }

    fn register(
        &self,
        principal: &Principal,
        schema: &MemorySchemaProvider,
    ) -> Result<(), DataFusionError> {
        let tenant = &principal.tenant;
        for shared in &self.engine.tables {
            let table = shared.table;
            let provider: Arc<dyn TableProvider> = if may_read(principal, table) {
                Arc::new(FactTable {
                    shared: Arc::clone(shared),
                    tenant: tenant.clone(),
                })
            } else {
                Arc::new(check::Forbidden {
                    table,
                    principal: principal.clone(),
                })
            };
            schema.register_table(table.name().to_owned(), provider)?;
        }
        for present in Present::ALL {
            let source = self.engine.stations.clone();
            let provider = PresentTable {
                present,
                tenant: tenant.clone(),
                source,
            };
            schema.register_table(present.name().to_owned(), Arc::new(provider))?;
        }
        let stations = &self.engine.stations;
        register_paged(schema, tenant, &stations.variables)?;
        register_paged(schema, tenant, &stations.reservations)?;
        register_paged(schema, tenant, &stations.charging_profiles)?;
        register_paged(schema, tenant, &stations.der_controls)?;
        register_paged(schema, tenant, &stations.der_alarms)?;
        register_paged(schema, tenant, &stations.battery_swaps)?;
        register_paged(schema, tenant, &stations.monitors)?;
        register_paged(schema, tenant, &stations.display_messages)
    }
}

fn register_paged<R: Row>(
    schema: &MemorySchemaProvider,
    tenant: &str,
    source: &PagesFn<R>,
) -> Result<(), DataFusionError> {
    let table = PagedTable {
        tenant: tenant.to_owned(),
        source: Arc::clone(source),
    };
    schema.register_table(R::NAME.to_owned(), Arc::new(table))?;
    Ok(())
}

/// Raw frames hold what a station's user typed or swiped, and so may what vendors pass on; facts do not.
fn may_read(principal: &Principal, table: Table) -> bool {
    match (table, principal.role) {
        (
            Table::OcppMessages | Table::QuarantinedMessages | Table::Notifications,
            Role::ReadOnly,
        ) => false,
        (_, Role::Admin | Role::Operator | Role::ReadOnly) => true,
    }
}

async fn plan_view(session: &SessionContext, view: &views::View) -> Result<ViewTable, SqlError> {
    let statement = check::own_statement(&view.sql)?;
    let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
    let plan = session.state().statement_to_plan(statement).await;
    let plan = plan.map_err(|e| SqlError::planning(&e))?;
    Ok(ViewTable::new(plan, Some(view.sql.clone())))
}

/// Plans a statement and refuses what is not a query.
pub(crate) async fn prepare(
    session: &SessionContext,
    mut statement: Statement,
) -> Result<Prepared, SqlError> {
    check::is_query(&statement)?;
    let names = names::of(&statement);
    dialect::translate(&mut statement)?;
    let planned = plan(session, statement.clone()).await;
    let planned = match planned {
        Err(error) if is_one_name_twice(&error) && names.is_some() => {
            dialect::tell_columns_apart(&mut statement);
            plan(session, statement).await
        }
        planned => planned,
    };
    let plan = planned.map_err(|e| SqlError::planning(&e))?;
    check::reads_only(&plan)?;
    check::sizes_are_small(&plan)?;
    let schema = renamed(plan.schema().as_arrow(), names);
    Ok(Prepared { plan, schema })
}

async fn plan(
    session: &SessionContext,
    statement: Statement,
) -> Result<LogicalPlan, DataFusionError> {
    let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
    session.state().statement_to_plan(statement).await
}

/// The engine says so in these words alone.
fn is_one_name_twice(error: &DataFusionError) -> bool {
    error
        .strip_backtrace()
        .contains("require unique expression names")
}

/// Puts values in the places of `$1`, `$2`, …; with them the types of the result are known.
pub(crate) fn bind(prepared: &mut Prepared, params: ParamValues) -> Result<(), SqlError> {
    let plan = prepared.plan.clone().with_param_values(params);
    prepared.plan = plan.map_err(|e| SqlError::planning(&e))?;
    let names = prepared
        .schema
        .fields()
        .iter()
        .map(|field| Some(field.name().clone()))
        .collect();
    prepared.schema = renamed(prepared.plan.schema().as_arrow(), Some(names));
    Ok(())
}

/// With `names` where there is one for every column.
fn renamed(schema: &Schema, names: Option<Vec<Option<String>>>) -> SchemaRef {
    let names = names.filter(|names| names.len() == schema.fields().len());
    let Some(names) = names else {
        return Arc::new(schema.clone());
    };
    let field = |(field, name): (&Arc<arrow::datatypes::Field>, Option<String>)| match name {
        Some(name) => Arc::new(field.as_ref().clone().with_name(name)),
        None => Arc::clone(field),
    };
    let fields: Vec<_> = schema.fields().iter().zip(names).map(field).collect();
    Arc::new(Schema::new(fields))
}

async fn send_rows(
    session: &SessionContext,
    prepared: Prepared,
    rows_max: usize,
    end: &stoppable::End,
    begun: &mut Option<oneshot::Sender<Result<SchemaRef, SqlError>>>,
    rows_out: &mpsc::Sender<Result<RecordBatch, SqlError>>,
) -> Result<(), SqlError> {
    let running = |e: DataFusionError| SqlError::running(&e);
    let frame = session
        .execute_logical_plan(prepared.plan)
        .await
        .map_err(running)?;
    let env = session.runtime_env();
    let own = RuntimeEnv {
        memory_pool: portions::until(end, &env.memory_pool),
        disk_manager: spill::until(end, &env.disk_manager).map_err(running)?,
        ..env.as_ref().clone()
    };
    let context = Arc::new(frame.task_ctx().with_runtime(Arc::new(own)));
    let plan = frame.create_physical_plan().await.map_err(running)?;
    let plan = stoppable::stoppable(plan, end).map_err(running)?;
    let mut stream = execute_stream(plan, context).map_err(running)?;
    // Types of parameters are known only now, names before.
    let names = prepared
        .schema
        .fields()
        .iter()
        .map(|field| Some(field.name().clone()))
        .collect();
    let schema = renamed(&stream.schema(), Some(names));
    if let Some(begun) = begun.take() {
        // A caller that is gone drops the stream, which aborts this task.
        drop(begun.send(Ok(Arc::clone(&schema))));
    }
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(running)?;
        rows += batch.num_rows();
        if rows_max < rows {
            return Err(SqlError::TooManyRows { rows_max });
        }
        let columns = batch.columns().to_vec();
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)
            .map_err(|e| SqlError::Execution(e.to_string()))?;
        if rows_out.send(Ok(batch)).await.is_err() {
            return Err(SqlError::Cancelled);
        }
    }
    Ok(())
}

/// What queries of an earlier process left behind is nobody's.
fn empty_dir(dir: &std::path::Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        Ok(()) | Err(_) => {}
    }
    std::fs::create_dir_all(dir)
}
