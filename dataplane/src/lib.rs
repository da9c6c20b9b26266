//! Connections in, events out, commands back.
//!
//! A station's bytes enter a shard, leave it as records of the durable log, and are answered once those records
//! are safe. A shard is one thread that alone writes the stations of its partitions; others send it a message.
//!
//! # Invariants
//!
//! - The answer to every inbound CALL except Heartbeat and Authorize leaves after its record is durable.
//! - Answers leave a connection in the order of their requests, but for one that waits for another server
//!   (`shard/errands.rs`): that one leaves when it is there.
//! - A station has at most one live connection, and at most one of our calls unanswered.
//! - A command is durable before it is sent; one caught by a crash or a disconnect is never sent again.

// Tests count allocations, and an allocator cannot be written without.
#![cfg_attr(not(test), forbid(unsafe_code))]

mod admission;
mod away;
mod certificates;
pub mod charging;
mod config;
mod dates;
mod energy;
mod events;
mod grid;
mod id;
mod items;
mod keeper;
mod local_list;
mod mailbox;
mod normalize;
mod password;
mod permutation;
mod plug;
mod quirks;
mod random;
mod replay;
mod retry;
mod router;
mod runtime;
mod said;
mod security;
mod shard;
mod state;
mod stored;
mod tariff;
mod tls;
mod token;
mod variables;
mod web_payment;
mod wheel;

pub use certificates::untrusted;
pub use certificates::{
    CaConfig, CaError, CertificateHash, CertificateSummary, CertificateUse, CertificatesConfig,
    CrlConfig, HashAlgorithm, HttpConfig, OcspConfig, PemError, ServicesError, SignerConfig,
    certificate_hashes, certificate_summary,
};
pub use config::{
    CompressionConfig, Config, CostUpdates, DirectPayments, EventStreams, MemoryMax,
    NoCommonVersion, Onboarding, Plausibility, Tariff, VehicleNeeds,
};
pub use events::{EventFilter, EventKey, EventView};
pub use grid::warnings::command_warnings;
pub use id::CommandId;
pub use items::{ISSUE_REPORTED, ItemKind, ItemView, stored_display_messages, stored_monitors};
pub use local_list::{
    LocalList, LocalListLimits, LocalListPart, LocalListUpdate, local_list_parts,
};
pub use password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Password, PasswordError};
pub use plug::{DECLARED_MAX, Declared, Plug};
pub use quirks::{
    QUIRK_PROFILES_MAX, QuirkBook, QuirkError, QuirkPing, QuirkPolicy, QuirkProfile, QuirksConfig,
};
pub use replay::{ReplayError, stored_stations};
pub use router::charging::ChargingView;
pub use router::closing::{CloseOutcome, CloseProblem, CloseRequest, ClosingView};
pub use router::grid::{DerControlState, DerControlView, DerView, EventStreamView, StreamHeard};
pub use router::limits::{LimitOutcome, LimitRequest};
pub use router::money::MoneyView;
pub use router::pending::Pending;
pub use router::quarantine::{QuarantineReplay, ReplayOutcome, ReplayRefused};
pub use router::reservations::{ReservationView, ReserveRequest};
pub use router::view::{
    CommandView, CompressedBytes, ConnectorView, Counters, CourseView, FollowUpView, Histogram,
    LogView, Page, ProgressView, Revenue, ShardHealth, StationView, ToldView, TransactionView,
};
pub use router::{
    CommandRefused, CommandRequest, ReconfigureError, RegisterError, RegisterMode, RegisterPart,
    Registration, Router, RouterError, StartOutcome, StartRequest, StationFilter, StationPatch,
    StopOutcome, StopRequest,
};
pub use runtime::{Dataplane, Failure, StartError, StopError};
pub use stored::{
    StoredProfile, stored_battery_swaps, stored_charging_profiles, stored_der_alarms,
    stored_der_controls, stored_reservations,
};
pub use tariff::{
    Bill, BillKind, Money, Part, StoredTariff, TariffError, TariffScope, TariffWritten,
};
pub use tls::{ClientFiles, IdentityFiles, RevocationCheck, Tls, TlsConfig, TlsFilesError};
pub use token::{
    MessageFormat, NamedToken, PersonalMessage, Token, TokenDevice, TokenFilter, TokenMode,
    TokenStatus, TokenType, TokenWritten, is_energy_transfer,
};
pub use variables::{
    AttributeKind, AttributeView, COMPONENT_16, Characteristics, Mutability, Named, VariableFilter,
    VariableSource, VariableView, stored_variables,
};
pub use web_payment::{WebPayment, WebPaymentLimits, WebPaymentRefused};
