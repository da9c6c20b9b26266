//! The HTTP API of SIGEC-VE in Rust: its request and response types, and a client.
//!
//! These are wire types only: the server (`control-api`) generates its OpenAPI document from them, clients read
//! and write them, nobody computes with them. Energy is kilowatt-hours, money a decimal string beside its currency,
//! every time RFC 3339 in UTC.
//!
//! # Invariants
//!
//! - A request refuses members it does not know, so that a typing mistake is an error and not a silent default.
//! - A response may gain members; [`Client`] passes over those it does not know.

#![forbid(unsafe_code)]

mod as_written;
mod certificates;
mod charging;
mod client;
mod commands;
mod devices;
mod events;
mod files;
mod grid;
mod health;
mod items;
mod local_lists;
mod page;
mod position;
mod principals;
mod problem;
mod quirks;
mod reservations;
mod security;
mod sql;
mod tariffs;
mod tokens;
mod transactions;
mod variables;
mod voice;
mod web_payments;

pub use as_written::AsWritten;
pub use certificates::{
    CertificateHashData, CertificateRequest, CertificateRequestState, DeviceCertificates,
    InstallCertificateRequest, InstalledCertificate,
};
pub use charging::{
    AfrrSignal, AllowedEnergyTransfer, ChargingLimit, ChargingProfile, ChargingProfileChange,
    ChargingProfileFilter, ChargingProfileRequest, ChargingProfileSource, ChargingProfiles,
    ChargingRateUnit, ChargingWarning, CompositeComparison, CompositeDifference, CompositePeriod,
    CompositeSchedule, CompositeVerdict, VehicleCharging,
};
pub use client::{
    Client, ClientError, DeviceFilter, MessageFilter, Outcome, QuarantineFilter, ReservationFilter,
    StationEventFilter, TokenFilter, VariableFilter,
};
pub use commands::{
    Command, CommandError, CommandRequest, CommandState, CourseState, FollowUp, Message,
    MessageDirection, MessageType,
};
pub use devices::{
    Connector, ConnectorRequest, ConnectorStatus, Connectors, Device, DeviceCreated, DevicePatch,
    DeviceRequest, GeneratedPassword, ImportError, ImportReport, IssueCategory, IssueReceipt,
    IssueRequest, Location,
};
pub use events::{StationEvent, StationEventSource};
pub use files::{
    DownloadUrl, DownloadUrlRequest, File, FileCreated, FileReceived, FirmwareRequest, LogRequest,
    LogType, UploadUrl, UploadUrlRequest,
};
pub use grid::{
    BatteryEvent, BatterySwap, BatterySwapState, DerAlarm, DerControl, DerControlState,
    DerControls, EventStream, EventStreamHeard, SwappedBattery,
};
pub use health::{
    ConfigurationHealth, DataPlaneHealth, Health, HealthStatus, LakeHealth, ListenerHealth,
    LogHealth, StateHealth,
};
pub use items::{CustomerReport, DisplayMessage, Monitor};
pub use local_lists::{LocalList, LocalListRequest, LocalListUpdate};
pub use page::Page;
pub use position::Position;
pub use principals::{Principal, PrincipalCreated, PrincipalRequest, Role};
pub use problem::{FieldProblem, Problem};
pub use quirks::{
    MessageChange, QuarantineOutcome, QuarantinedMessage, QuirkProfile, QuirkProfileRef,
    QuirkProfiles, ReplayReceipt,
};
pub use reservations::{Reservation, ReservationRequest, ReservationState};
pub use security::{SecurityEvent, SecuritySeverity};
pub use sql::SqlRequest;
pub use tariffs::{
    CostDetails, CostPart, DeviceTariff, DeviceTariffRequest, DeviceTariffs, Settlement,
    StationCost, Tariff, TariffRequest, TransactionTariff,
};
pub use tokens::{
    AdditionalInfo, IdToken, MessageFormat, PersonalMessage, Token, TokenDevice, TokenRequest,
    TokenStatus, TokenType,
};
pub use transactions::{
    Limits, MeterPublicKey, SignedValue, SignedValues, StationTransactionStatus, Transaction,
    TransactionClose, TransactionClosing, TransactionLimits, TransactionQuality, TransactionStart,
    TransactionStatus,
};
pub use variables::{
    Variable, VariableAttribute, VariableCharacteristics, VariableComponent, VariableName,
    VariableSource,
};
pub use voice::{VoiceReply, VoiceRequest};
pub use web_payments::{WebPayment, WebPaymentRequest};
