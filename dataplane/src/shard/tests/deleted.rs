//! What goes with a station that is deleted, and what of it stays.

use fleet::UtcMicros;

use super::items::stored;
use super::world::{EPOCH, World, config, key};
use super::{charging, follow};
use crate::config::Onboarding;
use crate::items::{self, ItemKind};
use crate::variables::read::Recent;
use crate::variables::{self, VariableFilter};

/// A station of 2.1 that keeps one of everything.
const LIFE: &str = r#"
    0 a connect CP1 2.1
    1 a > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
    2 op reserve CP1 TAG 600
    3 a answers {"status":"Accepted"}
    4 op command CP1 SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
    5 a answers {"status":"Accepted"}
    6 op command CP1 SetDefaultTariff {"evseId":0,"tariff":{"tariffId":"T1","currency":"EUR"}}
    7 a answers {"status":"Accepted"}
    8 op command CP1 SetVariableMonitoring {"setMonitoringData":[{"value":1,"type":"Delta","severity":8,"component":{"name":"C"},"variable":{"name":"V"}}]}
    9 a answers {"setMonitoringResult":[{"id":2,"status":"Accepted","type":"Delta","severity":8,"component":{"name":"C"},"variable":{"name":"V"}}]}
    10 a > [2,"2","NotifyReport",{"requestId":1,"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"reportData":[{"component":{"name":"Connector","evse":{"id":1,"connectorId":1}},"variable":{"name":"ConnectorType"},"variableAttribute":[{"value":"cCCS2"}]}]}]
    11 op command CP1 SetDERControl {"isDefault":true,"controlId":"d1","controlType":"FreqDroop","freqDroop":{"priority":1,"overFreq":50.2,"underFreq":49.8,"overDroop":5,"underDroop":5,"responseTime":1}}
    12 a answers {"status":"Accepted"}
    13 op note CP1
    14 op command CP1 UpdateFirmware {"requestId":1,"firmware":{"location":"https://files.example/fw.bin","retrieveDateTime":"2026-11-22T10:00:00Z"}}
    15 a answers {"status":"Accepted"}
    16 a > [2,"3","FirmwareStatusNotification",{"status":"Downloading","requestId":1}]
"#;

/// What is kept of CP1 at this second, each kind by a word.
fn kept(world: &mut World, at: u32) -> Vec<String> {
    let mut kept = Vec::new();
    let ask = ["reservations", "tariffs", "der"].map(|what| format!("{at} op {what} CP1\n"));
    let shown = world.run(&ask.concat());
    kept.extend(shown.lines().map(|line| {
        let words = line
            .split(' ')
            .skip_while(|word| word.parse::<f64>().is_ok());
        words.take(2).collect::<Vec<_>>().join(" ")
    }));
    kept.extend(charging::shown(world).lines().map(str::to_owned));
    let (_dir, store) = stored(world);
    let (recent, station) = (Recent::new(), key("CP1"));
    for kind in [ItemKind::Monitor, ItemKind::Issue] {
        let page =
            items::read::list(&store, &recent, kind, &station, None, 9, UtcMicros(EPOCH)).unwrap();
        kept.extend(page.items.iter().map(|_| format!("{kind:?}")));
    }
    let filter = VariableFilter::default();
    let page = variables::read::list(&store, &recent, &station, &filter, None, 9).unwrap();
    kept.extend(page.items.iter().map(|found| found.variable.name.clone()));
    let found = world.shard.stations.find(&station).unwrap();
    let details = world.shard.stations[found].state.details();
    kept.extend(details.plugs.iter().map(|plug| plug.kind.to_string()));
    kept
}

#[test]
fn what_a_station_keeps_goes_with_it_and_does_not_come_back() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(LIFE);
    let everything = [
        "reservation 1",
        "DefaultTariff T1",
        "control d1",
        "profile 1 on 1 by set",
        "Monitor",
        "Issue",
        "ConnectorType",
        "CCS",
    ];
    assert_eq!(kept(&mut world, 30), everything);
    world.run("31 a drops\n32 op delete CP1\n33 op register CP1");
    assert_eq!(kept(&mut world, 34), ["Issue"], "registered again at once");
    world.run("35 restart");
    assert_eq!(kept(&mut world, 36), ["Issue"], "after a restart");

    // The same when it is deleted, the process ends, and only then the next one of this name comes.
    let mut world = World::new(config(Onboarding::Open));
    world.run(LIFE);
    world.run("31 a drops\n32 op delete CP1\n33 restart\n34 op register CP1");
    assert_eq!(
        kept(&mut world, 35),
        ["Issue"],
        "registered after a restart"
    );
}

/// An update that the station before was told: the boot of the next one is no end of it.
#[test]
fn the_next_station_of_a_name_goes_on_with_no_course_of_the_one_before() {
    let boot = |version: &str| {
        format!(
            r#"41 b > [2,"4","BootNotification",{{"reason":"FirmwareUpdate","chargingStation":{{"model":"M","vendorName":"V","firmwareVersion":"{version}"}}}}]"#
        )
    };
    for restart in ["", "35 restart\n"] {
        let mut world = World::new(config(Onboarding::Open));
        world.run(LIFE);
        let before = follow::courses(&mut world);
        assert!(before.contains("Downloading"), "{before}");
        world.run(&format!(
            "31 a drops\n32 op delete CP1\n{restart}40 b connect CP1 2.1"
        ));
        world.run(&boot("2.0"));
        assert_eq!(follow::courses(&mut world), before);
    }
}

/// A `requestId` that the station before was given, too.
#[test]
fn the_next_station_of_a_name_adds_to_no_report_of_the_one_before() {
    let report = |who: &str, seq_no: u32, tbc: bool| {
        format!(
            r#"{who} > [2,"r{who}","NotifyReport",{{"requestId":5,"generatedAt":"2026-11-22T10:00:00Z","seqNo":{seq_no},"tbc":{tbc}}}]"#
        )
    };
    for restart in ["", "35 restart\n"] {
        let mut world = World::new(config(Onboarding::Open));
        world.run(LIFE);
        world
            .run(r#"17 op command CP1 GetBaseReport {"requestId":5,"reportBase":"FullInventory"}"#);
        world.run(r#"18 a answers {"status":"Accepted"}"#);
        world.run(&format!("19 {}", report("a", 0, true)));
        let before = follow::courses(&mut world);
        assert!(before.contains("\"tbc\":true"), "{before}");
        world.run(&format!(
            "31 a drops\n32 op delete CP1\n{restart}40 b connect CP1 2.1"
        ));
        world.run(r#"41 b > [2,"4","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]"#);
        world.run(&format!("42 {}", report("b", 1, false)));
        world.run(
            r#"43 b > [2,"5","FirmwareStatusNotification",{"status":"Downloaded","requestId":1}]"#,
        );
        assert_eq!(follow::courses(&mut world), before);
    }
}

#[test]
fn an_id_of_a_reservation_is_not_given_to_the_next_station_of_a_name() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(LIFE);
    world.run("31 a drops\n32 op delete CP1\n40 b connect CP1 2.1");
    world.run(r#"41 b > [2,"4","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]"#);
    world.run("42 op reserve CP1 TAG 900");
    let shown = world.run("43 op reservations CP1");
    assert!(shown.contains("reservation 2 on"), "{shown}");
}
