use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::record::{
    AfrrSignal, AllowedEnergyTransfer, AppliedTariff, BatterySwap, CertificateHashData,
    ChargingLimitHeld, ChargingProfileHeld, ConnectorDeclared, CostLimit, CostPart, DateRead,
    DerAlarm, DerControlHeld, DriverTransfer, EventStreamHeld, FollowUp, InstalledCertificate,
    Limits, MessageChange, MeterRow, Moment, PartRange, PasswordInDoubt, QuarantinedAt, Reading,
    Reservation, Retry, Sample, SeqRange, Settlement, SigningRequest, SigningState, StartLimit,
    StartToken, StationCost, StationPassword, StationTariff, SwappedBattery, TextRange,
    ToldProgress, TransactionLimit, TransactionSummary, VehicleCharging, WebPaymentSecret,
};

fn key() -> StationKey {
    StationKey::new("default", "CP1").unwrap()
}

const AT: UtcMicros = UtcMicros(1_795_344_109_123_456);

fn moment() -> Moment {
    Moment {
        at: 7,
        raw: "2026-11-22T10:41:49Z".into(),
        clock_trusted: true,
    }
}

fn hash_data(n: u8) -> CertificateHashData {
    CertificateHashData {
        hash_algorithm: "SHA256".into(),
        issuer_name_hash: format!("a{n}"),
        issuer_key_hash: format!("b{n}"),
        serial_number: format!("c{n}"),
    }
}

/// One fact of every kind, with no field at its default.
fn samples() -> Vec<Fact> {
    let retry = Retry {
        key: [1; 16],
        content: [2; 16],
        conflict: true,
    };
    let text = |start, len| TextRange { start, len };
    vec![
        Connected {
            connection: 9,
            peer: "127.0.0.1:1".into(),
            protocol: 1,
            security: 2,
            acceptance: 2,
            first_seen: true,
        }
        .into(),
        Disconnected {
            connection: 9,
            reason: "replaced".into(),
        }
        .into(),
        ConnectionRefused {
            peer: "[::1]:2".into(),
            reason: "wrong password".into(),
        }
        .into(),
        Booted {
            vendor: "V".into(),
            model: "M".into(),
            serial_number: "S".into(),
            firmware_version: "1.2".into(),
            reason: "PowerUp".into(),
            iccid: "ic".into(),
            imsi: "im".into(),
            meter_type: "mt".into(),
            meter_serial_number: "ms".into(),
            accepted: true,
        }
        .into(),
        StatusReported {
            evse_id: 1,
            connector_id: 2,
            status: 2,
            status_reported: "SuspendedEV".into(),
            error_code: "NoError".into(),
            vendor_error_code: "E1".into(),
            vendor_id: "vid".into(),
            info: "info".into(),
            occurred: moment(),
            live: true,
            retry,
        }
        .into(),
        TransactionEvent {
            transaction_id: [3; 16],
            ocpp_transaction_id: "1234".into(),
            kind: 3,
            evse_id: 1,
            connector_id: 1,
            seq_no: 5,
            seq_gap: 2,
            trigger_reason: "EVDeparted".into(),
            charging_state: "Idle".into(),
            stop_reason: "EVDisconnected".into(),
            token_ref: Some([4; 16]),
            remote_start_id: 77,
            ocpp_counter: 6,
            offline: true,
            occurred: moment(),
            register_mwh: Some(1_000_001),
            retry,
            summary: TransactionSummary {
                state: 2,
                quality: 1,
                started_at: Some(1),
                ended_at: Some(2),
                meter_start_mwh: Some(3),
                meter_stop_mwh: Some(4),
                energy_mwh: Some(1),
                cost: Some(5),
                currency: *b"BRL",
                token_ref: Some([4; 16]),
            },
        }
        .into(),
        MeterValues {
            evse_id: 1,
            connector_id: 1,
            transaction_id: Some([3; 16]),
            ocpp_transaction_id: "1234".into(),
            offline: true,
            rows: vec![MeterRow {
                measured_at: 1,
                measured_at_raw: text(0, 4),
                clock_trusted: true,
                context: 5,
            }],
            readings: vec![Reading {
                row: 0,
                column: 0,
                bits: 1_234_567,
            }],
            samples: vec![Sample {
                row: 0,
                context: 5,
                measurand: text(4, 3),
                phase: text(7, 2),
                location: text(9, 3),
                unit: text(12, 3),
                value: text(15, 4),
                value_number: 12.5,
                signed_value: text(19, 1),
            }],
            text: "rawtRPML1EV varh12.5s".into(),
            retry,
        }
        .into(),
        SecurityEvent {
            event_type: "FirmwareUpdated".into(),
            occurred: moment(),
            info: "i".into(),
            critical: true,
        }
        .into(),
        CommandChanged {
            command_id: [5; 16],
            action: "Reset".into(),
            payload: "{\"type\":\"Soft\"}".into(),
            state: 3,
            result: "{\"status\":\"Accepted\"}".into(),
            error_code: "InternalError".into(),
            error_description: "d".into(),
            principal: "admin".into(),
            created_at: 8,
        }
        .into(),
        Message {
            direction: 1,
            message_type: 2,
            message_id: "m1".into(),
            action: "Heartbeat".into(),
            raw: "[2,\"m1\",\"Heartbeat\",{}]".into(),
        }
        .into(),
        StationConfigured {
            site: "Paulista".into(),
            latitude: Some(-23.5),
            longitude: Some(-46.6),
            address: "Av. Paulista 1".into(),
            connectors: 2,
            password_salt: Some([6; 16]),
            password_mac: Some([7; 32]),
            acceptance: 2,
            principal: "admin".into(),
            declared: vec![ConnectorDeclared {
                evse_id: 1,
                connector_id: 2,
                kind: "CCS".into(),
                max_power_w: Some(150_000),
            }],
        }
        .into(),
        StationDeleted {
            principal: "admin".into(),
        }
        .into(),
        Notified {
            action: "FirmwareStatusNotification".into(),
            payload: "{}".into(),
        }
        .into(),
        CommandFollowed {
            command_id: Some([8; 16]),
            action: "NotifyReport".into(),
            request_id: Some(7),
            began_at: 9,
            began_log_id: 10,
            began_seq: 11,
            is_inventory: true,
            messages: 3,
            duplicates: 1,
            parts: vec![
                PartRange { first: 0, last: 1 },
                PartRange { first: 3, last: 3 },
            ],
            last_part: Some(3),
            complete: false,
            follow_ups: vec![FollowUp {
                received_at: 12,
                summary: "{\"seqNo\":3}".into(),
            }],
        }
        .into(),
        ChargingChanged {
            cause: "SetChargingProfile".into(),
            command_id: Some([8; 16]),
            installed: vec![7],
            removed: vec![6],
            profiles: vec![ChargingProfileHeld {
                id: 7,
                evse_id: 1,
                protocol: 3,
                source: 2,
                limit_source: "EMS".into(),
                command_id: Some([8; 16]),
                installed_at: 9,
                confirmed_at: 10,
                waits_for: Some(11),
                ocpp_transaction_id: "1234".into(),
                is_void: true,
                update: "{\"limit\":6.0}".into(),
                updated_at: 12,
                profile: "{\"id\":7}".into(),
            }],
            is_partial: true,
            limits: vec![ChargingLimitHeld {
                source: "SO".into(),
                evse_id: 2,
                is_grid_critical: Some(true),
                is_local_generation: Some(false),
                schedules: "[]".into(),
                at: 13,
            }],
            vehicles: vec![VehicleCharging {
                evse_id: 1,
                ocpp_transaction_id: "1234".into(),
                needs: "{}".into(),
                needs_at: 14,
                needs_status: "Accepted".into(),
                schedule: "{ }".into(),
                schedule_at: 15,
                priority: true,
            }],
        }
        .into(),
        ReservationsChanged {
            last_id: 13,
            reservations: vec![Reservation {
                id: 12,
                evse_id: 1,
                connector_type: "cCCS2".into(),
                token_ref: [9; 16],
                group_ref: Some([10; 16]),
                expires_at: 14,
                state: 5,
                requested_at: 15,
                changed_at: 16,
                transaction_id: Some([11; 16]),
                principal: "admin".into(),
            }],
        }
        .into(),
        StationCertificates {
            installed: vec![InstalledCertificate {
                certificate_type: "CSMSRootCertificate".into(),
                hashes: vec![hash_data(1)],
                children: vec![hash_data(2)],
                subject: "CN=Root".into(),
                not_after: Some(9),
                known_since: 10,
                reported_at: Some(11),
            }],
            requests: vec![SigningRequest {
                requested_at: 12,
                certificate_type: "V2GCertificate".into(),
                request_id: Some(13),
                state: SigningState::Signed.code(),
                changed_at: 14,
                subject: "CN=CP1".into(),
                reason: "why".into(),
                command_id: Some([15; 16]),
                serial_number: "1f".into(),
                not_after: Some(16),
            }],
        }
        .into(),
        TransactionMoney {
            transaction_id: [1; 16],
            tariff: Some(AppliedTariff {
                tariff_id: "T".into(),
                tariff: "{}".into(),
                time_zone: "UTC".into(),
                applied_at: 2,
            }),
            station_cost: Some(StationCost {
                seq_no: 3,
                told_at: 4,
                tariff_id: "U".into(),
                details: "{ }".into(),
            }),
            settlements: vec![Settlement {
                told_at: 5,
                psp_ref: "psp".into(),
                status: "Settled".into(),
                status_info: "ok".into(),
                amount: "5.250".into(),
                settled_at: 6,
                receipt_id: "7".into(),
                receipt_url: "u".into(),
                vat_number: "v".into(),
                vat_company: "{}".into(),
            }],
        }
        .into(),
        MoneyChanged {
            money: TransactionMoney {
                transaction_id: [1; 16],
                tariff: Some(AppliedTariff {
                    tariff_id: "T".into(),
                    tariff: "{}".into(),
                    time_zone: "UTC".into(),
                    applied_at: 2,
                }),
                station_cost: None,
                settlements: vec![Settlement {
                    told_at: 3,
                    psp_ref: "psp".into(),
                    status: "Failed".into(),
                    amount: "0.5".into(),
                    ..Settlement::default()
                }],
            },
            tariff_is_new: false,
            settlement_is_new: true,
        }
        .into(),
        TransactionBilled {
            transaction_id: [1; 16],
            tariff_id: "T".into(),
            currency: *b"EUR",
            kind: crate::record::CostKind::Max.code(),
            parts: vec![CostPart {
                part: 1,
                excl_tax: 2,
                incl_tax: 3,
            }],
            energy_mwh: 4,
            charging: 5,
            idle: 6,
            reservation: Some(7),
        }
        .into(),
        TransactionCosted {
            bill: TransactionBilled {
                transaction_id: [1; 16],
                tariff_id: "T".into(),
                currency: *b"EUR",
                kind: crate::record::CostKind::Normal.code(),
                ..TransactionBilled::default()
            },
            state: crate::record::CostState::Free.code(),
        }
        .into(),
        CostAccrued {
            transaction_id: [1; 16],
            started_at: 2,
            time_at: 3,
            energy_at: 4,
            energy_mwh: 5,
            flow: 1,
            charging: 6,
            idle: 7,
            idle_now: 8,
            reservation: Some(9),
            power_mw: Some(10),
            energy_sum: 11,
            charging_sum: -12,
            idle_sum: 13,
            reservation_sum: 1 << 100,
            fixed_micros: Some(14),
            reservation_micros: None,
            before: vec![CostPart {
                part: 1,
                excl_tax: 15,
                incl_tax: 16,
            }],
            frozen: Some(Vec::new()),
        }
        .into(),
        StationTariffs {
            tariffs: vec![StationTariff {
                tariff_id: "T".into(),
                kind: "DefaultTariff".into(),
                evse_ids: vec![1, 2],
                id_tokens: 3,
                valid_from: Some(4),
                known_since: 5,
                reported_at: Some(6),
            }],
        }
        .into(),
        DerChanged {
            cause: "SetDERControl".into(),
            command_id: Some([8; 16]),
            is_partial: true,
            controls: vec![DerControlHeld {
                id: "c1".into(),
                control_type: "FreqDroop".into(),
                is_default: true,
                is_superseded: true,
                priority: Some(2),
                starts_at: Some(3),
                duration_micros: Some(4),
                command_id: Some([5; 16]),
                known_since: 6,
                reported_at: Some(7),
                began_at: Some(8),
                ended_at: Some(9),
                settings: "{}".into(),
            }],
            alarms: vec![DerAlarm {
                control_type: "VoltWatt".into(),
                fault: "OverVoltage".into(),
                extra_info: "L1".into(),
                raised_at: Some(10),
                received_at: 11,
                ended_at: Some(12),
                is_taken_over: true,
            }],
        }
        .into(),
        EventStreamsChanged {
            cause: "OpenPeriodicEventStream".into(),
            command_id: Some([8; 16]),
            streams: vec![EventStreamHeld {
                id: 1,
                monitor_id: 2,
                interval_s: Some(3),
                values: Some(4),
                opened_at: 5,
                changed_at: 6,
            }],
        }
        .into(),
        BatterySwapsChanged {
            cause: "BatterySwap".into(),
            swaps: vec![BatterySwap {
                request_id: 7,
                state: 4,
                token_ref: [9; 16],
                command_id: Some([8; 16]),
                began_at: 10,
                changed_at: 11,
                batteries: vec![SwappedBattery {
                    event: 2,
                    evse_id: 3,
                    serial_number: "B1".into(),
                    soc_percent: "97.5".into(),
                    soh_percent: "99".into(),
                    produced_at: Some(12),
                    vendor_info: "LFP".into(),
                    at: 13,
                }],
            }],
        }
        .into(),
        V2xChanged {
            cause: "AFRRSignal".into(),
            command_id: Some([8; 16]),
            allowed: vec![AllowedEnergyTransfer {
                ocpp_transaction_id: "1234".into(),
                modes: vec!["DC".into(), "DC_BPT".into()],
                command_id: [7; 16],
                at: 9,
            }],
            afrr: Some(AfrrSignal {
                signal: -5,
                signal_at: 10,
                command_id: [6; 16],
                at: 11,
            }),
        }
        .into(),
        WebPaymentSecretsChanged {
            cause: "SetVariables".into(),
            command_id: Some([8; 16]),
            secrets: vec![WebPaymentSecret {
                evse_id: 2,
                sealed: vec![1, 2, 3],
                command_id: [7; 16],
                at: 9,
            }],
        }
        .into(),
        WebPaymentSecretsPending {
            cause: "SetVariables".into(),
            command_id: Some([8; 16]),
            secrets: vec![WebPaymentSecret {
                evse_id: 2,
                sealed: vec![1, 2, 3],
                command_id: [7; 16],
                at: 9,
            }],
        }
        .into(),
        TransactionClosed {
            transaction_id: [3; 16],
            principal: "admin".into(),
            reason: "station gone".into(),
            ended_at: Some(1),
            meter_stop_mwh: Some(2),
            before: TransactionSummary {
                state: 1,
                quality: 1,
                started_at: Some(3),
                ended_at: None,
                meter_start_mwh: Some(4),
                meter_stop_mwh: Some(5),
                energy_mwh: Some(6),
                cost: None,
                currency: *b"BRL",
                token_ref: Some([7; 16]),
            },
            seq_no: 8,
            event_at: 9,
        }
        .into(),
        MessageQuarantined {
            outcome: 1,
            protocol: 2,
            message_id: "m1".into(),
            action: "StatusNotification".into(),
            raw: "[2,]".into(),
            profile_id: "alfen".into(),
            profile_revision: 3,
            changes: vec![MessageChange {
                pointer: "/connectorId".into(),
                quirk: "number_form".into(),
                found: "1.0".into(),
                taken: "1".into(),
            }],
            error_code: "FormatViolation".into(),
            reason: "because".into(),
            passed_by: 4,
            replay_of: Some(QuarantinedAt { log_id: 5, seq: 6 }),
        }
        .into(),
        TransactionProgress {
            transaction_id: [3; 16],
            missing: vec![SeqRange { first: 4, last: 5 }],
            told: Some(ToldProgress {
                told_at: 6,
                command_id: [7; 16],
                ongoing: Some(true),
                messages_in_queue: true,
            }),
        }
        .into(),
        SecurityProfileSet {
            profile: 2,
            principal: "admin".into(),
        }
        .into(),
        StationHeard { heard_at: 4 }.into(),
        PasswordsInDoubt {
            cause: "SetVariables".into(),
            command_id: Some([8; 16]),
            passwords: vec![PasswordInDoubt {
                command_id: [7; 16],
                salt: [1; 16],
                mac: [2; 32],
                at: 9,
            }],
        }
        .into(),
        StationPasswords {
            cause: "SetNetworkProfile".into(),
            command_id: Some([8; 16]),
            known_slot: Some("1".into()),
            passwords: vec![
                StationPassword {
                    slot: None,
                    command_id: None,
                    salt: [1; 16],
                    mac: [2; 32],
                    at: 9,
                },
                StationPassword {
                    slot: Some("2".into()),
                    command_id: Some([7; 16]),
                    salt: [3; 16],
                    mac: [4; 32],
                    at: 10,
                },
            ],
        }
        .into(),
        StartTokens {
            cause: "RequestStartTransaction".into(),
            tokens: vec![StartToken {
                token_ref: [5; 16],
                remote_start_id: 6,
                sent_at: 9,
                until: 10,
            }],
        }
        .into(),
        CostLimits {
            cause: "TransactionEvent".into(),
            limits: vec![CostLimit {
                transaction_id: [5; 16],
                max_cost: "12.50".into(),
            }],
        }
        .into(),
        TransactionLimits {
            cause: "Sigec.Limited".into(),
            limits: vec![TransactionLimit {
                transaction_id: [5; 16],
                set: Limits {
                    cost_micros: Some(12_500_000),
                    energy_mwh: Some(20_000_000),
                    time_s: Some(3_600),
                    soc_percent: Some(80),
                },
                set_by: "op".into(),
                set_at: Some(6),
                waiting: Limits {
                    time_s: Some(3_600),
                    ..Limits::default()
                },
                sent: Limits {
                    cost_micros: Some(12_500_000),
                    ..Limits::default()
                },
                newest: Limits {
                    energy_mwh: Some(20_000_000),
                    ..Limits::default()
                },
                newest_seq_no: 7,
                sent_at: Some(8),
                told: Limits {
                    soc_percent: Some(80),
                    ..Limits::default()
                },
                told_seq_no: 9,
                told_at: Some(10),
            }],
            starts: vec![StartLimit {
                remote_start_id: 11,
                until: 12,
                set: Limits::default(),
                set_by: "op".into(),
                set_at: 13,
            }],
        }
        .into(),
        DriverTransfers {
            cause: "TransactionEvent".into(),
            transfers: vec![DriverTransfer {
                transaction_id: [5; 16],
                modes: vec!["DC".into(), "DC_BPT".into()],
            }],
        }
        .into(),
        NotifiedDated {
            notified: Notified {
                action: "NotifyEvent".into(),
                payload: "{}".into(),
            },
            dates: vec![
                DateRead {
                    pointer: "/a".into(),
                    at: Some(9),
                },
                DateRead {
                    pointer: "/b".into(),
                    at: None,
                },
            ],
        }
        .into(),
    ]
}

fn kind(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

fn write(fact: &Fact) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::default().write_fact(&mut out, &key(), AT, fact);
    out
}

#[test]
fn every_kind_reads_back_as_written() {
    let facts = samples();
    let kinds: BTreeSet<_> = facts.iter().map(|fact| kind(&write(fact))).collect();
    assert_eq!(
        kinds,
        KINDS.iter().copied().collect(),
        "one sample of every kind"
    );
    for fact in &facts {
        let bytes = write(fact);
        let record = read(&bytes).unwrap();
        assert_eq!((record.station, record.received_at), ("default/CP1", AT));
        assert_eq!(record.body.kind(), kind(&bytes));
        assert_eq!(&record.body.to_fact().unwrap(), fact);
    }
}

#[test]
fn a_record_behind_others_in_one_buffer_reads_back() {
    let facts = samples();
    let mut out = Vec::new();
    let mut ends = vec![0];
    let mut writer = Writer::default();
    for fact in &facts {
        writer.write_fact(&mut out, &key(), AT, fact);
        ends.push(out.len());
    }
    for (fact, range) in facts.iter().zip(ends.windows(2)) {
        assert_eq!(
            &read(&out[range[0]..range[1]])
                .unwrap()
                .body
                .to_fact()
                .unwrap(),
            fact
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .chunks(48)
        .map(|line| line.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n")
        .collect()
}

fn check_golden(file: &Expect) {
    let text: String = samples()
        .iter()
        .map(|fact| {
            let bytes = write(fact);
            format!("{}\n{}", read(&bytes).unwrap().body.name(), hex(&bytes))
        })
        .collect();
    file.assert_eq(&text);
}

#[test]
fn golden_bytes_have_not_moved() {
    // A change here is a change of the format on disk: add a version, keep the reader of this one.
    check_golden(&expect![[r#"
        Connected
        0100010080b7df1fdb6006000b64656661756c742f4350313132372e302e302e313a3109000000000000008b000000ed
        ffffff01020201
        Disconnected
        0200010080b7df1fdb6006000b64656661756c742f43503109000000000000007265706c61636564
        ConnectionRefused
        0300010080b7df1fdb6006000b64656661756c742f43503177726f6e672070617373776f72645b3a3a315d3a32ff8e00
        0000eaffffff
        Booted
        0400010080b7df1fdb6006000b64656661756c742f43503156ffffffffffffff4dffffffffffffff53ffffffffffffff
        312e32ffffffffff506f7765725570ff6963ffffffffffff696dffffffffffff6d74ffffffffffff6d73ffffffffffff
        01
        StatusReported
        0500010080b7df1fdb6006000b64656661756c742f43503153757370656e6465644556323032362d31312d3232543130
        3a34313a34395a0100000002000000028b000000d8ffffff4e6f4572726f72ff4531ffffffffffff766964ffffffffff
        696e666fffffffff070000000000000094000000b3ffffff010101010101010101010101010101010101020202020202
        0202020202020202020201
        TransactionEvent
        0600010080b7df1fdb6006000b64656661756c742f435031455644657061727465644556446973636f6e6e6563746564
        323032362d31312d32325431303a34313a34395a0303030303030303030303030303030331323334ffffffff03010000
        00010000000500000000000000020000008a000000a7ffffff49646c65ffffffff8e000000a1ffffff01040404040404
        040404040404040404044d00000000000000060000000107000000000000009400000081ffffff010141420f00000000
        000101010101010101010101010101010102020202020202020202020202020202010201010100000000000000010200
        00000000000001030000000000000001040000000000000001010000000000000001050000000000000042524c010404
        0404040404040404040404040404
        MeterValues
        0700010080b7df1fdb6006000b64656661756c742f43503101000000000000000000000004000000010500000087d612
        00000000000000050400000003000000070000000200000009000000030000000c000000030000000f00000004000000
        000000000000294013000000010000007261777452504d4c314556207661726831322e35730100000001000000010303
        030303030303030303030303030331323334ffffffff0171ffffff010000007bffffff010000007effffff0100000095
        000000b1ffffff010101010101010101010101010101010202020202020202020202020202020201
        SecurityEvent
        0800010080b7df1fdb6006000b64656661756c742f4350314669726d7761726555706461746564323032362d31312d32
        325431303a34313a34395a8f000000ddffffff070000000000000094000000dcffffff0169ffffffffffffff01
        CommandChanged
        0900010080b7df1fdb6006000b64656661756c742f4350317b2274797065223a22536f6674227d7b2273746174757322
        3a224163636570746564227d496e7465726e616c4572726f72050505050505050505050505050505055265736574ffff
        ff8f000000b7ffffff0395000000bdffffff8d000000caffffff64ffffffffffffff61646d696effffff080000000000
        0000
        Message
        0a00020080b7df1fdb6006000b64656661756c742f435031010204000000020000000900000009000000170000005b32
        2c226d31222c22486561727462656174222c7b7d5d
        StationConfigured
        0b00020080b7df1fdb6006000b64656661756c742f43503141762e205061756c69737461203101000000020000004343
        53ffffffffff01f04902005061756c697374610100000000008037c001cdcccccccc4c47c08e000000c3ffffff020000
        000106060606060606060606060606060606010707070707070707070707070707070707070707070707070707070707
        0707070261646d696effffff8affffff01000000
        StationDeleted
        0c00010080b7df1fdb6006000b64656661756c742f43503161646d696effffff
        Notified
        0d00010080b7df1fdb6006000b64656661756c742f4350314669726d776172655374617475734e6f7469666963617469
        6f6e9a000000e6ffffff7b7dffffffffffff
        CommandFollowed
        0e00010080b7df1fdb6006000b64656661756c742f4350314e6f746966795265706f7274000000000100000003000000
        030000007b227365714e6f223a337d0c000000000000008b000000edffffff0108080808080808080808080808080808
        8c000000b8ffffff01070000000000000009000000000000000a000000000000000b0000000000000001030000000100
        000092ffffff020000000103000000009fffffff01000000
        ChargingChanged
        1400010080b7df1fdb6006000b64656661756c742f4350315365744368617267696e6750726f66696c65070000000600
        00007b226c696d6974223a362e307d07000000010000000302454d53ffffffffff010808080808080808080808080808
        080809000000000000000a00000000000000010b0000000000000031323334ffffffff018d000000aeffffff0c000000
        000000007b226964223a377d534fffffffffffff02000000010101005b5dffffffffffff0d0000000000000001000000
        31323334ffffffff7b7dffffffffffff0e0000000000000041636365707465647b207dffffffffff0f00000000000000
        019200000027ffffff010808080808080808080808080808080820ffffff010000001cffffff0100000025ffffff0100
        00000179ffffff0100000091ffffff01000000
        ReservationsChanged
        1900010080b7df1fdb6006000b64656661756c742f4350310c00000000000000010000006343435332ffffff09090909
        090909090909090909090909010a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0e00000000000000050f000000000000001000
        000000000000010b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b61646d696effffff0d0000000000000091ffffff01000000
        StationCertificates
        2300010080b7df1fdb6006000b64656661756c742f43503143534d53526f6f7443657274696669636174655348413235
        36ffff6131ffffffffffff6231ffffffffffff6331ffffffffffff534841323536ffff6132ffffffffffff6232ffffff
        ffffff6332ffffffffffff93000000adffffffb8ffffff01000000d0ffffff01000000434e3d526f6f74ff0109000000
        000000000a00000000000000010b0000000000000056324743657274696669636174650c000000000000008e000000ea
        ffffff010d00000000000000040e00000000000000434e3d435031ffff776879ffffffffff010f0f0f0f0f0f0f0f0f0f
        0f0f0f0f0f0f3166ffffffffffff01100000000000000064ffffff01000000a4ffffff01000000
        TransactionMoney
        2d00010080b7df1fdb6006000b64656661756c742f4350310500000000000000707370ffffffffff536574746c6564ff
        6f6bffffffffffff352e323530ffffff060000000000000037ffffffffffffff75ffffffffffffff76ffffffffffffff
        7b7dffffffffffff010101010101010101010101010101010154ffffffffffffff7b7dffffffffffff555443ffffffff
        ff0200000000000000010300000000000000040000000000000055ffffffffffffff7b207dffffffffff5effffff0100
        0000
        MoneyChanged
        4600010080b7df1fdb6006000b64656661756c742f4350310300000000000000707370ffffffffff4661696c6564ffff
        ffffffffffffffff302e35ffffffffff0000000000000000ffffffffffffffffffffffffffffffffffffffffffffffff
        ffffffffffffffff010101010101010101010101010101010154ffffffffffffff7b7dffffffffffff555443ffffffff
        ff02000000000000000000000000000000000000000000000000000000000000000000000000000000005effffff0100
        00000001
        TransactionBilled
        4700010080b7df1fdb6006000b64656661756c742f435031010200000000000000030000000000000001010101010101
        01010101010101010154ffffffffffffff45555203d3ffffff0100000004000000000000000500000000000000060000
        0000000000010700000000000000
        TransactionCosted
        5800010080b7df1fdb6006000b64656661756c742f4350310101010101010101010101010101010154ffffffffffffff
        45555201e4ffffff0000000000000000000000000000000000000000000000000000000000000000000000000002
        CostAccrued
        2e00010080b7df1fdb6006000b64656661756c742f435031010f00000000000000100000000000000001010101010101
        010101010101010101020000000000000003000000000000000400000000000000050000000000000001060000000000
        000007000000000000000800000000000000010900000000000000010a000000000000000b0000000000000000000000
        00000000f4ffffffffffffffffffffffffffffff0d000000000000000000000000000000000000000000000000000000
        10000000010e0000000000000000000000000000000042ffffff01000000014affffff00000000
        StationTariffs
        2f00010080b7df1fdb6006000b64656661756c742f43503144656661756c74546172696666010000000200000054ffff
        ffffffffff8d000000e3ffffffe8ffffff02000000030000000104000000000000000500000000000000010600000000
        000000caffffff01000000
        DerChanged
        3200010080b7df1fdb6006000b64656661756c742f435031536574444552436f6e74726f6c4672657144726f6f706331
        ffffffffffff89000000efffffff01010102000000000000000103000000000000000104000000000000000105050505
        05050505050505050505050506000000000000000107000000000000000108000000000000000109000000000000007b
        7dffffffffffff4f766572566f6c74616765566f6c74576174748b000000edffffff4c31ffffffffffff010a00000000
        0000000b00000000000000010c00000000000000018d00000043ffffff0108080808080808080808080808080808013f
        ffffff01000000abffffff01000000
        EventStreamsChanged
        3300010080b7df1fdb6006000b64656661756c742f4350314f70656e506572696f6469634576656e7453747265616d01
        000000000000000200000000000000010300000000000000010400000000000000050000000000000006000000000000
        0097000000b7ffffff0108080808080808080808080808080808b5ffffff01000000
        BatterySwapsChanged
        3400010080b7df1fdb6006000b64656661756c742f435031426174746572795377617002030000004231ffffffffffff
        39372e35ffffffff3939ffffffffffff010c000000000000004c4650ffffffffff0d0000000000000007000000000000
        00040909090909090909090909090909090901080808080808080808080808080808080a000000000000000b00000000
        00000090ffffff010000008b0000007dffffffb6ffffff01000000
        V2xChanged
        3500010080b7df1fdb6006000b64656661756c742f435031414652525369676e616c4443ffffffffffff44435f425054
        ffff31323334ffffffffe8ffffff020000000707070707070707070707070707070709000000000000008a000000beff
        ffff0108080808080808080808080808080808bfffffff0100000001fbffffffffffffff0a0000000000000006060606
        0606060606060606060606060b00000000000000
        WebPaymentSecretsChanged
        4900010080b7df1fdb6006000b64656661756c742f4350315365745661726961626c657301020302000000f9ffffff03
        0000000707070707070707070707070707070709000000000000008c000000cdffffff01080808080808080808080808
        08080808c3ffffff01000000
        WebPaymentSecretsPending
        5500010080b7df1fdb6006000b64656661756c742f4350315365745661726961626c657301020302000000f9ffffff03
        0000000707070707070707070707070707070709000000000000008c000000cdffffff01080808080808080808080808
        08080808c3ffffff01000000
        TransactionClosed
        3700010080b7df1fdb6006000b64656661756c742f43503173746174696f6e20676f6e65030303030303030303030303
        0303030361646d696effffff8c000000dcffffff01010000000000000001020000000000000001010103000000000000
        000000000000000000000104000000000000000105000000000000000106000000000000000000000000000000004252
        4c010707070707070707070707070707070708000000000000000900000000000000
        MessageQuarantined
        2800010080b7df1fdb6006000b64656661756c742f4350315374617475734e6f74696669636174696f6e2f636f6e6e65
        63746f7249646e756d6265725f666f726d8c000000e9ffffff8b000000edffffff312e30ffffffffff31ffffffffffff
        ff466f726d617456696f6c6174696f6e01026d31ffffffffffff920000009effffff5b322c5dffffffff616c66656eff
        ffff03000000abffffff010000008f000000c3ffffff62656361757365ff040000000105000000000000000600000000
        000000
        TransactionProgress
        4100010080b7df1fdb6006000b64656661756c742f435031040000000000000005000000000000000303030303030303
        0303030303030303e0ffffff0100000001060000000000000007070707070707070707070707070707010101
        SecurityProfileSet
        4f00010080b7df1fdb6006000b64656661756c742f4350310261646d696effffff
        StationHeard
        5300010080b7df1fdb6006000b64656661756c742f4350310400000000000000
        PasswordsInDoubt
        5c00010080b7df1fdb6006000b64656661756c742f4350315365745661726961626c6573070707070707070707070707
        070707070101010101010101010101010101010102020202020202020202020202020202020202020202020202020202
        0202020209000000000000008c000000acffffff01080808080808080808080808080808089fffffff01000000
        StationPasswords
        6000010080b7df1fdb6006000b64656661756c742f4350315365744e6574776f726b50726f66696c6500000000000000
        000000000000000000000000000000000000000101010101010101010101010101010102020202020202020202020202
        0202020202020202020202020202020202020209000000000000000132ffffffffffffff010707070707070707070707
        070707070703030303030303030303030303030303040404040404040404040404040404040404040404040404040404
        04040404040a00000000000000910000004bffffff01080808080808080808080808080808080131ffffffffffffff3a
        ffffff02000000
        StartTokens
        5d00010080b7df1fdb6006000b64656661756c742f4350315265717565737453746172745472616e73616374696f6e05
        050505050505050505050505050505060000000000000009000000000000000a0000000000000097000000c1ffffffd0
        ffffff01000000
        CostLimits
        5e00010080b7df1fdb6006000b64656661756c742f4350315472616e73616374696f6e4576656e740505050505050505
        050505050505050531322e3530ffffff90000000d8ffffffe0ffffff01000000
        TransactionLimits
        5f00010080b7df1fdb6006000b64656661756c742f43503153696765632e4c696d697465640505050505050505050505
        05050505050120bcbe000000000001002d31010000000001100e0000000000000150000000000000006f70ffffffffff
        ff01060000000000000000000000000000000000000000000000000001100e0000000000000000000000000000000120
        bcbe000000000000000000000000000000000000000000000000000000000000000000000000000000000001002d3101
        000000000000000000000000000000000000000000000700000000000000010800000000000000000000000000000000
        0000000000000000000000000000000000000150000000000000000900000000000000010a000000000000000b000000
        000000000c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000
        6f70ffffffffffff0d000000000000008d000000b8feffffbdfeffff01000000acffffff01000000
        DriverTransfers
        6200010080b7df1fdb6006000b64656661756c742f4350315472616e73616374696f6e4576656e744443ffffffffffff
        44435f425054ffff05050505050505050505050505050505e0ffffff0200000090000000c8ffffffe0ffffff01000000
        NotifiedDated
        6100010080b7df1fdb6006000b64656661756c742f4350314e6f746966794576656e742f61ffffffffffff0109000000
        000000002f62ffffffffffff0000000000000000008b000000d3ffffff7b7dffffffffffffceffffff02000000
    "#]]);
}

#[test]
fn what_is_no_record_is_refused_by_name() {
    let bytes = write(&samples()[0]);
    let check = |bytes: &[u8], expected: &str| {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check(
        &bytes[..5],
        "record of 5 bytes ends inside its head, at least 13",
    );
    check(
        &bytes[..20],
        "record of 20 bytes ends inside its head, at least 24",
    );
    let mut other = bytes.clone();
    other[0] = 200;
    check(&other, "record has kind 200 version 1");
    let mut newer = bytes.clone();
    newer[2] = 2;
    check(&newer, "record has kind 1 version 2");
    let mut key = bytes.clone();
    key[13] = 0xff;
    check(&key, "record has an invalid station key");
    check(
        &bytes[..bytes.len() - 1],
        "record of kind 1 has an invalid body",
    );
}

#[test]
fn a_message_of_version_1_reads_as_one_of_now() {
    // Written before a record told id and action by their place in the frame.
    let bytes = b"\x0a\0\x01\0\x80\xb7\xdf\x1f\xdb\x60\x06\0\x0bdefault/CP1\
        Heartbeat[2,\"m1\",\"Heartbeat\",{}]\x01\x02m1\xff\xff\xff\xff\xff\xff\
        \x89\0\0\0\xd6\xff\xff\xff\x97\0\0\0\xd7\xff\xff\xff";
    let record = read(bytes).unwrap();
    assert_eq!((record.station, record.received_at), ("default/CP1", AT));
    assert_eq!(record.body.to_fact().unwrap(), samples()[9]);
}

#[test]
fn a_password_is_masked_where_its_record_is_printed() {
    let fact = samples()[10].clone();
    let bytes = write(&fact);
    let record = read(&bytes).unwrap();
    for printed in [format!("{fact:?}"), format!("{:?}", record.body)] {
        assert!(printed.contains("password_mac: Some(***)"), "{printed}");
        assert!(printed.contains("Av. Paulista 1"), "{printed}");
        assert!(
            !printed.contains("6, 6") && !printed.contains("7, 7"),
            "{printed}"
        );
    }
}

#[test]
fn a_station_configured_of_version_1_reads_as_one_of_now() {
    // Written before connectors could be declared one by one.
    let bytes = b"\x0b\0\x01\0\x80\xb7\xdf\x1f\xdb\x60\x06\0\x0bdefault/CP1\
        Av. Paulista 1Paulista\x01\0\0\0\0\0\x80\x37\xc0\x01\xcd\xcc\xcc\xcc\xcc\x4c\x47\xc0\
        \x8e\0\0\0\xd8\xff\xff\xff\x02\0\0\0\
        \x01\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\
        \x01\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\
        \x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\
        \x02admin\xff\xff\xff";
    let record = read(bytes).unwrap();
    assert_eq!((record.station, record.received_at), ("default/CP1", AT));
    let Fact::StationConfigured(mut expected) = samples()[10].clone() else {
        panic!("the samples have another order");
    };
    expected.declared.clear();
    assert_eq!(record.body.to_fact().unwrap(), expected.into());
}

#[test]
fn a_frame_is_kept_once_with_what_it_does_not_say_behind_it() {
    let check = |message_id, action, raw, text_len| {
        let message = MessageView {
            direction: 2,
            message_type: 3,
            message_id,
            action,
            raw,
        };
        let mut bytes = Vec::new();
        write_message(&mut bytes, &key(), AT, &message);
        let text_at = HEAD_LEN + key().as_str().len() + 22;
        assert_eq!(bytes.len() - text_at, text_len, "{raw}");
        match read(&bytes).unwrap().body {
            Body::Message(read) => assert_eq!(read, message),
            other => panic!("{other:?}"),
        }
    };
    let call = r#"[2,"m1","Reset",{}]"#;
    check("m1", "Reset", call, call.len());
    let answer = r#"[3,"m1",{}]"#;
    check("m1", "Reset", answer, answer.len() + 5);
    let spaced = r#"[2, "m1", "Reset", {}]"#;
    check("m1", "Reset", spaced, spaced.len() + 7);
    let escaped = r#"[2,"m\u0031","Reset",{}]"#;
    check("m1", "Reset", escaped, escaped.len() + 7);
    check("", "", "no message", 10);
    check("", "", "", 0);
    check("ç", "", r#"[2,"ç"#, 6);
    // Amid a character is where they would stand in a frame of ASCII.
    check("", "", "€€€", 9);
    check("m", "", r#"[3,"m",ção]"#, 13);
}

proptest! {
    #[test]
    fn any_frame_reads_back(raw in "[a\\[,\"é€😀]{0,16}", message_id in "[a€]{0,2}", action in "[a€]{0,2}") {
        let message = Message { direction: 1, message_type: 0, message_id, action, raw };
        let fact = Fact::from(message);
        prop_assert_eq!(read(&write(&fact)).unwrap().body.to_fact().unwrap(), fact);
    }

    #[test]
    fn damaged_bytes_never_panic(which in 0..22_usize, at in any::<prop::sample::Index>(), xor in 1..=255_u8) {
        let mut bytes = write(&samples()[which]);
        let at = at.index(bytes.len());
        bytes[at] ^= xor;
        if let Ok(record) = read(&bytes) {
            let _unchecked = record.body.to_fact();
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256), kind in 0..83_u8, version in 1..3_u8) {
        let mut bytes = bytes;
        if 4 <= bytes.len() {
            bytes[..4].copy_from_slice(&[kind, 0, version, 0]);
        }
        let _unchecked = read(&bytes).map(|r| r.body.name());
    }
}

#[test]
fn a_date_is_by_the_clock_of_its_station_where_that_is_known() {
    let fact = samples().pop().unwrap();
    let bytes = write(&fact);
    let record = read(&bytes).unwrap();
    let told = record.body.notified().unwrap();
    assert_eq!((told.action, told.payload), ("NotifyEvent", "{}"));
    let dates = ["/a", "/b", "/c"].map(|at| told.date(|| at.into(), || Some(1)));
    assert_eq!(dates, [Some(9), None, Some(1)]);
}
