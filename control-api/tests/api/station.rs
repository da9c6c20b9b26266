//! A station, of 1.6 where nothing else is said, played by hand on a foreign WebSocket client.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub(crate) struct Station {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u32,
}

impl Station {
    pub(crate) async fn connect(server: SocketAddr, id: &str, password: Option<&str>) -> Self {
        Self::connect_as(server, id, password, "ocpp1.6").await
    }

    pub(crate) async fn connect_as(
        server: SocketAddr,
        id: &str,
        password: Option<&str>,
        protocol: &'static str,
    ) -> Self {
        let mut request = format!("ws://{server}/{id}").into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        if let Some(password) = password {
            let login = STANDARD.encode(format!("{id}:{password}"));
            headers.insert("authorization", format!("Basic {login}").parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Self { socket, last_id: 0 }
    }

    /// Boots and reports connector 1 as free.
    pub(crate) async fn boot(&mut self) {
        let boot = json!({ "chargePointVendor": "ABB", "chargePointModel": "Terra 184" });
        let answer = self.call("BootNotification", boot).await;
        assert_eq!(answer["status"], "Accepted");
        let status = json!({ "connectorId": 1, "errorCode": "NoError", "status": "Available" });
        self.call("StatusNotification", status).await;
    }

    /// Sends a call and waits for its answer.
    pub(crate) async fn call(&mut self, action: &str, payload: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id.to_string();
        self.send(json!([2, id, action, payload])).await;
        let answer = self.receive().await;
        assert_eq!(
            (&answer[0], &answer[1]),
            (&json!(3), &json!(id)),
            "{answer}"
        );
        answer[2].clone()
    }

    /// Says something that has no answer (2.1).
    pub(crate) async fn tell(&mut self, action: &str, payload: Value) {
        self.last_id += 1;
        let id = self.last_id.to_string();
        self.send(json!([6, id, action, payload])).await;
    }

    /// Waits for a call of the server and answers it.
    pub(crate) async fn answer(&mut self, action: &str, answer: Value) -> Value {
        let (id, payload) = self.expect(action).await;
        self.send(json!([3, id, answer])).await;
        payload
    }

    /// Waits for a call of the server and refuses it with a CALLERROR.
    pub(crate) async fn refuse(&mut self, action: &str, code: &str, description: &str) {
        let (id, _) = self.expect(action).await;
        self.send(json!([4, id, code, description, {}])).await;
    }

    /// Waits for a call of the server and says nothing.
    pub(crate) async fn expect(&mut self, action: &str) -> (Value, Value) {
        let call = self.receive().await;
        assert_eq!((&call[0], &call[2]), (&json!(2), &json!(action)), "{call}");
        (call[1].clone(), call[3].clone())
    }

    /// Plays a station of 2.0.1 or 2.1 that accepts whatever it is asked, until the server closes the socket.
    pub(crate) async fn accept_everything(mut self) {
        while let Some(Ok(message)) = self.socket.next().await {
            let Message::Text(text) = message else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            // The answers to its own calls say nothing that it has to know.
            if frame[0] == 2 {
                let (action, payload) = (frame[2].as_str().unwrap(), &frame[3]);
                self.send(json!([3, frame[1], acceptance(action, payload)]))
                    .await;
                if let Some(event) = transaction_event(action, payload) {
                    self.last_id += 1;
                    let id = self.last_id.to_string();
                    self.send(json!([2, id, "TransactionEvent", event])).await;
                }
            }
        }
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: Value) {
        self.say(frame.to_string()).await;
    }

    /// Sends a text as it is.
    pub(crate) async fn say(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Waits for a frame of the server, and shows it as it came.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            let message = self.socket.next().await.expect("an open socket").unwrap();
            if let Message::Text(text) = message {
                return text.to_string();
            }
        }
    }
}

/// When everything happens that a station tells by itself.
const AT: &str = "2026-01-01T00:00:00Z";

/// The answer of a station that is content with all it is asked.
fn acceptance(action: &str, payload: &Value) -> Value {
    match action {
        "GetLocalListVersion" => json!({ "versionNumber": 0 }),
        "GetCompositeSchedule" => json!({
            "status": "Accepted",
            "schedule": {
                "evseId": payload["evseId"],
                "duration": payload["duration"],
                "scheduleStart": AT,
                "chargingRateUnit": payload["chargingRateUnit"],
                "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16 }],
            },
        }),
        "ClearTariffs" => json!({ "clearTariffsResult": [{ "status": "Accepted" }] }),
        _ => json!({ "status": "Accepted" }),
    }
}

/// What a remote start or stop leads to.
fn transaction_event(action: &str, payload: &Value) -> Option<Value> {
    match action {
        "RequestStartTransaction" => Some(json!({
            "eventType": "Started",
            "timestamp": AT,
            "triggerReason": "RemoteStart",
            "seqNo": 0,
            "transactionInfo": { "transactionId": "T1", "remoteStartId": payload["remoteStartId"] },
            "evse": { "id": 1, "connectorId": 1 },
            "idToken": payload["idToken"],
        })),
        "RequestStopTransaction" => Some(json!({
            "eventType": "Ended",
            "timestamp": AT,
            "triggerReason": "RemoteStop",
            "seqNo": 1,
            "transactionInfo": { "transactionId": payload["transactionId"], "stoppedReason": "Remote" },
        })),
        _ => None,
    }
}
