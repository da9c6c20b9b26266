//! The bytes of a station in the state store.
//!
//! # Layout
//!
//! Two bytes, little-endian: the version, 8. Then [`StationRowV8`], archived by rkyv 0.8 with the features that log
//! records use (`little_endian`, `pointer_width_32`, `unaligned`); reading validates it. A struct here is never
//! changed in place: a new field is a new version, and readers for those before stay. Version 7 is [`StationRowV7`]
//! alone, and so on down to version 1, [`StationRow`].

use fleet::record::{
    Acceptance, ConnectorDeclared, ConnectorStatus, Protocol, Quality, Security, TransactionState,
};
use fleet::{Cost, EventId, LogId, MilliwattHours, Seq, StationKey, TransactionId, UtcMicros};
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize, Serialize};

use super::compact::{Maybe, Words};
use super::details::Rest;
use super::{Boot, ClockDoubt, Configured, Connector, Details, StationState, Transaction, Vehicle};
use crate::away::Away;
use crate::energy::{Register, Registers};
use crate::id::made_at;
use crate::password::Password;
use crate::plug::{Declared, Plug};
use crate::retry::{Recent, short};

const VERSION: u16 = 8;
const VERSION_7: u16 = 7;
const VERSION_6: u16 = 6;
const VERSION_5: u16 = 5;
const VERSION_4: u16 = 4;
const VERSION_3: u16 = 3;
const VERSION_2: u16 = 2;
const VERSION_1: u16 = 1;

/// Why bytes are no row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RowError {
    /// Another version; a newer program wrote it.
    #[error(
        "row of station {station} has version {found:?}, this program reads versions {VERSION_1} to {VERSION}"
    )]
    Version {
        /// Whose it is.
        station: StationKey,
        /// What it says; `None` when it is too short to say anything.
        found: Option<u16>,
    },
    /// The body does not hold what its version says.
    #[error("row of station {station} is damaged: {detail}")]
    Body {
        /// Whose it is.
        station: StationKey,
        /// What the validator says.
        detail: String,
    },
}

/// Version 8: what version 7 says, and the vehicles of transactions that run.
#[derive(Archive, Serialize, Deserialize)]
struct StationRowV8 {
    row: StationRowV7,
    vehicles: Vec<VehicleRow>,
}

/// Version 7: what version 6 says, and what it told of its own accord.
#[derive(Archive, Serialize, Deserialize)]
struct StationRowV7 {
    row: StationRowV6,
    /// Halves of the keys, oldest first.
    said: Vec<u64>,
}

/// Version 6: what version 5 says, and when it was out of touch before the last time.
#[derive(Archive, Serialize, Deserialize)]
struct StationRowV6 {
    row: StationRowV5,
    /// From when to when, oldest first; it was never heard before where the first is not known.
    away_before: Vec<(Option<i64>, i64)>,
}

/// Version 5: what version 4 says, and what the boot is worth.
#[derive(Archive, Serialize, Deserialize)]
struct StationRowV5 {
    row: StationRowV4,
    /// Whoever booted had shown a password or a certificate.
    boot_proven: bool,
}

/// Version 4: what version 3 says, and how far times of its are to be believed.
#[derive(Archive, Serialize, Deserialize)]
struct StationRowV4 {
    row: StationRowV3,
    /// When it was heard last before it was out of touch.
    heard_until: Option<i64>,
    /// [`ClockDoubt::code`].
    clock_doubt: u8,
}

/// Version 3: what version 2 says, and the security profile.
#[derive(Archive, Serialize, Deserialize)]
struct StationRowV3 {
    row: StationRowV2,
    /// The weakest that it comes in with.
    profile: u8,
}

/// Version 2: what version 1 says, and what connectors are.
#[derive(Archive, Serialize, Deserialize)]
struct StationRowV2 {
    row: StationRow,
    /// As the operator declared them one by one.
    declared: Vec<ConnectorDeclared>,
    /// As the device model says.
    plugs: Vec<ConnectorDeclared>,
}

#[derive(Archive, Serialize, Deserialize)]
struct StationRow {
    log_id: i64,
    seq: u64,
    acceptance: u8,
    registered: bool,
    password: Option<([u8; 16], [u8; 32])>,
    configured: Option<ConfiguredRow>,
    boot: Option<BootRow>,
    protocol: u8,
    connection: u64,
    security: u8,
    peer: String,
    connected_at: Option<i64>,
    seen_at: i64,
    newest_at: i64,
    counter: u32,
    connectors: Vec<ConnectorRow>,
    transactions: Vec<TransactionRow>,
    /// Halves of retry keys and of the hashes of what was said under them.
    recent: Vec<(u64, u64)>,
}

#[derive(Archive, Serialize, Deserialize)]
struct ConfiguredRow {
    site: String,
    address: String,
    location: Option<(f64, f64)>,
    connectors: u32,
}

#[derive(Archive, Serialize, Deserialize)]
struct BootRow {
    at: i64,
    vendor: String,
    model: String,
    serial_number: String,
    firmware_version: String,
}

#[derive(Archive, Serialize, Deserialize)]
struct ConnectorRow {
    evse_id: u32,
    connector_id: u32,
    status: u8,
    status_reported: String,
    error_code: String,
    status_at: i64,
    /// Half of a hash, and eight bytes that nobody reads.
    status_content: [u8; 16],
    register_mwh: Option<i64>,
}

#[derive(Archive, Serialize, Deserialize)]
struct RegisterRow {
    at: Option<i64>,
    mwh: i64,
}

#[derive(Archive, Serialize, Deserialize)]
struct TransactionRow {
    id: [u8; 16],
    ocpp_id: String,
    evse_id: u32,
    connector_id: u32,
    state: u8,
    quality: u8,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    energy_mwh: Option<i64>,
    cost: Option<i64>,
    currency: [u8; 3],
    token_ref: Option<[u8; 16]>,
    stop_reason: String,
    first: Option<RegisterRow>,
    last: Option<RegisterRow>,
    candidate: Option<RegisterRow>,
    rebased: bool,
    broken: bool,
    has_begin: bool,
    has_end: bool,
    seq_no: i64,
    event_at: i64,
    start: [u8; 16],
    updated_at: i64,
}

/// [`Vehicle`], by its transaction.
#[derive(Archive, Serialize, Deserialize)]
struct VehicleRow {
    transaction_id: [u8; 16],
    is_connected: bool,
    ready_at: Option<i64>,
    soc_percent: Option<u8>,
}

pub(super) fn write(state: &StationState) -> Vec<u8> {
    let details = state.details();
    let row = StationRow {
        log_id: state.applied.log_id.0,
        seq: state.applied.seq.0,
        acceptance: state.acceptance.map_or(0, Acceptance::code),
        registered: state.registered,
        password: details.password.as_ref().map(|p| (p.salt, p.mac)),
        configured: details.configured.as_ref().map(|c| ConfiguredRow {
            site: c.site.to_string(),
            address: c.address.to_string(),
            location: c.location,
            connectors: c.declared.parts().0,
        }),
        boot: details.boot.as_ref().map(boot_row),
        protocol: state.protocol.map_or(0, Protocol::code),
        connection: state.connection,
        security: state.security.code(),
        peer: details.peer.to_string(),
        connected_at: details.connected_at.get(),
        seen_at: state.seen_at.0,
        newest_at: state.newest_at,
        counter: state.counter,
        connectors: details.connectors.iter().map(connector_row).collect(),
        transactions: details
            .transactions
            .iter()
            .map(|t| transaction_row(&t))
            .collect(),
        recent: details.recent.iter().copied().collect(),
    };
    let declared = details.configured.as_deref().map(|c| c.declared.parts().1);
    let row = StationRowV4 {
        row: StationRowV3 {
            row: StationRowV2 {
                row,
                declared: records(declared.unwrap_or_default()),
                plugs: records(&details.plugs),
            },
            profile: state.profile,
        },
        heard_until: details.heard_until.get(),
        clock_doubt: state.clock_doubt.code(),
    };
    let row = StationRowV5 {
        row,
        boot_proven: details.boot.as_ref().is_some_and(|boot| boot.proven),
    };
    let away_before = details.away_before.iter();
    let row = StationRowV6 {
        row,
        away_before: away_before.map(|a| (a.heard_until, a.back_at)).collect(),
    };
    let row = StationRowV7 {
        row,
        said: details.said.iter().collect(),
    };
    let vehicles = details.transactions.active();
    let row = StationRowV8 {
        row,
        vehicles: vehicles.map(vehicle_row).collect(),
    };
    let mut bytes = VERSION.to_le_bytes().to_vec();
    rkyv::api::high::to_bytes_in::<_, RkyvError>(&row, &mut bytes)
        .expect("a Vec takes every byte, and no type of ours shares pointers");
    bytes
}

fn records(plugs: &[Plug]) -> Vec<ConnectorDeclared> {
    plugs.iter().map(Plug::to_record).collect()
}

fn boot_row(boot: &Boot) -> BootRow {
    let [vendor, model, serial_number, firmware_version] = boot.texts().map(str::to_owned);
    BootRow {
        at: boot.at.0,
        vendor,
        model,
        serial_number,
        firmware_version,
    }
}

fn connector_row(connector: &Connector) -> ConnectorRow {
    ConnectorRow {
        evse_id: connector.evse_id,
        connector_id: connector.connector_id,
        status: connector.status.map_or(0, ConnectorStatus::code),
        status_reported: connector.status_reported().to_owned(),
        error_code: connector.error_code().to_owned(),
        status_at: connector.status_at,
        status_content: u128::from(connector.status_content).to_le_bytes(),
        register_mwh: connector.register.get(),
    }
}

fn transaction_row(transaction: &Transaction) -> TransactionRow {
    let register = |register: Option<Register>| {
        register.map(|register| RegisterRow {
            at: register.at,
            mwh: register.energy.0,
        })
    };
    TransactionRow {
        id: transaction.id.0,
        ocpp_id: transaction.ocpp_id.to_string(),
        evse_id: transaction.evse_id,
        connector_id: transaction.connector_id,
        state: transaction.state.code(),
        quality: transaction.quality.code(),
        started_at: transaction.started_at,
        ended_at: transaction.ended_at,
        energy_mwh: transaction.energy.map(|energy| energy.0),
        cost: transaction.cost.map(|cost| cost.0),
        currency: transaction.currency,
        token_ref: transaction.token_ref,
        stop_reason: transaction.stop_reason.to_string(),
        first: register(transaction.registers.first),
        last: register(transaction.registers.last),
        candidate: register(transaction.registers.candidate),
        rebased: transaction.registers.rebased,
        broken: transaction.registers.broken,
        has_begin: transaction.registers.has_begin,
        has_end: transaction.registers.has_end,
        seq_no: transaction.seq_no,
        event_at: transaction.event_at,
        start: transaction.start,
        updated_at: transaction.updated_at.0,
    }
}

fn vehicle_row(transaction: &Transaction) -> VehicleRow {
    let vehicle = &transaction.vehicle;
    VehicleRow {
        transaction_id: transaction.id.0,
        is_connected: vehicle.is_connected,
        ready_at: vehicle.ready_at,
        soc_percent: vehicle.soc_percent,
    }
}

pub(super) fn read(key: StationKey, bytes: &[u8]) -> Result<StationState, RowError> {
    let Some((version, body)) = bytes.split_first_chunk::<2>() else {
        return Err(RowError::Version {
            station: key,
            found: None,
        });
    };
    let version = u16::from_le_bytes(*version);
    let read = match version {
        VERSION => return state_of(key, rkyv::from_bytes::<StationRowV8, RkyvError>(body)),
        VERSION_7 => rkyv::from_bytes::<StationRowV7, RkyvError>(body),
        VERSION_6 => rkyv::from_bytes::<StationRowV6, RkyvError>(body).map(StationRowV7::from),
        VERSION_5 => rkyv::from_bytes::<StationRowV5, RkyvError>(body)
            .map(|row| StationRowV7::from(StationRowV6::from(row))),
        VERSION_4 => rkyv::from_bytes::<StationRowV4, RkyvError>(body)
            .map(|row| StationRowV7::from(StationRowV6::from(StationRowV5::from(row)))),
        VERSION_3 => rkyv::from_bytes::<StationRowV3, RkyvError>(body).map(|row| {
            let row = StationRowV5::from(StationRowV4::from(row));
            StationRowV7::from(StationRowV6::from(row))
        }),
        VERSION_2 => rkyv::from_bytes::<StationRowV2, RkyvError>(body).map(|row| {
            let row = StationRowV4::from(StationRowV3::from(row));
            StationRowV7::from(StationRowV6::from(StationRowV5::from(row)))
        }),
        VERSION_1 => rkyv::from_bytes::<StationRow, RkyvError>(body).map(|row| {
            let row = StationRowV2 {
                row,
                declared: Vec::new(),
                plugs: Vec::new(),
            };
            let row = StationRowV4::from(StationRowV3::from(row));
            StationRowV7::from(StationRowV6::from(StationRowV5::from(row)))
        }),
        _ => {
            return Err(RowError::Version {
                station: key,
                found: Some(version),
            });
        }
    };
    state_of(key, read.map(StationRowV8::from))
}

fn state_of(
    key: StationKey,
    read: Result<StationRowV8, RkyvError>,
) -> Result<StationState, RowError> {
    let StationRowV8 { row, vehicles } = read.map_err(|e| RowError::Body {
        station: key.clone(),
        detail: e.to_string(),
    })?;
    let StationRowV7 { row, said } = row;
    let StationRowV6 { row, away_before } = row;
    let StationRowV5 { row, boot_proven } = row;
    let StationRowV4 {
        row,
        heard_until,
        clock_doubt,
    } = row;
    let StationRowV3 { row, profile } = row;
    let StationRowV2 {
        row,
        declared,
        plugs,
    } = row;
    let plugs_of = |records: Vec<ConnectorDeclared>| records.into_iter().map(Plug::from).collect();
    let details = Details {
        password: row
            .password
            .map(|(salt, mac)| Box::new(Password { salt, mac })),
        configured: row.configured.map(|c| {
            Box::new(Configured {
                site: c.site.into(),
                address: c.address.into(),
                location: c.location,
                declared: Declared::new(c.connectors, plugs_of(declared)),
            })
        }),
        boot: row.boot.map(|b| {
            let texts = [&*b.vendor, &b.model, &b.serial_number, &b.firmware_version];
            Boot::new(UtcMicros(b.at), texts, boot_proven)
        }),
        peer: row.peer.into(),
        connected_at: Maybe::new(row.connected_at),
        heard_until: Maybe::new(heard_until),
        away_before: away_before
            .into_iter()
            .map(|(heard_until, back_at)| Away {
                heard_until,
                back_at,
            })
            .collect(),
        connectors: row.connectors.into_iter().map(connector).collect(),
        plugs: plugs_of(plugs),
        transactions: (row.transactions.into_iter())
            .map(|row| transaction(row, &vehicles))
            .collect(),
        recent: Recent::from_pairs(row.recent.into_iter()),
        said: said.into_iter().collect(),
    };
    let mut state = StationState {
        key,
        applied: EventId {
            log_id: LogId(row.log_id),
            seq: Seq(row.seq),
        },
        acceptance: Acceptance::from_code(row.acceptance),
        registered: row.registered,
        protocol: Protocol::from_code(row.protocol),
        connection: row.connection,
        security: security(row.security),
        profile,
        booted: details.boot.is_some(),
        seen_at: UtcMicros(row.seen_at),
        clock_doubt: ClockDoubt::from_code(clock_doubt),
        newest_at: row.newest_at,
        counter: row.counter,
        rest: Rest::new(details),
    };
    // Most stations of a fleet are at rest when they are read.
    state.pack();
    Ok(state)
}

fn security(code: u8) -> Security {
    Security::from_code(code).unwrap_or(Security::None)
}

impl From<StationRowV7> for StationRowV8 {
    /// From before that was kept: ready since they were first heard of.
    fn from(row: StationRowV7) -> Self {
        let transactions = &row.row.row.row.row.row.row.transactions;
        let running = TransactionState::Active.code();
        let vehicles = transactions.iter().filter(|row| row.state == running);
        let vehicles = vehicles.map(|row| VehicleRow {
            transaction_id: row.id,
            is_connected: true,
            ready_at: Some(made_at(row.id).0),
            soc_percent: None,
        });
        Self {
            vehicles: vehicles.collect(),
            row,
        }
    }
}

impl From<StationRowV6> for StationRowV7 {
    /// From before that was kept: nothing is known of it.
    fn from(row: StationRowV6) -> Self {
        Self {
            row,
            said: Vec::new(),
        }
    }
}

impl From<StationRowV5> for StationRowV6 {
    /// From before that was kept: none that anything is awaited from.
    fn from(row: StationRowV5) -> Self {
        Self {
            row,
            away_before: Vec::new(),
        }
    }
}

impl From<StationRowV4> for StationRowV5 {
    /// From before that was kept: good for a station that nobody without password or certificate can speak for, lest one
    /// that goes by its serial number be shut out.
    fn from(row: StationRowV4) -> Self {
        Self {
            boot_proven: row.row.row.row.boot.is_some() && 0 < row.row.profile,
            row,
        }
    }
}

impl From<StationRowV3> for StationRowV4 {
    /// From before that was kept: its next connection tells.
    fn from(row: StationRowV3) -> Self {
        Self {
            row,
            heard_until: None,
            clock_doubt: 0,
        }
    }
}

impl From<StationRowV2> for StationRowV3 {
    /// From before profiles were kept: the last connection's.
    fn from(row: StationRowV2) -> StationRowV3 {
        StationRowV3 {
            profile: security(row.row.security).profile(),
            row,
        }
    }
}

fn connector(row: ConnectorRow) -> Connector {
    Connector {
        evse_id: row.evse_id,
        connector_id: row.connector_id,
        status: ConnectorStatus::from_code(row.status),
        words: Words::new(&row.status_reported, &row.error_code),
        status_at: row.status_at,
        status_content: short(row.status_content),
        register: Maybe::new(row.register_mwh),
    }
}

fn transaction(row: TransactionRow, vehicles: &[VehicleRow]) -> Transaction {
    let vehicle = vehicles
        .iter()
        .find(|vehicle| vehicle.transaction_id == row.id);
    let vehicle = vehicle.map_or_else(Vehicle::default, |row| Vehicle {
        is_connected: row.is_connected,
        ready_at: row.ready_at,
        soc_percent: row.soc_percent,
    });
    let register = |row: Option<RegisterRow>| {
        row.map(|row| Register {
            at: row.at,
            energy: MilliwattHours(row.mwh),
        })
    };
    Transaction {
        id: TransactionId(row.id),
        ocpp_id: row.ocpp_id.into(),
        evse_id: row.evse_id,
        connector_id: row.connector_id,
        state: TransactionState::from_code(row.state).unwrap_or(TransactionState::Orphan),
        quality: Quality::from_code(row.quality).unwrap_or(Quality::Estimated),
        started_at: row.started_at,
        ended_at: row.ended_at,
        energy: row.energy_mwh.map(MilliwattHours),
        cost: row.cost.map(Cost),
        currency: row.currency,
        token_ref: row.token_ref,
        stop_reason: row.stop_reason.into(),
        registers: Registers {
            first: register(row.first),
            last: register(row.last),
            candidate: register(row.candidate),
            rebased: row.rebased,
            broken: row.broken,
            has_begin: row.has_begin,
            has_end: row.has_end,
        },
        seq_no: row.seq_no,
        event_at: row.event_at,
        start: row.start,
        updated_at: UtcMicros(row.updated_at),
        vehicle,
    }
}
