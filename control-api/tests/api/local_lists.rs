use std::sync::Arc;
use std::time::Duration;

use sdk::{
    ClientError, CommandRequest, LocalList, LocalListRequest, LocalListUpdate, TokenRequest,
    TokenStatus,
};
use serde_json::{Value, json};

use super::world::{World, refusal, with_server};

type Sent = tokio::task::JoinHandle<Result<LocalList, ClientError>>;

/// Updates the list of CP1 beside the test, which plays the station.
fn update(world: &Arc<World>, update: LocalListUpdate) -> Sent {
    let client = world.admin.clone();
    let request = LocalListRequest {
        update,
        tokens_per_message: Some(1),
    };
    tokio::spawn(async move { client.update_local_list("CP1", &request).await })
}

async fn put(world: &World, id: &str, status: TokenStatus) {
    let request = TokenRequest::new(status);
    world.admin.put_token(id, &request).await.unwrap();
}

fn message(version: i64, update: &str, entry: Value) -> Value {
    json!({"listVersion": version, "localAuthorizationList": [entry], "updateType": update})
}

fn entry(id: &str, status: &str) -> Value {
    json!({"idTag": id, "idTagInfo": {"status": status}})
}

#[test]
fn a_list_is_sent_in_parts_and_then_what_differs() {
    with_server(|world| async move {
        put(&world, "ONE", TokenStatus::Accepted).await;
        put(&world, "TWO", TokenStatus::Blocked).await;
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let accepted = || json!({"status": "Accepted"});

        let full = update(&world, LocalListUpdate::Full);
        let sent = station.answer("SendLocalList", accepted()).await;
        assert_eq!(sent, message(1, "Full", entry("ONE", "Accepted")));
        let sent = station.answer("SendLocalList", accepted()).await;
        assert_eq!(sent, message(2, "Differential", entry("TWO", "Blocked")));
        let list = full.await.unwrap().unwrap();
        assert_eq!((list.version, list.tokens, list.messages), (2, 2, 2));
        let noted = world.admin.local_list("CP1").await.unwrap();
        assert_eq!((noted.version, noted.tokens, noted.messages), (2, 2, 0));
        assert_eq!(noted.accepted_at, list.accepted_at);

        let same = update(&world, LocalListUpdate::Differential);
        station
            .answer("GetLocalListVersion", json!({"listVersion": 2}))
            .await;
        let list = same.await.unwrap().unwrap();
        assert_eq!((list.messages, list.version_reported), (0, Some(2)));

        world.admin.delete_token("TWO").await.unwrap();
        let difference = update(&world, LocalListUpdate::Differential);
        station
            .answer("GetLocalListVersion", json!({"listVersion": 2}))
            .await;
        let sent = station.answer("SendLocalList", accepted()).await;
        assert_eq!(sent, message(3, "Differential", json!({"idTag": "TWO"})));
        let list = difference.await.unwrap().unwrap();
        assert_eq!((list.version, list.tokens), (3, 1));
    });
}

#[test]
fn a_station_that_has_another_list_is_found_out_and_gets_it_in_full() {
    with_server(|world| async move {
        put(&world, "ONE", TokenStatus::Accepted).await;
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let version = || json!({"listVersion": 7});

        let check = update(&world, LocalListUpdate::Check);
        station.answer("GetLocalListVersion", version()).await;
        let list = check.await.unwrap().unwrap();
        assert_eq!((list.version, list.version_reported), (0, Some(7)));
        let difference = update(&world, LocalListUpdate::Differential);
        station.answer("GetLocalListVersion", version()).await;
        assert_eq!(refusal(difference.await.unwrap()), "409 conflict");

        let full = update(&world, LocalListUpdate::Full);
        station
            .answer("SendLocalList", json!({"status": "Failed"}))
            .await;
        assert_eq!(refusal(full.await.unwrap()), "409 rejected");
        assert_eq!(world.admin.local_list("CP1").await.unwrap().version, 0);
        let full = update(&world, LocalListUpdate::Full);
        station
            .refuse("SendLocalList", "NotSupported", "no lists here")
            .await;
        assert_eq!(refusal(full.await.unwrap()), "409 rejected");
        let full = update(&world, LocalListUpdate::Full);
        station
            .answer("SendLocalList", json!({"status": "Accepted"}))
            .await;
        assert_eq!(full.await.unwrap().unwrap().version, 1);
        drop(station);
    });
}

#[test]
fn a_list_for_nobody_is_refused() {
    with_server(|world| async move {
        let nobody = update(&world, LocalListUpdate::Full);
        assert_eq!(refusal(nobody.await.unwrap()), "404 not_found");
        assert_eq!(
            refusal(world.admin.local_list("CP1").await),
            "404 not_found"
        );
        let request = LocalListRequest {
            update: LocalListUpdate::Full,
            tokens_per_message: Some(501),
        };
        let refused = world.admin.update_local_list("CP1", &request).await;
        assert_eq!(refusal(refused), "422 invalid");
    });
}

#[test]
fn d01_fr_11_a_list_goes_in_parts_as_the_station_has_said_and_is_no_longer_than_it_takes() {
    with_server(|world| async move {
        put(&world, "ONE", TokenStatus::Accepted).await;
        put(&world, "TWO", TokenStatus::Blocked).await;
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let request = CommandRequest {
            action: "GetConfiguration".into(),
            payload: json!({}).into(),
            answer_timeout: None,
        };
        let key = |key: &str, value: &str| json!({"key": key, "readonly": true, "value": value});
        let keys = json!({"configurationKey": [key("SendLocalListMaxLength", "1"), key("LocalAuthListMaxLength", "2")]});
        let asking = world
            .admin
            .command("CP1", &request, Some(Duration::from_secs(30)));
        let (asked, _) = tokio::join!(asking, station.answer("GetConfiguration", keys));
        asked.unwrap();

        // More than it takes is not what it gets.
        let request = |tokens_per_message| LocalListRequest {
            update: LocalListUpdate::Full,
            tokens_per_message,
        };
        for (asked, first) in [(None, 1), (Some(2), 3)] {
            let client = world.admin.clone();
            let full =
                tokio::spawn(async move { client.update_local_list("CP1", &request(asked)).await });
            for (version, update, token) in [
                (first, "Full", entry("ONE", "Accepted")),
                (first + 1, "Differential", entry("TWO", "Blocked")),
            ] {
                let sent = station
                    .answer("SendLocalList", json!({"status": "Accepted"}))
                    .await;
                assert_eq!(sent, message(version, update, token));
            }
            assert_eq!(full.await.unwrap().unwrap().tokens, 2);
        }
        put(&world, "THREE", TokenStatus::Accepted).await;
        let refused = world.admin.update_local_list("CP1", &request(None)).await;
        assert_eq!(refusal(refused), "409 conflict");
    });
}

#[test]
fn d01_fr_03_a_list_that_differs_is_repaired_in_one_request() {
    with_server(|world| async move {
        put(&world, "ONE", TokenStatus::Accepted).await;
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let version = |version: i64| json!({"listVersion": version});
        let accepted = || json!({"status": "Accepted"});
        let one = || message(1, "Full", entry("ONE", "Accepted"));

        // Another version than the one it accepted last.
        let repair = update(&world, LocalListUpdate::Repair);
        station.answer("GetLocalListVersion", version(7)).await;
        assert_eq!(station.answer("SendLocalList", accepted()).await, one());
        let list = repair.await.unwrap().unwrap();
        assert_eq!((list.version, list.tokens, list.messages), (1, 1, 1));

        // The same version: a difference, which the station cannot apply.
        put(&world, "ONE", TokenStatus::Blocked).await;
        for answer in ["Failed", "VersionMismatch"] {
            let repair = update(&world, LocalListUpdate::Repair);
            station.answer("GetLocalListVersion", version(1)).await;
            let sent = station
                .answer("SendLocalList", json!({"status": answer}))
                .await;
            assert_eq!(sent, message(2, "Differential", entry("ONE", "Blocked")));
            let failed = station
                .answer("SendLocalList", json!({"status": "Failed"}))
                .await;
            assert_eq!(failed, message(2, "Full", entry("ONE", "Blocked")));
            assert_eq!(refusal(repair.await.unwrap()), "409 rejected");
        }
        let repair = update(&world, LocalListUpdate::Repair);
        station.answer("GetLocalListVersion", version(1)).await;
        station
            .answer("SendLocalList", json!({"status": "VersionMismatch"}))
            .await;
        station.answer("SendLocalList", accepted()).await;
        let list = repair.await.unwrap().unwrap();
        assert_eq!((list.version, list.messages), (2, 2));

        // A station that keeps no lists is not sent one twice.
        put(&world, "ONE", TokenStatus::Accepted).await;
        let repair = update(&world, LocalListUpdate::Repair);
        station.answer("GetLocalListVersion", version(2)).await;
        station
            .answer("SendLocalList", json!({"status": "NotSupported"}))
            .await;
        assert_eq!(refusal(repair.await.unwrap()), "409 rejected");
        drop(station);
    });
}
