//! `docs/ocpp-coverage.md`: which actions, certification cases and uses there are, and which tests show them.
//!
//! The page is made from the actions that `ocpp` knows, the lists of ids beside this file, and the tests in this folder and
//! in `dataplane/tests`: a case is shown when the name of a test has its id, an action when the expected course of a test has
//! it, and a rule of the RPC layer when a test here or in `ocpp` is named by its section and the rule. `UPDATE_EXPECT=1 cargo
//! test -p dataplane --lib coverage` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use expect_test::expect_file;
use ocpp::{v16, v21, v201};

const PART_6: &str = include_str!("coverage/part6.txt");
const OCPP_16: &str = include_str!("coverage/ocpp16.txt");
/// Section, versions, and the name of the rule's test behind its `part4_` and section.
const RPC: &str = include_str!("coverage/rpc.txt");

/// Where the rules of the RPC layer have tests beside this folder, from the workspace on.
const RPC_TESTS: [&str; 3] = [
    "ocpp/src/rpc/tests.rs",
    "ocpp/src/rpc/inbound.rs",
    "ocpp/tests/suite/malformed.rs",
];

const COURSE: &str = "kept, in the course of the command that it comes after";
const COMMAND: &str = "a command: checked, sent once, its answer shown";

/// What becomes of a station's call.
const BEHAVIOURS: &[(&str, &str)] = &[
    (
        "Authorize",
        "decided by the tokens, and by a contract certificate where there is one",
    ),
    (
        "BatterySwap",
        "a battery swap, in the course of its request",
    ),
    (
        "BootNotification",
        "accepted, or pending until an operator approves",
    ),
    ("ClearedChargingLimit", CHARGING),
    ("ClosePeriodicEventStream", "kept, and the end of a stream"),
    ("DataTransfer", "kept, and refused as UnknownVendorId"),
    ("DiagnosticsStatusNotification", COURSE),
    ("FirmwareStatusNotification", COURSE),
    (
        "Get15118EVCertificate",
        "passed to a provider of contracts; without one refused in its own answer",
    ),
    (
        "GetCertificateChainStatus",
        "asked of listed OCSP responders and lists (CRL), remembered; of others Failed",
    ),
    (
        "GetCertificateStatus",
        "asked of listed OCSP responders, remembered; of others Failed",
    ),
    ("Heartbeat", "told the time"),
    ("LogStatusNotification", COURSE),
    ("MeterValues", "readings, of a transaction or beside one"),
    ("NotifyChargingLimit", CHARGING),
    (
        "NotifyCustomerInformation",
        "counted in the course of its command; the frame alone keeps what it says",
    ),
    ("NotifyDERAlarm", "kept, and an alarm, or its end"),
    ("NotifyDERStartStop", "kept, and how a DER control stands"),
    ("NotifyDisplayMessages", COURSE),
    (
        "NotifyEVChargingNeeds",
        "beside the profiles; refused unless the configuration says that somebody plans",
    ),
    (
        "NotifyEVChargingSchedule",
        "beside the profiles; accepted if it keeps to them",
    ),
    (
        "NotifyEvent",
        "events of the station, and values of variables",
    ),
    ("NotifyMonitoringReport", COURSE),
    (
        "NotifyPeriodicEventStream",
        "values of the variable of its monitor, never answered",
    ),
    ("NotifyPriorityCharging", CHARGING),
    (
        "NotifyReport",
        "variables; kept, in the course of the command that it comes after",
    ),
    (
        "NotifySettlement",
        "kept with its transaction, once however often it is told; answered with our receipt where that is configured",
    ),
    (
        "OpenPeriodicEventStream",
        "a stream, refused beyond the bounds of the configuration",
    ),
    ("PublishFirmwareStatusNotification", COURSE),
    (
        "PullDynamicScheduleUpdate",
        "answered with the newest rates of the profile",
    ),
    (
        "ReportChargingProfiles",
        "the profiles of the station; kept, in the course of the command that it comes after",
    ),
    (
        "ReportDERControl",
        "the DER controls of the station; kept, in the course of the command that it comes after",
    ),
    (
        "ReservationStatusUpdate",
        "kept, and the end of a reservation",
    ),
    (
        "SecurityEventNotification",
        "a security event, with its severity",
    ),
    (
        "SignCertificate",
        "checked, signed by the CA, sent by CertificateSigned; without a CA refused",
    ),
    ("SignedFirmwareStatusNotification", COURSE),
    (
        "StartTransaction",
        "a transaction begins, with an id of ours",
    ),
    ("StatusNotification", "the state of a connector"),
    (
        "StopTransaction",
        "a transaction ends, with its energy and cost",
    ),
    (
        "TransactionEvent",
        "a transaction's course, with its energy and cost",
    ),
    (
        "VatNumberValidation",
        "kept, and asked of whoever the configuration names; without one refused in its own answer",
    ),
];

/// Which tables of SQL show what a station's call tells, or why none does. `pipeline` holds this column against its tables.
const TABLES: &[(&str, &str)] = &[
    (
        "Authorize",
        "none: decided and answered at once, it changes nothing; a token that charges is in `transaction_events`",
    ),
    ("BatterySwap", "`battery_swaps`, `notifications`"),
    ("BootNotification", "`connection_events`, `stations`"),
    ("ClearedChargingLimit", "`charging_events`"),
    ("ClosePeriodicEventStream", "`notifications`"),
    ("DataTransfer", "`notifications`"),
    ("DiagnosticsStatusNotification", PROGRESS),
    ("FirmwareStatusNotification", PROGRESS),
    ("Get15118EVCertificate", "`notifications`"),
    ("GetCertificateChainStatus", "`notifications`"),
    ("GetCertificateStatus", "`notifications`"),
    ("Heartbeat", "`stations`: `last_seen_at`"),
    ("LogStatusNotification", PROGRESS),
    ("MeterValues", METER),
    ("NotifyChargingLimit", "`charging_events`"),
    (
        "NotifyCustomerInformation",
        "`command_courses`: how much came, never what it says of a person",
    ),
    ("NotifyDERAlarm", "`der_alarms`, `notifications`"),
    ("NotifyDERStartStop", "`der_controls`, `notifications`"),
    (
        "NotifyDisplayMessages",
        "`display_messages`, `command_courses`",
    ),
    ("NotifyEVChargingNeeds", "`charging_events`"),
    ("NotifyEVChargingSchedule", "`charging_events`"),
    ("NotifyEvent", "`events`, `variables`"),
    ("NotifyMonitoringReport", "`monitors`, `command_courses`"),
    ("NotifyPeriodicEventStream", "`events`, `variables`"),
    ("NotifyPriorityCharging", "`charging_events`"),
    ("NotifyReport", "`variables`, `command_courses`"),
    (
        "NotifySettlement",
        "`settlements`; without a transaction that is known, `notifications`",
    ),
    ("OpenPeriodicEventStream", "`notifications`"),
    ("PublishFirmwareStatusNotification", PROGRESS),
    ("PullDynamicScheduleUpdate", "`charging_events`"),
    (
        "ReportChargingProfiles",
        "`charging_profiles`, `command_courses`",
    ),
    ("ReportDERControl", "`der_controls`, `command_courses`"),
    ("ReservationStatusUpdate", "`reservations`, `notifications`"),
    ("SecurityEventNotification", "`security_events`"),
    ("SignCertificate", "`notifications`"),
    ("SignedFirmwareStatusNotification", PROGRESS),
    ("StartTransaction", TRANSACTION),
    ("StatusNotification", "`status_events`, `connectors`"),
    ("StopTransaction", TRANSACTION),
    ("TransactionEvent", TRANSACTION),
    ("VatNumberValidation", "`notifications`"),
];

const METER: &str = "`meter_values`, `meter_samples`";
const PROGRESS: &str = "`progress_events`, `command_courses`";
const TRANSACTION: &str =
    "`transaction_events`, `transactions`, `meter_values`, `transaction_costs`";

const CHARGING: &str = "kept, and shown beside the profiles";
const PROFILES: &str = "a command; its answer tells which profiles the station has";
const FOLLOWED: &str = "a command; what comes after its answer stands beside it";
const RESERVATION: &str =
    "a command; `/devices/{id}/reservations` makes it, and keeps what comes of it";
const GRID: &str = "a command; its answer tells what the station has";
const TARIFFS: &str = "a command; its answer tells which tariffs the station has";
const VARIABLES: &str = "a command; its answer tells of variables";

/// Calls that more is done with than with a command as such.
const COMMANDS: &[(&str, &str)] = &[
    ("AFRRSignal", GRID),
    ("AdjustPeriodicEventStream", GRID),
    ("CancelReservation", RESERVATION),
    ("ChangeConfiguration", VARIABLES),
    (
        "ChangeTransactionTariff",
        "a command; `/transactions/{id}/tariff` makes it from a stored tariff, and our own figure follows the station's word",
    ),
    ("ClearChargingProfile", PROFILES),
    ("ClearDERControl", GRID),
    ("ClearTariffs", TARIFFS),
    (
        "CostUpdated",
        "a command; sent while a charge runs where the configuration asks for it",
    ),
    ("CustomerInformation", FOLLOWED),
    ("GetBaseReport", FOLLOWED),
    ("GetChargingProfiles", FOLLOWED),
    (
        "GetCompositeSchedule",
        "a command; `/devices/{id}/composite-schedule` holds the answer against our own",
    ),
    ("GetConfiguration", VARIABLES),
    ("GetDERControl", FOLLOWED),
    ("GetDiagnostics", FOLLOWED),
    ("GetDisplayMessages", FOLLOWED),
    ("GetLog", FOLLOWED),
    ("GetMonitoringReport", FOLLOWED),
    ("GetPeriodicEventStream", GRID),
    ("GetReport", FOLLOWED),
    ("NotifyAllowedEnergyTransfer", GRID),
    ("GetTariffs", TARIFFS),
    ("GetVariables", VARIABLES),
    ("PublishFirmware", FOLLOWED),
    (
        "RemoteStartTransaction",
        "a command; `/transactions/start` waits for the transaction",
    ),
    (
        "RemoteStopTransaction",
        "a command; `/transactions/stop` waits for its end",
    ),
    (
        "RequestStartTransaction",
        "a command; `/transactions/start` waits for the transaction",
    ),
    (
        "RequestStopTransaction",
        "a command; `/transactions/stop` waits for its end",
    ),
    ("RequestBatterySwap", FOLLOWED),
    ("ReserveNow", RESERVATION),
    (
        "SendLocalList",
        "a command; `/devices/{id}/local-list` makes it from the tokens",
    ),
    ("SetChargingProfile", PROFILES),
    ("SetDERControl", GRID),
    (
        "SetDefaultTariff",
        "a command; `/devices/{id}/tariffs` makes it from a stored tariff, and shows what the station has",
    ),
    ("SetVariables", VARIABLES),
    ("SignedUpdateFirmware", FOLLOWED),
    ("UpdateDynamicSchedule", PROFILES),
    ("UpdateFirmware", FOLLOWED),
    ("UsePriorityCharging", PROFILES),
];

/// What becomes of an action in the course of a test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Course {
    Answered,
    Refused,
    /// We call it.
    Sent,
}

/// The tests of this folder.
#[derive(Default)]
struct Tests {
    names: BTreeSet<String>,
    /// Those of `ocpp` that are named by a rule of the RPC layer.
    of_ocpp: BTreeSet<String>,
    /// Names by what their expected courses show of each version.
    shown: BTreeMap<(&'static str, Course, String), Vec<String>>,
}

impl Tests {
    fn read(&mut self, folder: &Path) {
        let mut entries: Vec<_> = std::fs::read_dir(folder)
            .expect("the sources are there")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                self.read(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path
                    .file_name()
                    .expect("a file")
                    .to_string_lossy()
                    .into_owned();
                let version = if file.starts_with("v16") {
                    "1.6"
                } else if file.starts_with("v21") {
                    "2.1"
                } else {
                    "2.0.1"
                };
                let source = std::fs::read_to_string(&path).expect("UTF-8");
                let mut tests = source.split("#[test]\n");
                // What stands before the first test is a table that it goes through.
                let table = tests.next().unwrap_or_default();
                for (at, test) in tests.enumerate() {
                    let table = if at == 0 { table } else { "" };
                    self.note(table, test, version);
                }
            }
        }
    }

    /// The tests of `ocpp`.
    fn read_ocpp(&mut self, workspace: &Path) {
        for file in RPC_TESTS {
            let source = std::fs::read_to_string(workspace.join(file)).expect("UTF-8");
            let tests = source.split("#[test]").skip(1);
            let names = tests.filter_map(|test| test.split_once("fn ")?.1.split_once('('));
            let of_rules = names.filter(|(name, _)| name.starts_with("part4_"));
            self.of_ocpp
                .extend(of_rules.map(|(name, _)| name.to_owned()));
        }
    }

    fn note(&mut self, table: &str, test: &str, version: &'static str) {
        let (_, name) = test.split_once("fn ").expect("a function");
        let name = &name[..name.find('(').expect("its parameters")];
        self.names.insert(name.to_owned());
        let body = test.split("\n}\n").next().unwrap_or(test);
        for line in table.lines().chain(body.lines()).map(str::trim) {
            let sent = line
                .strip_prefix("< ")
                .and_then(|rest| rest.split_once(" {"));
            let (action, course) = match (sent, line.split_once(": ")) {
                (Some((action, _)), _) => (action, Course::Sent),
                (None, Some((action, answer))) if answer.starts_with('{') => {
                    (action, Course::Answered)
                }
                (None, Some((action, answer))) if answer.starts_with("error NotSupported") => {
                    (action, Course::Refused)
                }
                (None, _) => continue,
            };
            let names = self.shown.entry((version, course, action.to_owned()));
            let names = names.or_default();
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
    }

    /// The first tests that show an action.
    fn of(&self, version: &'static str, course: Course, action: &str) -> String {
        match self
            .shown
            .get(&(version, course, action.to_owned()))
            .map(Vec::as_slice)
        {
            None => String::new(),
            Some([one]) => format!("`{one}`"),
            Some([one, two]) => format!("`{one}`, `{two}`"),
            Some([one, two, more @ ..]) => format!("`{one}`, `{two}` and {} more", more.len()),
            Some([]) => unreachable!("made with the first"),
        }
    }
}

fn actions(
    page: &mut String,
    tests: &Tests,
    version: &'static str,
    calls: &[&str],
    commands: &[&str],
    sends: &[&str],
) {
    let known: BTreeSet<_> = [calls, commands, sends].concat().into_iter().collect();
    let count = known.len();
    writeln!(page, "\n### OCPP {version}: {count} actions\n").unwrap();
    writeln!(
        page,
        "| Action | Direction | Behaviour | SQL table | Test |\n| --- | --- | --- | --- | --- |"
    )
    .unwrap();
    let lookup = |table: &[(&str, &'static str)], action: &str| {
        table
            .iter()
            .find(|(name, _)| *name == action)
            .map(|(_, behaviour)| *behaviour)
    };
    for (direction, set) in [
        ("to us", calls),
        ("to us, unanswered", sends),
        ("to the station", commands),
    ] {
        let mut set = set.to_vec();
        set.sort_unstable();
        for action in set {
            let (behaviour, course) = match direction {
                "to the station" => (lookup(COMMANDS, action).unwrap_or(COMMAND), Course::Sent),
                _ => match lookup(BEHAVIOURS, action) {
                    Some(behaviour) => (behaviour, Course::Answered),
                    None => panic!("what becomes of {action} of {version}?"),
                },
            };
            let scenarios = tests.of(version, course, action);
            let shown = match (version, direction) {
                // What no scenario of 2.1 shows, a table does: it sends every call. A script has the SEND.
                ("2.1", "to us") if scenarios.is_empty() => {
                    "`every_call_of_a_2_1_station_is_answered`".to_owned()
                }
                ("2.1", "to us, unanswered") => {
                    "`a_send_is_recorded_and_never_answered`".to_owned()
                }
                _ => scenarios,
            };
            assert!(
                !shown.is_empty(),
                "no scenario shows {action} of {version}: {behaviour}"
            );
            let tables = match (direction, behaviour) {
                ("to the station", FOLLOWED) => "`commands`, `command_courses`",
                ("to the station", _) => "`commands`",
                _ => lookup(TABLES, action).unwrap_or_else(|| panic!("no table for {action}")),
            };
            writeln!(
                page,
                "| {action} | {direction} | {behaviour} | {tables} | {shown} |"
            )
            .unwrap();
        }
    }
}

/// The cases that a test's name speaks of: `tc_c_47_csms_to_tc_c_49_csms_…` is about three.
fn cases_of(name: &str) -> Vec<String> {
    let mut cases: Vec<(char, u32)> = Vec::new();
    for (at, _) in name.match_indices("tc_") {
        let mut words = name[at + 3..].splitn(4, '_');
        let (block, number) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let is_case = words.next() == Some("csms");
        if let (Ok(block), Ok(number), true) = (block.parse(), number.parse(), is_case) {
            let before = cases.last().filter(|_| name[..at].ends_with("_to_"));
            let first = before.map_or(number, |(_, before)| before + 1);
            cases.extend((first..=number).map(|number| (block, number)));
        }
    }
    let id = |(block, number)| format!("tc_{block}_{number:02}_csms");
    cases.into_iter().map(id).collect()
}

/// A row of a list: shown, or why not. A mark is `with`, and what its test takes; or `part`, and what is missing of it, and the
/// tests that it names exist.
fn state(id: &str, test: Option<&String>, mark: Option<&str>, tests: &Tests) -> String {
    match (
        test,
        mark.map(|mark| mark.split_once(' ').unwrap_or((mark, ""))),
    ) {
        (Some(test), None) => format!("shown by `{test}`"),
        (Some(test), Some(("with", what))) => format!("shown by `{test}`, with {what}"),
        (None, None) => "missing".to_owned(),
        (None, Some(("part", why))) => {
            assert!(!why.is_empty(), "{id}: what is missing?");
            for name in why.split('`').skip(1).step_by(2) {
                assert!(tests.names.contains(name), "{id}: there is no test {name}");
            }
            format!("in part: {why}")
        }
        (_, Some((mark, _))) => panic!("{id}: the mark {mark} is unknown, or the case is shown"),
    }
}

/// The rules of the RPC layer, each with its test, and how many there are.
fn rpc_rules(tests: &Tests) -> (String, usize) {
    let mut table =
        String::from("| Section | Versions | Rule | Test |\n| --- | --- | --- | --- |\n");
    let mut rules = BTreeSet::new();
    for line in RPC.lines() {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("{line}: too short"));
        let (section, versions, slug) = (word(), word(), word());
        let test = format!("part4_{}_{slug}", section.replace('.', "_"));
        let of = if tests.names.contains(&test) {
            "dataplane"
        } else if tests.of_ocpp.contains(&test) {
            "ocpp"
        } else {
            panic!("there is no test {test}");
        };
        let (rule, versions) = (slug.replace('_', " "), versions.replace(',', ", "));
        writeln!(
            table,
            "| {section} | {versions} | {rule} | `{test}` in `{of}` |"
        )
        .unwrap();
        assert!(rules.insert(test), "{line} twice");
    }
    let all = tests.names.iter().chain(&tests.of_ocpp);
    for name in all.filter(|name| name.starts_with("part4_")) {
        assert!(rules.contains(name), "{name} is in no list");
    }
    (table, rules.len())
}

fn page(tests: &Tests) -> String {
    let mut lists = String::new();
    let (table, rules) = rpc_rules(tests);
    writeln!(
        lists,
        "\n## RPC layer\n\nBy sections of Part 4 of OCPP 2.0.1 and 2.1; chapter 4 of OCPP-J 1.6 has the same numbers.\n\n{table}"
    )
    .unwrap();
    writeln!(lists, "## OCPP 2.0.1 Part 6\n").unwrap();
    writeln!(
        lists,
        "| Case | Core profile | State |\n| --- | --- | --- |"
    )
    .unwrap();
    let by_case: BTreeMap<_, _> = tests
        .names
        .iter()
        .rev()
        .flat_map(|name| cases_of(name).into_iter().map(move |id| (id, name)))
        .collect();
    let (mut cases, mut shown, mut core, mut core_shown) = (BTreeSet::new(), 0, 0, 0);
    for line in PART_6.lines() {
        let mut words = line.splitn(3, ' ');
        let (id, profile) = (words.next().unwrap(), words.next().unwrap());
        let test = by_case.get(&id.to_lowercase()).copied();
        let state = state(id, test, words.next(), tests);
        let is_shown = state.starts_with("shown");
        assert!(cases.insert(id.to_lowercase()), "{id} twice");
        let profile = match profile {
            "core" => {
                core += 1;
                core_shown += u32::from(is_shown);
                "mandatory"
            }
            "core-if" => "conditional",
            "-" => "",
            other => panic!("{id}: {other}?"),
        };
        shown += u32::from(is_shown);
        writeln!(lists, "| {id} | {profile} | {state} |").unwrap();
    }
    for (id, test) in &by_case {
        assert!(cases.contains(id), "{test}: {id} is no case of Part 6");
    }
    writeln!(lists, "\n## OCPP 1.6\n").unwrap();
    writeln!(
        lists,
        "| Feature profile | Section | Use | State |\n| --- | --- | --- | --- |"
    )
    .unwrap();
    let (mut uses, mut uses_shown) = (BTreeSet::new(), 0);
    for line in OCPP_16.lines() {
        let mut words = line.splitn(4, ' ');
        let (profile, section, slug) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        );
        let of = if profile == "Security" {
            "security_"
        } else {
            ""
        };
        let test = format!(
            "ocpp16_{of}{}_{slug}",
            section.to_lowercase().replace(['.', '-'], "_")
        );
        let state = state(line, tests.names.get(&test), words.next(), tests);
        uses_shown += u32::from(state.starts_with("shown"));
        let name = slug.replace('_', " ");
        writeln!(lists, "| {profile} | {section} | {name} | {state} |").unwrap();
        assert!(uses.insert(test), "{line} twice");
    }
    for name in tests
        .names
        .iter()
        .filter(|name| name.starts_with("ocpp16_"))
    {
        assert!(uses.contains(name), "{name} is in no list");
    }
    let mut page = format!(
        "# OCPP coverage

Made by `UPDATE_EXPECT=1 cargo test -p dataplane --lib coverage` from the actions that the `ocpp` crate knows, the ids of
the certification's cases, and the tests in `dataplane/src/shard/tests` and `dataplane/tests`; the same test fails while this
page is not true of them. The SQL tables ([SQL](sql.md)) are where rows of what was said are. A case is shown when its script passes
against a shard in memory: whatever leaves it is read back by the strict reader of its version, and the course is compared as a
whole. Cases about TLS are shown over sockets. That is our reading of the case, not a certificate.

| | Shown | Of |
| --- | --- | --- |
| OCPP 2.0.1 Part 6, cases for a CSMS | {shown} | {} |
| of these mandatory in the Core profile (Part 5) | {core_shown} | {core} |
| OCPP 1.6 and its security whitepaper, uses | {uses_shown} | {} |
| RPC layer (OCPP-J 1.6, Part 4 of 2.0.1 and 2.1), rules | {rules} | {rules} |

## Actions
",
        cases.len(),
        uses.len(),
    );
    actions(
        &mut page,
        tests,
        "1.6",
        v16::Request::ACTIONS,
        v16::Command::ACTIONS,
        &[],
    );
    actions(
        &mut page,
        tests,
        "2.0.1",
        v201::Request::ACTIONS,
        v201::Command::ACTIONS,
        &[],
    );
    actions(
        &mut page,
        tests,
        "2.1",
        v21::Request::ACTIONS,
        v21::Command::ACTIONS,
        v21::Send::ACTIONS,
    );
    page + &lists
}

#[test]
fn the_coverage_page_is_true() {
    let mut tests = Tests::default();
    for folder in ["src/shard/tests", "tests"] {
        tests.read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    }
    tests.read_ocpp(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    expect_file!["../../../../docs/ocpp-coverage.md"].assert_eq(&page(&tests));
}

#[test]
fn every_action_has_a_direction() {
    let of = |sets: [&[&'static str]; 3]| {
        let all: BTreeSet<_> = sets.concat().into_iter().collect();
        all.into_iter().collect::<Vec<_>>()
    };
    let sorted = |actions: &[&'static str]| {
        let all: BTreeSet<_> = actions.iter().copied().collect();
        all.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        of([v16::Request::ACTIONS, v16::Command::ACTIONS, &[]]),
        sorted(v16::ACTIONS)
    );
    assert_eq!(
        of([v201::Request::ACTIONS, v201::Command::ACTIONS, &[]]),
        sorted(v201::ACTIONS)
    );
    assert_eq!(
        of([
            v21::Request::ACTIONS,
            v21::Command::ACTIONS,
            v21::Send::ACTIONS
        ]),
        sorted(v21::ACTIONS)
    );
    assert_eq!(
        [v16::ACTIONS.len(), v201::ACTIONS.len(), v21::ACTIONS.len()],
        [39, 64, 91]
    );
}
