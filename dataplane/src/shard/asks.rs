//! Questions and wishes of everybody else.

use fleet::record::{
    Acceptance, BatterySwapsChanged, ConnectorStatus, Notified, SecurityProfileSet,
    StationConfigured, StationDeleted, TransactionState,
};
use fleet::wire::{Body, Fact};
use fleet::{Cost, EventId, MilliwattHours, StationKey, TransactionId, UtcMicros};
use net::ws::CloseCode;
use storage::log::LogHealth;
use storage::state::Table;

use super::commands::command_view;
use super::quirks::with_make;
use super::stations::Station;
use super::{Now, Shard, StoreUnreadable, read_record_row};
use crate::CommandId;
use crate::plug::Plug;
use crate::router::pending::Reply;
use crate::router::view::{
    CommandView, ConnectorView, Page, ShardHealth, StationView, TransactionView,
};
use crate::router::{
    Ask, CommandRefused, CommandRequest, RegisterError, RegisterMode, Registration, RouterError,
    StartOutcome, StationFilter, StationPatch, StopOutcome,
};
use crate::state::{Connector, StationState, Transaction};

/// Stations that one list looks at before it answers with what it has.
const SCAN_MAX: usize = 4_096;

impl Shard {
    /// Answers a question, now or when what it changed is durable.
    pub(crate) fn ask(&mut self, now: Now, ask: Ask) {
        self.refresh_book();
        match ask {
            Ask::Register {
                entries,
                mode,
                principal,
                reply,
            } => {
                let results = entries
                    .into_iter()
                    .map(|entry| self.register(now, entry, mode, &principal))
                    .collect();
                self.reply_when_durable(reply, results);
            }
            Ask::Delete {
                key,
                principal,
                reply,
            } => {
                let result = self.delete(now, &key, principal);
                self.reply_when_durable(reply, result);
            }
            Ask::Note {
                key,
                action,
                payload,
                reply,
            } => {
                let result = self.note(now, &key, &Notified { action, payload });
                self.reply_when_durable(reply, result);
            }
            Ask::Station { key, reply } => {
                let view = self
                    .known(&key)
                    .map(|station| self.station_view(now, &self.stations[station]));
                reply.send(view);
            }
            Ask::Stations {
                filter,
                after,
                limit,
                reply,
            } => reply.send(self.list(now, &filter, after.as_ref(), limit)),
            Ask::Command { request, reply } => {
                let Some(station) = self.known(&request.station) else {
                    return reply.send(Err(CommandRefused::UnknownStation));
                };
                self.command(now, station, request, reply);
            }
            Ask::Reserve { request, reply } => match self.known(&request.station) {
                None => reply.send(Err(CommandRefused::UnknownStation)),
                Some(station) => self.reserve(now, station, request, reply),
            },
            Ask::Reservations { key, reply } => match self.reservation_views(&key) {
                Ok(views) => reply.send(views),
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            },
            Ask::Replay { request, reply } => match self.replay(now, &request) {
                Ok(outcome) => self.reply_when_durable(reply, outcome),
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            },
            Ask::CommandById { id, reply } => match self.command_view(id) {
                Ok(view) => reply.send(view),
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            },
            Ask::OpenCommands { key, reply } => {
                let known = self.known(&key);
                reply.send(known.map(|station| self.open_commands(station)));
            }
            Ask::Charging { key, reply } => {
                let known = self.known(&key);
                match known
                    .map(|station| self.charging_view(now, station))
                    .transpose()
                {
                    Ok(view) => reply.send(view),
                    Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
                }
            }
            Ask::Der { key, reply } => {
                self.show(&key, reply, |shard, station| shard.der_view(now, station));
            }
            Ask::EventStreams { key, reply } => self.show(&key, reply, Self::stream_views),
            Ask::BatterySwaps { key, reply } => self.show(&key, reply, |shard, station| {
                Ok(shard.grid::<BatterySwapsChanged>(station)?.swaps)
            }),
            Ask::WebPayment { key, url, reply } => self.show(&key, reply, |shard, station| {
                shard.check_web_payment(now, station, &url)
            }),
            Ask::RecentVariables { key, reply } => {
                let known = self.known(&key);
                reply.send(known.map(|_| self.projection.variables(&key)));
            }
            Ask::Certificates { key, reply } => match self.known(&key) {
                None => reply.send(None),
                Some(station) => match self.certificates(station) {
                    Ok(certificates) => reply.send(Some(certificates)),
                    Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
                },
            },
            Ask::Tariffs { key, reply } => match self.known(&key) {
                None => reply.send(None),
                Some(station) => match self.station_tariffs(now, station) {
                    Ok(tariffs) => reply.send(Some(tariffs)),
                    Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
                },
            },
            Ask::Transaction { id, reply } => match self.find_whole_transaction(id) {
                Ok(view) => reply.send(view),
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            },
            Ask::ActiveTransactions {
                tenant,
                after,
                limit,
                reply,
            } => reply.send(self.list_active(&tenant, after, limit)),
            Ask::Start { request, reply } => match self.known(&request.station) {
                None => reply.send(StartOutcome::Refused(CommandRefused::UnknownStation)),
                Some(_) if self.stalled => {
                    reply.send(StartOutcome::Refused(CommandRefused::LogDown));
                }
                Some(station) => self.start_transaction(now, station, request, reply),
            },
            Ask::Stop { request, reply } => {
                let found = match self.find_transaction(request.transaction) {
                    Ok(found) => found,
                    Err(StoreUnreadable) => return reply.refuse(RouterError::StoreUnreadable),
                };
                let Some(view) = found.filter(|view| view.station.tenant() == request.tenant)
                else {
                    return reply.send(StopOutcome::Unknown);
                };
                let Some(station) = self.stations.find(&view.station) else {
                    return reply.send(StopOutcome::Unknown);
                };
                if view.state != TransactionState::Active {
                    return reply.send(StopOutcome::Ended(view));
                }
                if self.stalled {
                    return reply.send(StopOutcome::Refused(CommandRefused::LogDown));
                }
                let ocpp_id = view.ocpp_transaction_id;
                self.stop_transaction(now, station, request, &ocpp_id, reply);
            }
            Ask::Limit { request, reply } => self.limit_transaction(now, request, reply),
            Ask::Close { request, reply } => self.close_transaction(now, &request, reply),
        }
    }

    /// Checks and makes an operator's command.
    pub(super) fn command(
        &mut self,
        now: Now,
        station: u32,
        request: CommandRequest,
        reply: Reply<Result<CommandView, CommandRefused>>,
    ) {
        let CommandRequest {
            action,
            payload,
            principal,
            wait,
            answer_timeout,
            ..
        } = request;
        if let Err(refused) = self.check_command(station, &action, &payload) {
            return reply.send(Err(refused));
        }
        if self.stalled {
            return reply.send(Err(CommandRefused::LogDown));
        }
        let noted = self.note_reservation(now, station, &action, &payload, &principal);
        if let Err(StoreUnreadable) = noted {
            return reply.refuse(RouterError::StoreUnreadable);
        }
        let start = match self.note_start(now, station, &action, &payload) {
            Ok(start) => start,
            Err(StoreUnreadable) => return reply.refuse(RouterError::StoreUnreadable),
        };
        let limits = match self.limits_of(station, &action) {
            Ok(limits) => limits,
            Err(StoreUnreadable) => return reply.refuse(RouterError::StoreUnreadable),
        };
        let (wait, reply) = match wait {
            Some(wait) => (Some((now.mono + wait, reply)), None),
            None => (None, Some(reply)),
        };
        let id = self.make_command(now, station, action, payload, principal, wait);
        if let Some(start) = start {
            self.await_start(now, station, id, start, None);
        }
        if let Some(limits) = limits {
            self.cut_to(id, &limits);
        }
        if let Some(answer_timeout) = answer_timeout {
            self.answer_within(id, answer_timeout);
        }
        let made = self.commands.get(&id).map(|command| self.view_of(command));
        if let (Some(reply), Some(view)) = (reply, made) {
            self.reply_when_durable(reply, Ok(view));
        }
    }

    /// A station that may be talked about: not one that was deleted.
    pub(super) fn known(&self, key: &StationKey) -> Option<u32> {
        self.stations
            .find(key)
            .filter(|station| self.stations[*station].state.acceptance.is_some())
    }

    fn register(
        &mut self,
        now: Now,
        entry: Registration,
        mode: RegisterMode,
        principal: &str,
    ) -> Result<(), RegisterError> {
        if self.stalled {
            return Err(RegisterError::LogDown);
        }
        let known = self.known(&entry.key);
        let registered = known.is_some_and(|station| self.stations[station].state.registered);
        match mode {
            RegisterMode::New if known.is_some() => return Err(RegisterError::Exists),
            RegisterMode::Create if registered => return Err(RegisterError::Exists),
            RegisterMode::Update if known.is_none() => return Err(RegisterError::Unknown),
            RegisterMode::New
            | RegisterMode::Create
            | RegisterMode::Update
            | RegisterMode::Upsert => {}
        }
        let station = self.stations.entry(&entry.key);
        // A change to one that waits does not approve it; naming a new one does.
        let unless_said = match (mode, self.stations[station].state.acceptance) {
            (RegisterMode::Update, acceptance) => acceptance,
            (RegisterMode::New | RegisterMode::Create | RegisterMode::Upsert, _) => None,
        };
        let says_password = entry.patch.password.is_some();
        self.configure(now, station, entry.patch, unless_said, principal);
        if says_password {
            self.settle_doubts(now, station);
        }
        Ok(())
    }

    /// Changes what is known of a station beforehand. It is accepted unless the patch or `acceptance` says otherwise.
    pub(super) fn configure(
        &mut self,
        now: Now,
        station: u32,
        patch: StationPatch,
        acceptance: Option<Acceptance>,
        principal: &str,
    ) {
        let state = &self.stations[station].state;
        let details = state.details();
        let before = details.configured.as_deref().cloned().unwrap_or_default();
        let password = patch
            .password
            .unwrap_or(details.password.as_deref().copied());
        let location = patch.location.unwrap_or(before.location);
        let was_pending = state.acceptance == Some(Acceptance::Pending);
        let acceptance = patch
            .acceptance
            .or(acceptance)
            .unwrap_or(Acceptance::Accepted);
        let declared = patch.connectors.unwrap_or(before.declared);
        let (connectors, each) = declared.parts();
        let configured = StationConfigured {
            site: patch.site.unwrap_or_else(|| before.site.into()),
            latitude: location.map(|(latitude, _)| latitude),
            longitude: location.map(|(_, longitude)| longitude),
            address: patch.address.unwrap_or_else(|| before.address.into()),
            connectors,
            password_salt: password.map(|password| password.salt),
            password_mac: password.map(|password| password.mac),
            acceptance: acceptance.code(),
            principal: principal.to_owned(),
            declared: each.iter().map(Plug::to_record).collect(),
        };
        self.record(now, station, &configured);
        if let Some(profile) = patch.security_profile {
            let set = SecurityProfileSet {
                profile,
                principal: principal.to_owned(),
            };
            self.record(now, station, &set);
        }
        if was_pending && acceptance == Acceptance::Accepted {
            self.no_longer_pending();
        }
    }

    /// Forgets a station: what it is, keeps and was told goes, with its connection. What happened stays: transactions with
    /// their costs and payments, commands and what came of them, issues, and all that is in tables; so does what
    /// operators said of more than this station, which names it: tariffs and tokens.
    fn delete(
        &mut self,
        now: Now,
        key: &StationKey,
        principal: String,
    ) -> Result<(), RegisterError> {
        let station = self.known(key).ok_or(RegisterError::Unknown)?;
        if self.stalled {
            return Err(RegisterError::LogDown);
        }
        if let Some(conn) = self.stations[station].conn {
            self.say_goodbye(
                now,
                conn,
                CloseCode::POLICY_VIOLATION,
                "the station was deleted",
            );
        }
        let state = &self.stations[station].state;
        if state.acceptance == Some(Acceptance::Pending) {
            self.no_longer_pending();
        }
        let mut ended = Vec::new();
        for transaction in state.active() {
            self.uncount_running(station, transaction.token_ref, transaction.id);
            self.active.remove(&transaction.id);
            ended.push(transaction.id);
        }
        for id in ended {
            self.end_charge(id);
        }
        self.forget_charging(now, station);
        self.forget_grid(now, station);
        self.forget_certificates(now, station);
        self.forget_tariffs(now, station);
        self.forget_reservations(now, station);
        self.record(now, station, &StationDeleted { principal });
        Ok(())
    }

    /// Answers with what is known of a station; `None` for one that nobody has heard of.
    fn show<T>(
        &mut self,
        key: &StationKey,
        reply: Reply<Option<T>>,
        view: impl FnOnce(&mut Self, u32) -> Result<T, StoreUnreadable>,
    ) {
        let known = self.known(key);
        match known.map(|station| view(self, station)).transpose() {
            Ok(view) => reply.send(view),
            Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
        }
    }

    fn note(
        &mut self,
        now: Now,
        key: &StationKey,
        notified: &Notified,
    ) -> Result<(), RegisterError> {
        let station = self.known(key).ok_or(RegisterError::Unknown)?;
        if self.stalled {
            return Err(RegisterError::LogDown);
        }
        self.record(now, station, notified);
        Ok(())
    }

    fn list(
        &self,
        now: Now,
        filter: &StationFilter,
        after: Option<&StationKey>,
        limit: usize,
    ) -> Page<StationView, StationKey> {
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        for (scanned, (key, station)) in self.stations.after(after).enumerate() {
            if key.tenant() == filter.tenant && station.state.acceptance.is_some() {
                let view = self.station_view(now, station);
                if shows(filter, &view) {
                    page.items.push(view);
                }
            }
            if page.items.len() == limit || scanned + 1 == SCAN_MAX {
                page.next = Some(key.clone());
                break;
            }
        }
        page
    }

    fn list_active(
        &self,
        tenant: &str,
        after: Option<TransactionId>,
        limit: usize,
    ) -> Page<TransactionView, TransactionId> {
        use std::ops::Bound;

        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.active.range((from, Bound::Unbounded));
        for (scanned, (id, station)) in range.enumerate() {
            let view = self.transaction_view(*station, *id);
            page.items
                .extend(view.filter(|view| view.station.tenant() == tenant));
            if page.items.len() == limit || scanned + 1 == SCAN_MAX {
                page.next = Some(*id);
                break;
            }
        }
        page
    }

    fn station_view(&self, now: Now, station: &Station) -> StationView {
        let seen_ago = station
            .conn
            .and_then(|conn| self.conns.get(conn))
            .map(|conn| conn.silent_micros(now));
        let live = seen_ago.map(|ago| UtcMicros(now.utc.0 - ago));
        let mut view = station_view(&station.state);
        view.last_seen_at = view.last_seen_at.max(live);
        view.online = station.conn.is_some();
        let book = &self.shelved.book;
        let fit = with_make(&station.state, |make| book.find(make));
        let profile = fit.and_then(|at| book.profiles().get(at));
        view.quirk_profile = profile.map(|profile| (profile.id.clone(), profile.revision));
        if view.online {
            view.peer = station.state.details().peer.to_string();
        }
        view
    }

    pub(super) fn transaction_view(
        &self,
        station: u32,
        id: TransactionId,
    ) -> Option<TransactionView> {
        let state = &self.stations[station].state;
        let transaction = state.transaction(id)?;
        Some(TransactionView {
            limits: self.limits.get(&id).cloned().map(Box::new),
            ..transaction_view(state.key.clone(), &transaction, state.applied)
        })
    }

    fn find_whole_transaction(
        &mut self,
        id: TransactionId,
    ) -> Result<Option<TransactionView>, StoreUnreadable> {
        let Some(mut view) = self.find_transaction(id)? else {
            return Ok(None);
        };
        view.money = self.money_view(&view)?;
        view.progress = self.progress_view(id)?;
        Ok(Some(view))
    }

    pub(super) fn find_transaction(
        &mut self,
        id: TransactionId,
    ) -> Result<Option<TransactionView>, StoreUnreadable> {
        // One that has ended is asked for seldom, and its last event says all there is.
        let station = self.active.get(&id).copied();
        if let Some(view) = station.and_then(|station| self.transaction_view(station, id)) {
            return Ok(Some(view));
        }
        let row = self.row(Table::Transactions, id.0)?;
        let view = row.as_deref().and_then(stored_transaction);
        view.map(|view| self.with_closing(view)).transpose()
    }

    pub(super) fn command_view(
        &mut self,
        id: CommandId,
    ) -> Result<Option<CommandView>, StoreUnreadable> {
        let known = self.commands.get(&id).map(|command| self.view_of(command));
        let view = match known {
            Some(view) => Some(view),
            None => {
                let row = self.row(Table::Commands, id.0)?;
                row.as_deref().and_then(stored_command)
            }
        };
        let Some(mut view) = view else {
            return Ok(None);
        };
        view.course = self.course_view(&view)?;
        Ok(Some(view))
    }

    /// How the shard does; `log` and `store` are how what is below it does.
    pub(crate) fn health(&self, now: Now, log: LogHealth, store: Option<&str>) -> ShardHealth {
        let stations = || {
            self.stations
                .iter()
                .filter(|s| s.state.acceptance.is_some())
        };
        let waits = |s: &&Station| s.state.acceptance == Some(Acceptance::Pending);
        let load = self.how_busy(now);
        let (compressed, compression_contexts) = self.compression.len();
        let mut counters = self.tally.counters.clone();
        counters.compressed = self.compression.totals();
        ShardHealth {
            shard: self.index,
            log_id: self.journal.log_id(),
            log,
            store_failure: store.map(str::to_owned),
            stalled: self.stalled,
            durable: self.journal.durable(),
            appended: self.journal.last(),
            connections: self.conns.len(),
            stations: stations().count(),
            stations_online: stations().filter(|s| s.conn.is_some()).count(),
            stations_pending: stations().filter(waits).count(),
            transactions_active: self.active.len(),
            commands_open: self.commands.open_len(),
            bytes_held: self.bytes_held(),
            reads_paused: self.reads_paused,
            connections_waiting: self.arrivals_waiting(),
            load: load as u8,
            compressed,
            compression_contexts,
            counters,
        }
    }
}

/// A station without a connection, as its state shows it.
pub(crate) fn station_view(state: &StationState) -> StationView {
    let details = state.details();
    let (boot, configured) = (details.boot.as_ref(), details.configured.as_deref());
    let [vendor, model, serial_number, firmware_version] =
        boot.map_or([""; 4], |boot| boot.texts()).map(str::to_owned);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    StationView {
        key: state.key.clone(),
        acceptance: state.acceptance.unwrap_or(Acceptance::Pending),
        registered: state.registered,
        security: state.security,
        security_profile: state.profile,
        password: details.password.as_deref().copied(),
        site: text(configured.map(|c| &*c.site)),
        address: text(configured.map(|c| &*c.address)),
        location: configured.and_then(|c| c.location),
        declared: configured.map(|c| c.declared.clone()).unwrap_or_default(),
        plugs: details.plugs.clone(),
        protocol: state.protocol,
        online: false,
        peer: String::new(),
        connected_at: state.connected_at(),
        last_seen_at: (state.seen_at != UtcMicros(0)).then_some(state.seen_at),
        booted_at: boot.map(|boot| boot.at),
        vendor,
        model,
        serial_number,
        firmware_version,
        quirk_profile: None,
        connectors: details
            .connectors
            .iter()
            .map(|c| connector_view(state, c))
            .collect(),
        active_transactions: state.active().map(|t| t.id).collect(),
        position: state.applied,
    }
}

fn shows(filter: &StationFilter, view: &StationView) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
    let status: Option<ConnectorStatus> = filter.status;
    status.is_none_or(|status| view.status() == status)
        && is(&filter.vendor, &view.vendor)
        && is(&filter.site, &view.site)
        && filter.online.is_none_or(|online| online == view.online)
        && filter
            .acceptance
            .is_none_or(|acceptance| acceptance == view.acceptance)
}

fn connector_view(state: &crate::state::StationState, connector: &Connector) -> ConnectorView {
    let here = |t: &&Transaction| {
        t.evse_id == connector.evse_id
            && (t.connector_id == connector.connector_id || t.connector_id == 0)
    };
    ConnectorView {
        evse_id: connector.evse_id,
        connector_id: connector.connector_id,
        status: connector.status,
        status_reported: connector.status_reported().to_owned(),
        error_code: connector.error_code().to_owned(),
        status_at: connector.status.map(|_| UtcMicros(connector.status_at)),
        transaction: state.active().filter(here).last().map(|t| t.id),
        register: connector.register(),
    }
}

fn transaction_view(
    station: StationKey,
    transaction: &Transaction,
    position: EventId,
) -> TransactionView {
    let register = |register: Option<crate::energy::Register>| register.map(|r| r.energy);
    TransactionView {
        id: transaction.id,
        station,
        ocpp_transaction_id: transaction.ocpp_id.to_string(),
        evse_id: transaction.evse_id,
        connector_id: transaction.connector_id,
        state: transaction.state,
        quality: transaction.quality,
        started_at: transaction.started_at.map(UtcMicros),
        ended_at: transaction.ended_at.map(UtcMicros),
        meter_start: register(transaction.registers.first),
        meter_stop: register(transaction.registers.last),
        energy: transaction.energy,
        cost: transaction.cost,
        currency: transaction.currency,
        token_ref: transaction.token_ref,
        stop_reason: transaction.stop_reason.to_string(),
        closing: None,
        money: None,
        limits: None,
        progress: None,
        position,
    }
}

/// A command as its last record left it.
fn stored_command(row: &[u8]) -> Option<CommandView> {
    let (_, record) = read_record_row(row)?;
    let key = record.station_key().ok()?;
    match record.body.to_fact().ok()? {
        Fact::CommandChanged(command) => Some(command_view(key, &command, record.received_at)),
        _ => None,
    }
}

/// A transaction as its last event left it.
fn stored_transaction(row: &[u8]) -> Option<TransactionView> {
    let (position, record) = read_record_row(row)?;
    let station = record.station_key().ok()?;
    let Body::TransactionEvent(_) = &record.body else {
        return None;
    };
    let Fact::TransactionEvent(event) = record.body.to_fact().ok()? else {
        return None;
    };
    let summary = event.summary;
    Some(TransactionView {
        id: TransactionId(event.transaction_id),
        station,
        ocpp_transaction_id: event.ocpp_transaction_id,
        evse_id: event.evse_id,
        connector_id: event.connector_id,
        state: TransactionState::from_code(summary.state)?,
        quality: fleet::record::Quality::from_code(summary.quality)?,
        started_at: summary.started_at.map(UtcMicros),
        ended_at: summary.ended_at.map(UtcMicros),
        meter_start: summary.meter_start_mwh.map(MilliwattHours),
        meter_stop: summary.meter_stop_mwh.map(MilliwattHours),
        energy: summary.energy_mwh.map(MilliwattHours),
        cost: summary.cost.map(Cost),
        currency: summary.currency,
        token_ref: summary.token_ref,
        stop_reason: event.stop_reason,
        closing: None,
        money: None,
        limits: None,
        progress: None,
        position,
    })
}
