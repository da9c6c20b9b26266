use sdk::{
    IdToken, Reservation, ReservationFilter, ReservationRequest, ReservationState, Role,
    TransactionStart,
};
use serde_json::json;

use super::world::{refusal, with_server};

fn request(connector_id: Option<u32>) -> ReservationRequest {
    ReservationRequest {
        id_token: IdToken {
            id_token: "TAG".into(),
            kind: None,
            additional_info: Vec::new(),
        },
        group_id_token: None,
        connector_id,
        connector_type: None,
        expires_at: "2099-01-01T00:00:00Z".into(),
        id: None,
    }
}

fn ids(found: Vec<Reservation>) -> Vec<i64> {
    found.iter().map(|reservation| reservation.id).collect()
}

#[test]
fn a_reservation_is_made_shown_and_taken_back() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let reserve = |connector_id| {
            let (client, request) = (world.admin.clone(), request(connector_id));
            tokio::spawn(async move { client.reserve("CP1", &request).await })
        };
        let accepted = || json!({"status": "Accepted"});

        let made = reserve(Some(1));
        let sent = station.answer("ReserveNow", accepted()).await;
        assert_eq!(
            sent,
            json!({
                "connectorId": 1, "expiryDate": "2099-01-01T00:00:00.000Z", "idTag": "TAG", "reservationId": 1
            })
        );
        let made = made.await.unwrap().unwrap();
        assert_eq!((made.id, made.state), (1, ReservationState::Active));
        assert_eq!((made.connector_id, &*made.created_by), (Some(1), "admin"));

        let taken = reserve(Some(1));
        station
            .answer("ReserveNow", json!({"status": "Occupied"}))
            .await;
        assert_eq!(refusal(taken.await.unwrap()), "409 rejected");
        let any = reserve(None);
        let sent = station.answer("ReserveNow", accepted()).await;
        assert_eq!(
            (&sent["connectorId"], &sent["reservationId"]),
            (&json!(0), &json!(3))
        );
        assert_eq!(any.await.unwrap().unwrap().connector_id, None);

        let list = |state, limit, cursor| {
            let client = world.admin.clone();
            let filter = ReservationFilter {
                state,
                limit,
                cursor,
            };
            async move { client.reservations("CP1", &filter).await.unwrap() }
        };
        let page = list(None, Some(2), None).await;
        assert_eq!(ids(page.items), [3, 2]);
        let page = list(None, Some(2), page.next_cursor).await;
        assert_eq!((ids(page.items), page.next_cursor), (vec![1], None));
        let page = list(Some(ReservationState::Refused), None, None).await;
        assert_eq!(ids(page.items), [2]);

        let cancel = |id| {
            let client = world.admin.clone();
            tokio::spawn(async move { client.cancel_reservation("CP1", id).await })
        };
        let refused = cancel(1);
        station
            .answer("CancelReservation", json!({"status": "Rejected"}))
            .await;
        assert_eq!(refusal(refused.await.unwrap()), "409 rejected");
        // What its station does not know is over.
        let page = list(Some(ReservationState::Removed), None, None).await;
        assert_eq!(ids(page.items), [1]);
        let cancelled = cancel(3);
        let sent = station.answer("CancelReservation", accepted()).await;
        assert_eq!(sent, json!({"reservationId": 3}));
        let cancelled = cancelled.await.unwrap().unwrap();
        assert_eq!(cancelled.state, ReservationState::Cancelled);
        assert_eq!(refusal(cancel(9).await.unwrap()), "404 not_found");
        drop(station);
    });
}

#[test]
fn a_charge_begins_on_the_reservation_of_its_token() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let client = world.admin.clone();
        let made = tokio::spawn(async move { client.reserve("CP1", &request(Some(2))).await });
        let accepted = || json!({"status": "Accepted"});
        station.answer("ReserveNow", accepted()).await;
        let reservation_id = Some(made.await.unwrap().unwrap().id);
        let start = |token: Option<&str>| {
            let request = TransactionStart {
                device_id: "CP1".into(),
                id_token: token.map(|id| IdToken {
                    id_token: id.into(),
                    ..request(None).id_token
                }),
                reservation_id,
                ..TransactionStart::default()
            };
            let client = world.admin.clone();
            async move { client.start_transaction(&request, None).await }
        };
        assert_eq!(refusal(start(Some("OTHER")).await), "422 invalid_command");
        assert_eq!(refusal(start(None).await), "422 invalid");
        let begun = tokio::spawn(start(Some("tag")));
        let sent = station
            .answer("RemoteStartTransaction", json!({"status": "Rejected"}))
            .await;
        assert_eq!(sent, json!({"connectorId": 2, "idTag": "tag"}));
        assert_eq!(refusal(begun.await.unwrap()), "409 rejected");
        drop(station);
    });
}

#[test]
fn what_cannot_be_reserved_is_refused_by_name() {
    with_server(|world| async move {
        let refused = |request: ReservationRequest| {
            let client = world.admin.clone();
            async move { refusal(client.reserve("CP1", &request).await) }
        };
        assert_eq!(refused(request(None)).await, "404 not_found");
        assert_eq!(refused(request(Some(0))).await, "422 invalid");
        for expires_at in ["soon", "2020-01-01T00:00:00Z"] {
            let expires_at = expires_at.to_owned();
            let request = ReservationRequest {
                expires_at,
                ..request(None)
            };
            assert_eq!(refused(request).await, "422 invalid");
        }
        let all = ReservationFilter::default();
        assert_eq!(
            refusal(world.admin.reservations("CP1", &all).await),
            "404 not_found"
        );
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let typed = ReservationRequest {
            connector_type: Some("cCCS2".into()),
            ..request(None)
        };
        assert_eq!(refused(typed).await, "422 invalid_command");
        drop(station);
        let reader = world.client("reader", Role::ReadOnly).await;
        let forbidden = reader.reserve("CP1", &request(None)).await;
        assert_eq!(refusal(forbidden), "403 forbidden");
    });
}
