//! Simple and extended queries over one connection's session.

mod copy;
pub(super) mod shims;

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use arrow_pg::datatypes::{arrow_schema_to_pg_fields, encode_recordbatch, into_pg_type};
use async_trait::async_trait;
use datafusion::common::ParamValues;
use futures::{Sink, StreamExt, stream};
use pgwire::api::portal::{Format, Portal, PortalExecutionState};
use pgwire::api::query::{
    ExtendedQueryHandler, SimpleQueryHandler, send_execution_response, send_query_response,
};
use pgwire::api::results::{DescribePortalResponse, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::Execute;

use super::catalog;
use super::connection::{Connection, pg_error};
use super::settings::SessionStatement;
use crate::sql::{self, Prepared, SqlError};

/// Answers the queries of one connection.
pub(crate) struct Queries {
    connection: Arc<Connection>,
}

/// A statement that is parsed and, if it is a query, planned.
#[derive(Clone, Debug)]
pub(crate) enum Parsed {
    Session(SessionStatement),
    Query(Box<Prepared>),
    /// A query whose rows go out as lines.
    Copy(Box<Prepared>, copy::Layout),
}

impl Parsed {
    fn query(&self) -> Option<&Prepared> {
        match self {
            Self::Query(prepared) | Self::Copy(prepared, _) => Some(prepared),
            Self::Session(_) => None,
        }
    }
}

impl Queries {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }

    /// The statements of a query text, queries planned.
    async fn parse(&self, query: &str) -> PgWireResult<Vec<Parsed>> {
        let session = self.connection.session().await?.clone();
        let query = query.to_owned();
        let parsing = async move {
            let mut parsed = Vec::new();
            for mut statement in sql::statements(&query)? {
                catalog::answerable(&mut statement);
                parsed.push(
                    match (SessionStatement::of(&statement), copy::asked(&statement)?) {
                        (Some(statement), _) => Parsed::Session(statement),
                        (None, Some(copy)) => {
                            let prepared = sql::prepare(&session, copy.query).await?;
                            Parsed::Copy(Box::new(prepared), copy.layout)
                        }
                        (None, None) => {
                            Parsed::Query(Box::new(sql::prepare(&session, statement).await?))
                        }
                    },
                );
            }
            let copies = parsed
                .iter()
                .any(|parsed| matches!(parsed, Parsed::Copy(..)));
            if copies && parsed.len() != 1 {
                return Err(SqlError::Unsupported(
                    "COPY is to be sent by itself, without other statements".to_owned(),
                ));
            }
            Ok(parsed)
        };
        let cancelled = self.connection.begin_query();
        let limits = self.connection.limits();
        tokio::select! {
            parsed = self.connection.sql.apart(limits, parsing) => parsed.map_err(|e| pg_error(&e)),
            () = self.connection.given_up(&cancelled) => Err(PgWireError::QueryCanceled),
        }
    }

    async fn answer<C>(
        &self,
        client: &mut C,
        parsed: &Parsed,
        params: Option<ParamValues>,
        format: &Format,
    ) -> PgWireResult<Response>
    where
        C: Sink<PgWireBackendMessage> + Unpin + Send,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match parsed {
            Parsed::Copy(prepared, layout) => {
                let rows = self.rows(prepared, params, &Format::UnifiedText).await?;
                let tag = copy::send(client, rows, layout).await?;
                Ok(Response::Execution(tag))
            }
            Parsed::Session(statement) => self.answer_session(statement, format),
            Parsed::Query(prepared) => self
                .rows(prepared, params, format)
                .await
                .map(Response::Query),
        }
    }

    fn answer_session(
        &self,
        statement: &SessionStatement,
        format: &Format,
    ) -> PgWireResult<Response> {
        Ok(match statement {
            SessionStatement::Begin => Response::TransactionStart(Tag::new("BEGIN")),
            SessionStatement::Commit => Response::TransactionEnd(Tag::new("COMMIT")),
            SessionStatement::Rollback => Response::TransactionEnd(Tag::new("ROLLBACK")),
            SessionStatement::Savepoint(word) => Response::Execution(Tag::new(word)),
            SessionStatement::SetTimeout(timeout) => {
                self.connection.set_timeout(*timeout);
                Response::Execution(Tag::new("SET"))
            }
            SessionStatement::Set => Response::Execution(Tag::new("SET")),
            SessionStatement::Deallocate => Response::Execution(Tag::new("DEALLOCATE")),
            SessionStatement::Discard => Response::Execution(Tag::new("DISCARD ALL")),
            SessionStatement::Show { name, value: None } => {
                let text = format!("unrecognized configuration parameter \"{name}\"");
                return Err(pg_error(&SqlError::Invalid(text)));
            }
            SessionStatement::Show {
                name,
                value: Some(value),
            } => {
                let fields = pg_fields(&show_schema(name), format)?;
                let column = Arc::new(StringViewArray::from(vec![*value]));
                let row = RecordBatch::try_new(show_schema(name).into(), vec![column])
                    .map_err(|e| pg_error(&SqlError::Execution(e.to_string())))?;
                let rows: Vec<_> = encode_recordbatch(Arc::clone(&fields), row).collect();
                Response::Query(QueryResponse::new(fields, stream::iter(rows)))
            }
        })
    }

    /// Starts a query. The stream ends with an error as soon as the client cancels or is gone; dropping it then
    /// ends the work.
    async fn rows(
        &self,
        prepared: &Prepared,
        params: Option<ParamValues>,
        format: &Format,
    ) -> PgWireResult<QueryResponse> {
        let session = self.connection.session().await?;
        let cancelled = self.connection.begin_query();
        let starting = self
            .connection
            .sql
            .run(session, prepared, params, self.connection.limits());
        let batches = tokio::select! {
            batches = starting => batches.map_err(|e| pg_error(&e))?,
            () = self.connection.given_up(&cancelled) => return Err(PgWireError::QueryCanceled),
        };
        let fields = pg_fields(&batches.schema(), format)?;
        let state = Some((batches, Arc::clone(&self.connection), cancelled));
        let batches = stream::unfold(state, |state| async move {
            let (mut batches, connection, cancelled) = state?;
            tokio::select! {
                batch = batches.next() => match batch? {
                    Ok(batch) => Some((Ok(batch), Some((batches, connection, cancelled)))),
                    Err(error) => Some((Err(pg_error(&error)), None)),
                },
                () = connection.given_up(&cancelled) => Some((Err(PgWireError::QueryCanceled), None)),
            }
        });
        let encoded = Arc::clone(&fields);
        let rows = batches.flat_map(move |batch| match batch {
            Ok(batch) => stream::iter(encode_recordbatch(Arc::clone(&encoded), batch)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        });
        Ok(QueryResponse::new(fields, rows))
    }

    fn params(&self, portal: &Portal<Parsed>) -> PgWireResult<Option<ParamValues>> {
        let Some(prepared) = portal.statement.statement.query() else {
            return Ok(None);
        };
        if portal.parameter_len() == 0 {
            return Ok(None);
        }
        let inferred = inferred_types(prepared)?;
        let declared = &portal.statement.parameter_types;
        let inferred: Vec<_> = inferred
            .iter()
            .enumerate()
            .map(|(n, inferred)| {
                let declared = declared.get(n).and_then(Option::as_ref);
                let inferred = inferred.as_ref();
                inferred.filter(|inferred| !declared.is_some_and(|d| keeps_type(d, inferred)))
            })
            .collect();
        // A NULL whose type nobody knows would be left out, and the values after it take the wrong places.
        let unknown = |n: usize| portal.parameters.get(n).is_some_and(Option::is_none);
        let server: Vec<Option<Type>> = inferred
            .iter()
            .enumerate()
            .map(|(n, data_type)| match data_type {
                Some(data_type) => into_pg_type(data_type).map(Some),
                None => Ok(unknown(n).then_some(Type::TEXT)),
            })
            .collect::<PgWireResult<_>>()?;
        let server: Vec<_> = server.iter().map(Option::as_ref).collect();
        deserialize_parameters_with_server_types(portal, &inferred, &server).map(Some)
    }
}

/// Whether a value of the type that the client declared goes into the query as it is, for the planner to make both
/// sides one: the library turns no number into a decimal, no fraction into an integer and no interval into a time.
fn keeps_type(declared: &Type, inferred: &DataType) -> bool {
    let float = matches!(*declared, Type::FLOAT4 | Type::FLOAT8);
    let integer = matches!(*declared, Type::INT2 | Type::INT4 | Type::INT8);
    inferred.is_decimal() && (integer || float)
        || inferred.is_integer() && float
        || matches!(inferred, DataType::Timestamp(..)) && *declared == Type::INTERVAL
}

fn show_schema(name: &str) -> Schema {
    Schema::new(vec![Field::new(
        name.to_lowercase(),
        DataType::Utf8View,
        false,
    )])
}

fn pg_fields(schema: &Schema, format: &Format) -> PgWireResult<Arc<Vec<FieldInfo>>> {
    arrow_schema_to_pg_fields(schema, format, None).map(Arc::new)
}

/// Types of `$1`, `$2`, … as far as the query tells them.
fn inferred_types(prepared: &Prepared) -> PgWireResult<Vec<Option<DataType>>> {
    let types = prepared.plan.get_parameter_types();
    let types = types.map_err(|e| pg_error(&SqlError::Invalid(e.strip_backtrace())))?;
    let number = |name: &str| name.trim_start_matches('$').parse::<usize>().ok();
    let count = types
        .keys()
        .filter_map(|name| number(name))
        .max()
        .unwrap_or(0);
    Ok((1..=count)
        .map(|n| types.get(&format!("${n}")).cloned().flatten())
        .collect())
}

#[async_trait]
impl SimpleQueryHandler for Queries {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let mut responses = Vec::new();
        for parsed in self.parse(query).await? {
            let answer = self.answer(client, &parsed, None, &Format::UnifiedText);
            responses.push(answer.await?);
        }
        Ok(responses)
    }
}

#[async_trait]
impl ExtendedQueryHandler for Queries {
    type Statement = Parsed;
    type QueryParser = Self;

    fn query_parser(&self) -> Arc<Self> {
        Arc::new(Self {
            connection: Arc::clone(&self.connection),
        })
    }

    /// As the default does, except that all rows of a result are passed on as they come: the default gathers them.
    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        let portal = match client.portal_store().get_portal(name) {
            Some(Entry::Value(portal)) if message.max_rows == 0 => portal,
            _ => return self._on_execute(client, message).await,
        };
        let is_new = matches!(&*portal.state().lock().await, PortalExecutionState::Initial);
        let is_query = matches!(portal.statement.statement, Parsed::Query(_));
        if !is_new || !is_query {
            return self._on_execute(client, message).await;
        }
        client.set_state(PgWireConnectionState::QueryInProgress);
        match ExtendedQueryHandler::do_query(self, client, &portal, 0).await? {
            Response::Query(rows) => {
                send_query_response(client, rows, false).await?;
                *portal.state().lock().await = PortalExecutionState::Finished;
            }
            Response::Execution(tag) => send_execution_response(client, tag).await?,
            _ => {
                return Err(pg_error(&SqlError::Execution(
                    "a query has rows".to_owned(),
                )));
            }
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        Ok(())
    }

    async fn do_describe_portal<C>(
        &self,
        _client: &mut C,
        portal: &Portal<Parsed>,
    ) -> PgWireResult<DescribePortalResponse>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Parsed>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let mut parsed = portal.statement.statement.clone();
        if let (Parsed::Query(prepared), Some(params)) = (&mut parsed, self.params(portal)?) {
            sql::bind(prepared, params).map_err(|e| pg_error(&e))?;
        }
        let fields = self.get_result_schema(&parsed, Some(&portal.result_column_format))?;
        Ok(DescribePortalResponse::new(fields))
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Parsed>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Parsed>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let params = self.params(portal)?;
        self.answer(
            client,
            &portal.statement.statement,
            params,
            &portal.result_column_format,
        )
        .await
    }
}

#[async_trait]
impl QueryParser for Queries {
    type Statement = Parsed;

    async fn parse_sql<C>(
        &self,
        _client: &C,
        query: &str,
        _types: &[Option<Type>],
    ) -> PgWireResult<Option<Parsed>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let mut statements = self.parse(query).await?;
        match statements.len() {
            0 => Ok(None),
            1 => Ok(statements.pop()),
            n => Err(pg_error(&SqlError::Invalid(format!(
                "a prepared statement has one command, this has {n}"
            )))),
        }
    }

    fn get_parameter_types(&self, parsed: &Parsed) -> PgWireResult<Vec<Type>> {
        let Some(prepared) = parsed.query() else {
            return Ok(Vec::new());
        };
        let types = inferred_types(prepared)?;
        types
            .iter()
            .map(|inferred| inferred.as_ref().map_or(Ok(Type::TEXT), into_pg_type))
            .collect()
    }

    fn get_result_schema(
        &self,
        parsed: &Parsed,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        let format = format.unwrap_or(&Format::UnifiedText);
        match parsed {
            Parsed::Query(prepared) => arrow_schema_to_pg_fields(&prepared.schema, format, None),
            Parsed::Session(SessionStatement::Show { name, .. }) => {
                arrow_schema_to_pg_fields(&show_schema(name), format, None)
            }
            Parsed::Session(_) | Parsed::Copy(..) => Ok(Vec::new()),
        }
    }
}
