use dataplane::Onboarding;
use sdk::{
    ClientError, Connector, ConnectorStatus, Device, DeviceFilter, DevicePatch, DeviceRequest,
    ImportReport, IssueCategory, IssueRequest, Location, PrincipalRequest, Role, Token,
    TokenFilter, TokenRequest, TokenStatus,
};

use super::world::{ROOT, World, problem, refusal, with_onboarding, with_server};

fn device(id: &str) -> DeviceRequest {
    DeviceRequest {
        id: id.to_owned(),
        ..DeviceRequest::default()
    }
}

#[test]
fn a_station_is_registered_with_a_password_that_lets_it_in() {
    with_onboarding(Onboarding::Closed, |world| async move {
        let request = DeviceRequest {
            site: Some("Paulista".into()),
            location: Some(Location {
                lat: -23.55052,
                lng: -46.633308,
                address: Some("Av. Paulista, 1000".into()),
            }),
            connectors: Some(2.into()),
            ..device("CP001")
        };
        let created = world.admin.create_device(&request).await.unwrap();
        let password = created.password.expect("a generated password is shown");
        assert!(!created.device.is_online);
        assert_eq!(created.device.location, request.location);
        assert_eq!(created.device.connectors.len(), 2);
        let mut station = world.station("CP001", Some(&password)).await;
        station.boot().await;
        let shown = world.admin.device("CP001").await.unwrap();
        assert!(shown.is_online && shown.has_password);
        assert_eq!(shown.vendor.as_deref(), Some("ABB"));
        assert_eq!(shown.model.as_deref(), Some("Terra 184"));
        assert_eq!(shown.protocol.as_deref(), Some("ocpp1.6"));
        assert_eq!(shown.status, ConnectorStatus::Available);
        assert_eq!(shown.connectors[0].status, Some(ConnectorStatus::Available));
        assert_eq!(shown.connectors[1].status, None);
    });
}

#[test]
fn connectors_are_what_the_operator_says_else_what_the_station_does() {
    with_server(|world| async move {
        let connectors = serde_json::json!([
            {"type": "CCS"}, {"evse_id": 2, "type": "Type2", "max_power_kw": 22.08},
        ]);
        let request = DeviceRequest {
            connectors: Some(serde_json::from_value(connectors).unwrap()),
            ..device("CP201")
        };
        let created = world.admin.create_device(&request).await.unwrap();
        let shown = |device: &Device| -> Vec<_> {
            let connector = |c: &Connector| {
                let kind = c.kind.as_deref().unwrap_or("?");
                format!("{} {} {kind} {:?}", c.id, c.connector_id, c.max_power_kw)
            };
            device.connectors.iter().map(connector).collect()
        };
        assert_eq!(
            shown(&created.device),
            ["1 1 CCS None", "2 1 Type2 Some(22.08)"]
        );
        let clear = DevicePatch {
            password: Some(None),
            ..DevicePatch::default()
        };
        world.admin.patch_device("CP201", &clear).await.unwrap();
        let mut station = world.station_201("CP201").await;
        let component = |name: &str, connector: Option<u32>| {
            let mut evse = serde_json::json!({"id": 1});
            if let Some(connector) = connector {
                evse["connectorId"] = connector.into();
            }
            serde_json::json!({"name": name, "evse": evse})
        };
        let report = serde_json::json!({
            "requestId": 7, "generatedAt": "2026-11-22T10:00:00Z", "seqNo": 0, "reportData": [
                {
                    "component": component("Connector", Some(1)), "variable": {"name": "ConnectorType"},
                    "variableAttribute": [{"value": "cG105"}],
                },
                {
                    "component": component("EVSE", None), "variable": {"name": "Power"},
                    "variableAttribute": [{"value": "0.0"}],
                    "variableCharacteristics": {
                        "dataType": "decimal", "maxLimit": 50000.0, "supportsMonitoring": true
                    },
                },
            ],
        });
        station.call("NotifyReport", report).await;
        let known = world.admin.device("CP201").await.unwrap();
        assert_eq!(
            shown(&known),
            ["1 1 CCS Some(50.0)", "2 1 Type2 Some(22.08)"]
        );
        let none = DevicePatch {
            connectors: Some(None),
            ..DevicePatch::default()
        };
        let told = world.admin.patch_device("CP201", &none).await.unwrap();
        assert_eq!(shown(&told), ["1 1 CHAdeMO Some(50.0)"]);
    });
}

#[test]
fn a_station_that_waits_is_approved_by_its_registration() {
    with_onboarding(Onboarding::Pending, |world| async move {
        let mut station = world.station("CP001", None).await;
        let boot = serde_json::json!({ "chargePointVendor": "V", "chargePointModel": "M" });
        assert_eq!(
            station.call("BootNotification", boot).await["status"],
            "Pending"
        );
        let pending = world.admin.device("CP001").await.unwrap();
        assert_eq!(pending.acceptance, "pending");
        let created = world.admin.create_device(&device("CP001")).await.unwrap();
        assert_eq!(created.device.acceptance, "accepted");
        assert_eq!(
            refusal(world.admin.create_device(&device("CP001")).await),
            "409 exists"
        );
    });
}

#[test]
fn what_a_station_cannot_be_is_refused_by_name() {
    with_server(|world| async move {
        let refused = async |request: DeviceRequest| {
            let problem = problem(world.admin.create_device(&request).await);
            assert_eq!((problem.status, problem.slug()), (422, "invalid"));
            problem.errors[0].pointer.clone()
        };
        assert_eq!(refused(device("")).await, "/id");
        assert_eq!(refused(device("a/b")).await, "/id");
        assert_eq!(refused(device(&"x".repeat(49))).await, "/id");
        let short = DeviceRequest {
            password: Some("short".into()),
            ..device("CP1")
        };
        assert_eq!(refused(short).await, "/password");
        assert_eq!(refusal(world.admin.device("CP1").await), "404 not_found");
        let long = "x".repeat(49);
        assert_eq!(
            refusal(world.admin.device(&long).await),
            "400 bad_parameter"
        );
    });
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    with_server(|world| async move {
        let request = DeviceRequest {
            site: Some("Paulista".into()),
            connectors: Some(1.into()),
            ..device("CP1")
        };
        world.admin.create_device(&request).await.unwrap();
        let patch = DevicePatch {
            connectors: Some(Some(3.into())),
            ..DevicePatch::default()
        };
        let changed = world.admin.patch_device("CP1", &patch).await.unwrap();
        assert_eq!(changed.site.as_deref(), Some("Paulista"));
        assert_eq!(changed.connectors.len(), 3);
        assert_eq!(changed.security_profile, 0);
        let profile = |profile| DevicePatch {
            security_profile: Some(profile),
            ..DevicePatch::default()
        };
        let raised = world.admin.patch_device("CP1", &profile(3)).await.unwrap();
        assert_eq!(raised.security_profile, 3);
        let lowered = world.admin.patch_device("CP1", &profile(2)).await.unwrap();
        assert_eq!(lowered.security_profile, 2);
        let none_such = world.admin.patch_device("CP1", &profile(4)).await;
        assert_eq!(problem(none_such).errors[0].pointer, "/security_profile");
        let clear = DevicePatch {
            password: Some(None),
            site: Some(None),
            ..DevicePatch::default()
        };
        let cleared = world.admin.patch_device("CP1", &clear).await.unwrap();
        assert_eq!((cleared.site, cleared.has_password), (None, false));
        assert_eq!(cleared.security_profile, 0, "it has nothing to show");
        assert_eq!(
            refusal(world.admin.patch_device("CP2", &patch).await),
            "404 not_found"
        );
        world.admin.delete_device("CP1").await.unwrap();
        assert_eq!(refusal(world.admin.device("CP1").await), "404 not_found");
        assert_eq!(
            refusal(world.admin.delete_device("CP1").await),
            "404 not_found"
        );
    });
}

#[test]
fn lists_come_in_pages_and_filters_narrow_them() {
    with_server(|world| async move {
        for id in ["CP1", "CP2", "CP3"] {
            world.admin.create_device(&device(id)).await.unwrap();
        }
        let mut station = world.station("CP9", None).await;
        station.boot().await;
        let ids = |filter: DeviceFilter| {
            let world = world.clone();
            async move {
                let page = world.admin.devices(&filter).await.unwrap();
                let ids: Vec<_> = page.items.into_iter().map(|device| device.id).collect();
                (ids.join(" "), page.next_cursor)
            }
        };
        let two = DeviceFilter {
            limit: Some(2),
            ..DeviceFilter::default()
        };
        let (mut filter, mut all, mut pages) = (two, Vec::new(), 0);
        loop {
            let (page, cursor) = ids(filter.clone()).await;
            all.push(page);
            pages += 1;
            assert!(pages <= 4, "a list ends: {all:?}");
            match cursor {
                Some(_) => filter.cursor = cursor,
                None => break,
            }
        }
        assert_eq!(all.join(" ").trim(), "CP1 CP2 CP3 CP9");
        let online = DeviceFilter {
            online: Some(true),
            ..DeviceFilter::default()
        };
        assert_eq!(ids(online).await.0, "CP9");
        let vendor = DeviceFilter {
            vendor: Some("ABB".into()),
            status: Some(ConnectorStatus::Available),
            ..DeviceFilter::default()
        };
        assert_eq!(ids(vendor).await.0, "CP9");
        let occupied = DeviceFilter {
            status: Some(ConnectorStatus::Occupied),
            ..DeviceFilter::default()
        };
        assert_eq!(ids(occupied).await.0, "");
        for (path, detail) in [
            ("?limit=501", "limit is 501, expected 1 to 500"),
            ("?limit=0", "limit is 0, expected 1 to 500"),
            ("?status=Broken", "status: unknown variant `Broken`"),
            ("?stauts=Available", "stauts: unknown field `stauts`"),
            ("?limit=x", "limit: invalid digit"),
            ("?cursor=%00", "cursor is none that a list returned"),
            (
                "?acceptance=no",
                "acceptance is \"no\", expected \"pending\" or \"accepted\"",
            ),
        ] {
            let url = format!("{}/api/v1/devices{path}", world.url);
            let response = reqwest::Client::new()
                .get(url)
                .bearer_auth(ROOT)
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 400, "{path}");
            let text = response.text().await.unwrap();
            let problem: sdk::Problem = serde_json::from_str(&text).unwrap();
            assert!(
                problem.detail.starts_with(detail),
                "{path}: {}",
                problem.detail
            );
        }
    });
}

#[test]
fn a_file_registers_many_stations_and_changes_those_that_exist() {
    with_server(|world| async move {
        let mut file = "id,password,site,latitude,longitude,connectors\n".to_owned();
        for number in 0..3_000 {
            file.push_str(&format!(
                "CP{number:04},,Site {},-23.5,-46.6,2\n",
                number % 10
            ));
        }
        file.push_str("bad/id,,,,,\n");
        let report = world.admin.import_devices(file).await.unwrap();
        assert_eq!(
            (report.created, report.failed, report.passwords.len()),
            (3_000, 1, 3_000)
        );
        assert_eq!(report.errors[0].line, 3_002);
        let station = world.station("CP0007", Some(&report.passwords[7].password));
        station.await.boot().await;
        let again = "id,site\nCP0007,Norte\nCP9999,Norte\n";
        let report = world.admin.import_devices(again).await.unwrap();
        assert_eq!((report.created, report.updated), (1, 1));
        assert_eq!(report.passwords.len(), 1);
        assert_eq!(report.passwords[0].id, "CP9999");
        let changed = world.admin.device("CP0007").await.unwrap();
        assert_eq!(changed.site.as_deref(), Some("Norte"));
        assert!(changed.has_password && changed.location.is_some());
        assert_eq!(
            refusal(import(&world, "name\nCP1\n").await),
            "400 malformed"
        );
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(
            refusal(reader.import_devices("id\nCP1\n").await),
            "403 forbidden"
        );
    });
}

/// A client that left before its answer has lost the passwords in it, and whoever has none cannot have used it.
#[test]
fn passwords_that_nobody_used_are_made_up_anew_when_asked() {
    with_onboarding(Onboarding::Closed, |world| async move {
        let file = "id,password\nCP1,\nCP2,\nCP3,correct horse battery\n";
        let lost = world.admin.import_devices(file).await.unwrap();
        assert_eq!((lost.created, lost.passwords.len()), (3, 2));
        let mut used = world
            .station("CP1", Some(&lost.passwords[0].password))
            .await;
        used.boot().await;
        let again = world.admin.import_devices_renewing(file).await.unwrap();
        assert_eq!((again.updated, again.unchanged), (1, 2));
        let ids: Vec<_> = again.passwords.iter().map(|made_up| &*made_up.id).collect();
        assert_eq!(ids, ["CP2"]);
        let mut renewed = world
            .station("CP2", Some(&again.passwords[0].password))
            .await;
        renewed.boot().await;
        let third = world.admin.import_devices_renewing(file).await.unwrap();
        assert_eq!((third.unchanged, third.passwords.len()), (3, 0));
    });
}

#[test]
fn a_station_that_came_by_itself_keeps_coming_in_as_it_does() {
    with_onboarding(Onboarding::Pending, |world| async move {
        for (id, by_file) in [("CP1", false), ("CP2", true)] {
            let mut station = world.station(id, None).await;
            let boot = serde_json::json!({ "chargePointVendor": "V", "chargePointModel": "M" });
            station.call("BootNotification", boot).await;
            if by_file {
                let file = format!("id\n{id}\n");
                let report = world.admin.import_devices(file).await.unwrap();
                assert_eq!((report.created, report.passwords.len()), (1, 0));
            } else {
                let created = world.admin.create_device(&device(id)).await.unwrap();
                assert_eq!(
                    (created.password, created.device.has_password),
                    (None, false)
                );
            }
            drop(station);
            world.station(id, None).await.boot().await;
        }
        // One that is asked for is made up, and the next connection needs it.
        let waits = world.station("CP3", None).await;
        let request = DeviceRequest {
            generate_password: Some(true),
            ..device("CP3")
        };
        let created = world.admin.create_device(&request).await.unwrap();
        let password = created.password.expect("it was asked for");
        drop(waits);
        world.station("CP3", Some(&password)).await.boot().await;
        // Nor does a new one get one that is not wanted.
        let request = DeviceRequest {
            generate_password: Some(false),
            ..device("CP4")
        };
        let created = world.admin.create_device(&request).await.unwrap();
        assert_eq!(
            (created.password, created.device.has_password),
            (None, false)
        );
        let both = DeviceRequest {
            password: Some("correct horse battery".into()),
            generate_password: Some(true),
            ..device("CP5")
        };
        let refused = problem(world.admin.create_device(&both).await);
        assert_eq!(refused.errors[0].pointer, "/generate_password");
    });
}

#[test]
fn a_station_that_waits_is_approved_by_naming_it_also_after_a_change() {
    with_onboarding(Onboarding::Pending, |world| async move {
        for (id, by_file) in [("CP1", false), ("CP2", true)] {
            let mut station = world.station(id, None).await;
            let boot = serde_json::json!({ "chargePointVendor": "V", "chargePointModel": "M" });
            station.call("BootNotification", boot).await;
            let patch = DevicePatch {
                site: Some(Some("Sul".into())),
                ..DevicePatch::default()
            };
            let waiting = world.admin.patch_device(id, &patch).await.unwrap();
            assert_eq!(waiting.acceptance, "pending", "a change is no approval");
            if by_file {
                let file = format!("id,site\n{id},Sul\n");
                let report = world.admin.import_devices(file.clone()).await.unwrap();
                assert_eq!((report.updated, report.passwords.len()), (1, 0));
                let report = world.admin.import_devices(file).await.unwrap();
                assert_eq!((report.unchanged, report.passwords.len()), (1, 0));
            } else {
                world.admin.create_device(&device(id)).await.unwrap();
                let again = world.admin.create_device(&device(id)).await;
                assert_eq!(refusal(again), "409 exists");
            }
            let approved = world.admin.device(id).await.unwrap();
            assert_eq!(approved.acceptance, "accepted", "{id}");
            assert!(!approved.has_password, "{id}");
        }
    });
}

#[test]
fn an_identity_that_no_url_can_name_is_refused() {
    with_server(|world| async move {
        for id in [".", ".."] {
            let refused = world.admin.create_device(&device(id)).await;
            assert_eq!(refusal(refused), "422 invalid", "{id}");
        }
        let report = world.admin.import_devices("id\n..\n").await.unwrap();
        assert_eq!(
            report.errors[0].detail,
            "id \"..\": station identity is \"..\", which a URL cannot name"
        );
        assert!(world.admin.create_device(&device("...")).await.is_ok());
    });
}

async fn import(world: &World, file: &'static str) -> Result<ImportReport, ClientError> {
    world.admin.import_devices(file).await
}

#[test]
fn a_token_is_kept_as_it_was_put() {
    with_server(|world| async move {
        let blocked = TokenRequest::new(TokenStatus::Blocked);
        assert_eq!(refusal(world.admin.token("TAG").await), "404 not_found");
        world.admin.put_token("TAG", &blocked).await.unwrap();
        assert_eq!(
            world.admin.token("tag").await.unwrap().rules.status,
            TokenStatus::Blocked
        );
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let answer = station
            .call("Authorize", serde_json::json!({ "idTag": "TAG" }))
            .await;
        assert_eq!(answer["idTagInfo"]["status"], "Blocked");
        let everything = TokenFilter::default();
        let tokens = world.admin.tokens(&everything).await.unwrap();
        assert_eq!(tokens.items.len(), 1);
        assert_eq!(
            (tokens.items[0].id.as_str(), tokens.next_cursor),
            ("TAG", None)
        );
        world.admin.delete_token("tag").await.unwrap();
        assert_eq!(
            refusal(world.admin.delete_token("tag").await),
            "404 not_found"
        );
        assert_eq!(world.admin.tokens(&everything).await.unwrap().items, []);
        let long = "x".repeat(37);
        assert_eq!(
            refusal(world.admin.put_token(&long, &blocked).await),
            "400 bad_parameter"
        );
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(
            refusal(reader.put_token("TAG", &blocked).await),
            "403 forbidden"
        );
    });
}

#[test]
fn tokens_are_created_changed_and_listed() {
    with_server(|world| async move {
        let family = |id: &str, status| Token {
            id: id.into(),
            rules: TokenRequest {
                group: Some("FAMILY".into()),
                concurrent_max: Some(1),
                ..TokenRequest::new(status)
            },
        };
        let one = family("ONE", TokenStatus::Accepted);
        let two = family("TWO", TokenStatus::Blocked);
        for token in [&one, &two] {
            assert_eq!(world.admin.create_token(token).await.unwrap(), *token);
        }
        assert_eq!(refusal(world.admin.create_token(&one).await), "409 exists");
        let too_long = family(&"x".repeat(37), TokenStatus::Accepted);
        assert_eq!(
            refusal(world.admin.create_token(&too_long).await),
            "422 invalid"
        );
        let ids = async |filter: TokenFilter| {
            let page = world.admin.tokens(&filter).await.unwrap();
            let ids: Vec<_> = page.items.into_iter().map(|token| token.id).collect();
            ids.join(" ")
        };
        let group = |group: &str| TokenFilter {
            group: Some(group.into()),
            ..TokenFilter::default()
        };
        assert_eq!(ids(group("FAMILY")).await, "ONE TWO");
        assert_eq!(ids(group("OTHERS")).await, "");
        let blocked = TokenFilter {
            status: Some(TokenStatus::Blocked),
            ..group("FAMILY")
        };
        assert_eq!(ids(blocked).await, "TWO");
        let first = TokenFilter {
            limit: Some(1),
            ..TokenFilter::default()
        };
        assert_eq!(ids(first).await, "ONE");

        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let start = |connector: u32| {
            serde_json::json!({
                "connectorId": connector, "idTag": "ONE", "meterStart": 0, "timestamp": "2026-11-22T10:00:00Z",
            })
        };
        let answer = station.call("StartTransaction", start(1)).await;
        assert_eq!(
            answer["idTagInfo"],
            serde_json::json!({"status": "Accepted", "parentIdTag": "FAMILY"})
        );
        let answer = station.call("StartTransaction", start(2)).await;
        assert_eq!(answer["idTagInfo"]["status"], "ConcurrentTx");
        assert!(answer["transactionId"].is_i64());

        let change = serde_json::json!({"concurrent_max": 2, "group": null});
        let changed = world.admin.change_token("one", &change).await.unwrap();
        let expected = TokenRequest {
            concurrent_max: Some(2),
            ..TokenRequest::new(TokenStatus::Accepted)
        };
        assert_eq!((changed.id.as_str(), &changed.rules), ("ONE", &expected));
        let answer = station.call("StartTransaction", start(2)).await;
        assert_eq!(
            answer["idTagInfo"],
            serde_json::json!({"status": "Accepted"})
        );
        let wrong = serde_json::json!({"colour": null});
        let refused = world.admin.change_token("ONE", &wrong).await;
        assert_eq!(refusal(refused), "422 invalid");
        let refused = world.admin.change_token("NONE", &change).await;
        assert_eq!(refusal(refused), "404 not_found");
    });
}

#[test]
fn what_is_wrong_with_a_station_is_put_on_record() {
    with_server(|world| async move {
        world.admin.create_device(&device("CP1")).await.unwrap();
        let issue = |text: &str| IssueRequest {
            category: IssueCategory::Hardware,
            text: text.to_owned(),
        };
        let receipt = world
            .admin
            .report_issue("CP1", &issue("cabo partido"))
            .await
            .unwrap();
        assert_eq!(
            (receipt.device_id.as_str(), receipt.reported_by.as_str()),
            ("CP1", "admin")
        );
        assert_eq!(
            refusal(world.admin.report_issue("CP2", &issue("x")).await),
            "404 not_found"
        );
        for text in [" ", &"x".repeat(1_001)] {
            let refused = problem(world.admin.report_issue("CP1", &issue(text)).await);
            assert_eq!(
                (refused.status, refused.errors[0].pointer.as_str()),
                (422, "/text")
            );
        }
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(
            refusal(reader.report_issue("CP1", &issue("x")).await),
            "403 forbidden"
        );
        // A list begins with the newest, also of one moment.
        let second = issue("tela escura");
        let second = world.admin.report_issue("CP1", &second).await.unwrap();
        let page = world.admin.issues("CP1", Some(1), None).await.unwrap();
        assert_eq!(page.items, [second]);
        let cursor = page.next_cursor.as_deref();
        let rest = world.admin.issues("CP1", None, cursor).await.unwrap();
        assert_eq!((rest.items, rest.next_cursor), (vec![receipt], None));
        assert_eq!(
            refusal(world.admin.issues("CP2", None, None).await),
            "404 not_found"
        );
        let forbidden = reader.issues("CP1", None, None).await;
        assert_eq!(refusal(forbidden), "403 forbidden");
        // They are history: the next station of this name has them too.
        world.admin.delete_device("CP1").await.unwrap();
        let gone = world.admin.issues("CP1", None, None).await;
        assert_eq!(refusal(gone), "404 not_found");
        world.admin.create_device(&device("CP1")).await.unwrap();
        let kept = world.admin.issues("CP1", None, None).await.unwrap();
        assert_eq!(kept.items.len(), 2);
    });
}

/// Of a station nobody has heard of there is nothing to list, and not an empty list.
#[test]
fn what_hangs_on_an_unknown_station_is_not_found() {
    with_server(|world| async move {
        let (_, document) = world.get("/api/v1/openapi.json").await;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let asked = paths.iter().filter_map(|(path, item)| {
            let path = path.strip_prefix("/api/v1/devices/{id}")?;
            item.get("get")?;
            Some(path)
        });
        let mut count = 0;
        for path in asked {
            // What else this one wants to know.
            let query = if path == "/composite-schedule" {
                "?duration=60&evse_id=1"
            } else {
                ""
            };
            let url = format!("{}/api/v1/devices/NONE{path}{query}", world.url);
            let request = reqwest::Client::new().get(&url).bearer_auth(ROOT);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 404, "{path}");
            let problem: sdk::Problem =
                serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert_eq!(problem.slug(), "not_found", "{path}");
            count += 1;
        }
        assert!(12 < count, "{count}");
    });
}

#[test]
fn the_document_is_where_people_look_for_it() {
    with_server(|world| async move {
        let (_, document) = world.get("/api/v1/openapi.json").await;
        for path in ["/openapi.json", "/openapi.yaml"] {
            assert_eq!(world.get(path).await, (200, document.clone()), "{path}");
        }
    });
}

#[test]
fn principals_come_and_go() {
    with_server(|world| async move {
        let operator = world.client("ops", Role::Operator).await;
        operator.devices(&DeviceFilter::default()).await.unwrap();
        assert_eq!(refusal(operator.principals().await), "403 forbidden");
        let names: Vec<_> = world.admin.principals().await.unwrap().items;
        let names: Vec<_> = names
            .iter()
            .map(|principal| principal.name.as_str())
            .collect();
        assert_eq!(names, ["admin", "ops"]);
        let again = PrincipalRequest {
            name: "ops".into(),
            role: Role::Admin,
        };
        assert_eq!(
            refusal(world.admin.create_principal(&again).await),
            "409 exists"
        );
        let nameless = PrincipalRequest {
            name: "a b".into(),
            role: Role::Admin,
        };
        assert_eq!(
            refusal(world.admin.create_principal(&nameless).await),
            "422 invalid"
        );
        world.admin.delete_principal("ops").await.unwrap();
        assert_eq!(
            refusal(world.admin.delete_principal("ops").await),
            "404 not_found"
        );
        assert_eq!(
            refusal(world.admin.delete_principal("admin").await),
            "409 conflict"
        );
        let gone = operator.devices(&DeviceFilter::default()).await;
        assert_eq!(refusal(gone), "401 unauthorized");
    });
}
