//! `stations` and `connectors`: what is true now, asked of its owner at each query.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use crate::charging_profiles::ChargingProfileRow;
use crate::grid::{BatterySwapRow, DerAlarmRow, DerControlRow};
use crate::items::{DisplayMessageRow, MonitorRow};
use crate::paged::{self, PagesFn, texts, times};
use crate::reservations::ReservationRow;
use crate::table::Kind;
use crate::variables::VariableRow;

/// A row of `stations`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationRow {
    /// Whose station it is; queries of other tenants do not see it.
    pub tenant: String,
    /// The station's own name.
    pub station_id: String,
    /// As the operator said.
    pub site: Option<String>,
    /// As the operator said.
    pub address: Option<String>,
    /// Degrees.
    pub latitude: Option<f64>,
    /// Degrees.
    pub longitude: Option<f64>,
    /// Of the last BootNotification.
    pub vendor: Option<String>,
    /// Of the last BootNotification.
    pub model: Option<String>,
    /// Of the last BootNotification.
    pub serial_number: Option<String>,
    /// Of the last BootNotification.
    pub firmware_version: Option<String>,
    /// Of the last connection: `ocpp1.6`, `ocpp2.0.1`, `ocpp2.1`.
    pub protocol: Option<String>,
    /// `pending` or `accepted`.
    pub acceptance: String,
    /// True while it has a connection.
    pub online: bool,
    /// When the present or last connection began.
    pub connected_at: Option<i64>,
    /// When it last sent anything.
    pub last_seen_at: Option<i64>,
}

/// A row of `connectors`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectorRow {
    /// Whose station it is; queries of other tenants do not see it.
    pub tenant: String,
    /// The station's own name.
    pub station_id: String,
    /// As in 2.0.1; a 1.6 connector *n* is EVSE *n*.
    pub evse_id: u32,
    /// Within the EVSE.
    pub connector_id: u32,
    /// As 2.0.1 says it.
    pub status: Option<String>,
    /// As the station wrote it.
    pub status_reported: Option<String>,
    /// 1.6 `errorCode`.
    pub error_code: Option<String>,
    /// The running transaction.
    pub transaction_id: Option<String>,
    /// When the status began.
    pub changed_at: Option<i64>,
}

/// How the present state is asked for. Called on a query thread; it must not block for long.
#[derive(Clone)]
pub struct Stations {
    /// All stations of all tenants.
    pub stations: Arc<dyn Fn() -> Vec<StationRow> + Send + Sync>,
    /// All connectors of all tenants.
    pub connectors: Arc<dyn Fn() -> Vec<ConnectorRow> + Send + Sync>,
    /// Variables, a page at a time.
    pub variables: PagesFn<VariableRow>,
    /// Reservations, likewise.
    pub reservations: PagesFn<ReservationRow>,
    /// Charging profiles, likewise.
    pub charging_profiles: PagesFn<ChargingProfileRow>,
    /// DER controls, likewise.
    pub der_controls: PagesFn<DerControlRow>,
    /// DER alarms, likewise.
    pub der_alarms: PagesFn<DerAlarmRow>,
    /// Battery swaps, likewise.
    pub battery_swaps: PagesFn<BatterySwapRow>,
    /// Monitors, likewise.
    pub monitors: PagesFn<MonitorRow>,
    /// Display messages, likewise.
    pub display_messages: PagesFn<DisplayMessageRow>,
}

impl Stations {
    /// Nothing is known of any station.
    pub fn none() -> Self {
        Self {
            stations: Arc::new(Vec::new),
            connectors: Arc::new(Vec::new),
            variables: paged::none(),
            reservations: paged::none(),
            charging_profiles: paged::none(),
            der_controls: paged::none(),
            der_alarms: paged::none(),
            battery_swaps: paged::none(),
            monitors: paged::none(),
            display_messages: paged::none(),
        }
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Stations,
    Connectors,
}

impl Present {
    pub(crate) const ALL: [Self; 2] = [Self::Stations, Self::Connectors];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stations => "stations",
            Self::Connectors => "connectors",
        }
    }

    pub(crate) fn schema(self) -> SchemaRef {
        let columns: &[(&str, Kind)] = match self {
            Self::Stations => &[
                ("tenant", Kind::Text),
                ("station_id", Kind::Text),
                ("site", Kind::Text),
                ("address", Kind::Text),
                ("latitude", Kind::Double),
                ("longitude", Kind::Double),
                ("vendor", Kind::Text),
                ("model", Kind::Text),
                ("serial_number", Kind::Text),
                ("firmware_version", Kind::Text),
                ("protocol", Kind::Text),
                ("acceptance", Kind::Text),
                ("online", Kind::Bool),
                ("connected_at", Kind::Timestamp),
                ("last_seen_at", Kind::Timestamp),
            ],
            Self::Connectors => &[
                ("tenant", Kind::Text),
                ("station_id", Kind::Text),
                ("evse_id", Kind::Int),
                ("connector_id", Kind::Int),
                ("status", Kind::Text),
                ("status_reported", Kind::Text),
                ("error_code", Kind::Text),
                ("transaction_id", Kind::Text),
                ("changed_at", Kind::Timestamp),
            ],
        };
        let field = |(name, kind): &(&str, Kind)| Field::new(*name, kind.data_type(), true);
        Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
    }
}

/// One of the two tables as one tenant sees it.
pub(crate) struct PresentTable {
    pub(crate) present: Present,
    pub(crate) tenant: String,
    pub(crate) source: Stations,
}

impl std::fmt::Debug for PresentTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.present.name())
    }
}

impl PresentTable {
    fn rows(&self) -> Result<RecordBatch> {
        let columns = match self.present {
            Present::Stations => {
                let mut rows = (self.source.stations)();
                rows.retain(|row| row.tenant == self.tenant);
                station_columns(&rows)
            }
            Present::Connectors => {
                let mut rows = (self.source.connectors)();
                rows.retain(|row| row.tenant == self.tenant);
                connector_columns(&rows)
            }
        };
        Ok(RecordBatch::try_new(self.present.schema(), columns)?)
    }
}

fn station_columns(rows: &[StationRow]) -> Vec<ArrayRef> {
    let text =
        |of: fn(&StationRow) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
    let degrees = |of: fn(&StationRow) -> Option<f64>| {
        Arc::new(rows.iter().map(of).collect::<Float64Array>()) as ArrayRef
    };
    vec![
        texts(rows.iter().map(|row| Some(row.tenant.as_str()))),
        texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
        text(|row| &row.site),
        text(|row| &row.address),
        degrees(|row| row.latitude),
        degrees(|row| row.longitude),
        text(|row| &row.vendor),
        text(|row| &row.model),
        text(|row| &row.serial_number),
        text(|row| &row.firmware_version),
        text(|row| &row.protocol),
        texts(rows.iter().map(|row| Some(row.acceptance.as_str()))),
        Arc::new(
            rows.iter()
                .map(|row| Some(row.online))
                .collect::<BooleanArray>(),
        ),
        times(rows.iter().map(|row| row.connected_at)),
        times(rows.iter().map(|row| row.last_seen_at)),
    ]
}

fn connector_columns(rows: &[ConnectorRow]) -> Vec<ArrayRef> {
    let text =
        |of: fn(&ConnectorRow) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
    let number = |of: fn(&ConnectorRow) -> u32| {
        Arc::new(
            rows.iter()
                .map(|row| Some(of(row) as i32))
                .collect::<Int32Array>(),
        ) as ArrayRef
    };
    vec![
        texts(rows.iter().map(|row| Some(row.tenant.as_str()))),
        texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
        number(|row| row.evse_id),
        number(|row| row.connector_id),
        text(|row| &row.status),
        text(|row| &row.status_reported),
        text(|row| &row.error_code),
        text(|row| &row.transaction_id),
        times(rows.iter().map(|row| row.changed_at)),
    ]
}

#[async_trait]
impl TableProvider for PresentTable {
    fn schema(&self) -> SchemaRef {
        self.present.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = [vec![self.rows()?]];
        Ok(MemorySourceConfig::try_new_exec(
            &partitions,
            self.schema(),
            projection.cloned(),
        )?)
    }
}
