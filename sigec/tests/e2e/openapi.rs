//! What the server answers is what its OpenAPI document says: status, content type and every member.

use std::process::Stdio;

use serde_json::{Value, json};

use super::api::Answer;
use super::server::{Server, Site, TOKEN, loadgen};
use super::wait::eventually;

/// A server, and what it says of itself.
struct Api {
    server: Server,
    document: Value,
}

impl Api {
    fn of(server: Server) -> Self {
        let document = server.get("/api/v1/openapi.json").json();
        assert_eq!(document["openapi"], "3.1.0");
        Self { server, document }
    }

    fn get(&self, path: &str, status: u16) -> Value {
        self.call("GET", path, None, status)
    }

    /// Calls and compares the answer with the document.
    fn call(&self, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
        let headers = [("Content-Type", "application/json"), ("Prefer", "wait=30")];
        let body = body.map_or_else(String::new, |body| body.to_string());
        let answer = self.server.request(method, path, TOKEN, &headers, &body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        self.compare(method, path, &answer);
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    fn compare(&self, method: &str, path: &str, answer: &Answer) {
        let at = format!("{method} {path} {}", answer.status);
        let operation = &self.route(path)[method.to_lowercase()];
        let responses = &operation["responses"];
        let response = [&*answer.status.to_string(), "default"]
            .iter()
            .find_map(|status| responses.get(status))
            .unwrap_or_else(|| panic!("{at} is not documented"));
        if answer.body.is_empty() {
            return;
        }
        let content_type = answer.content_type.split(';').next().unwrap();
        let media = &response["content"][content_type];
        assert!(media.is_object(), "{at}: {content_type} is not documented");
        if content_type != "application/json" && content_type != "application/problem+json" {
            return;
        }
        let mut schema = media["schema"].clone();
        assert!(schema.is_object(), "{at} has no schema");
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&answer.json())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{at}: {errors:?}\n{}", answer.body);
    }

    /// The entry for a path: the one with the fewest parameters among those that fit.
    fn route(&self, path: &str) -> &Value {
        let path = path.split('?').next().unwrap();
        let is_parameter = |segment: &str| segment.starts_with('{');
        let fits = |template: &str| {
            let (mut asked, mut known) = (path.split('/'), template.split('/'));
            asked
                .by_ref()
                .zip(known.by_ref())
                .all(|(a, k)| a == k || is_parameter(k))
                && template.split('/').count() == path.split('/').count()
        };
        let paths = self.document["paths"].as_object().unwrap();
        let mut found: Vec<_> = paths
            .iter()
            .filter(|(template, _)| fits(template))
            .collect();
        found.sort_by_key(|(template, _)| template.split('/').filter(|s| is_parameter(s)).count());
        found
            .first()
            .unwrap_or_else(|| panic!("{path} is not documented"))
            .1
    }
}

#[test]
fn what_the_server_answers_is_what_its_openapi_document_says() {
    let site = Site::new();
    let api = Api::of(site.start(&[]));
    let stations = |args: &[&str]| {
        let mut command = loadgen();
        command.args(["fleet", "--url", &api.server.ocpp_url(), "--stations", "2"]);
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let busy = [
        "--scenario",
        "once",
        "--interval",
        "60s",
        "--speed",
        "600",
        "--duration",
        "4s",
    ];
    assert!(stations(&busy).status().unwrap().success());
    let idle = [
        "--scenario",
        "idle",
        "--station-prefix",
        "LIVE",
        "--duration",
        "10m",
    ];
    let mut live = stations(&idle).spawn().unwrap();

    for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
        api.get(path, 200);
    }
    principals_and_devices(&api);
    commands_and_transactions(&api);
    tokens_queries_and_voice(&api);

    live.kill().unwrap();
    live.wait().unwrap();
}

fn principals_and_devices(api: &Api) {
    let analyst = json!({"name": "analyst", "role": "read_only"});
    api.call("POST", "/api/v1/principals", Some(analyst.clone()), 201);
    api.call("POST", "/api/v1/principals", Some(analyst), 409);
    api.call(
        "POST",
        "/api/v1/principals",
        Some(json!({"name": "x", "role": "root"})),
        422,
    );
    api.get("/api/v1/principals", 200);
    api.call("DELETE", "/api/v1/principals/analyst", None, 204);
    api.call("DELETE", "/api/v1/principals/analyst", None, 404);

    let location = json!({"lat": -23.5, "lng": -46.6, "address": "Av. Paulista, 1000"});
    let device = json!({"id": "D1", "site": "SP", "location": location, "connectors": 2});
    api.call("POST", "/api/v1/devices", Some(device.clone()), 201);
    api.call("POST", "/api/v1/devices", Some(device), 409);
    api.call("POST", "/api/v1/devices", Some(json!({"id": "a:b"})), 422);
    for (path, status) in [
        ("/api/v1/devices", 200),
        ("/api/v1/devices?status=Available&limit=1", 200),
        ("/api/v1/devices?limit=0", 400),
        ("/api/v1/devices/D1", 200),
        ("/api/v1/devices/CP00001", 200),
        ("/api/v1/devices/NONE", 404),
        ("/api/v1/devices/CP00001/messages?limit=5", 200),
    ] {
        api.get(path, status);
    }
    api.call(
        "PATCH",
        "/api/v1/devices/D1",
        Some(json!({"site": null})),
        200,
    );
    api.call("PATCH", "/api/v1/devices/D1", Some(json!({"nope": 1})), 422);
    api.call("DELETE", "/api/v1/devices/D1", None, 204);
}

fn commands_and_transactions(api: &Api) {
    // Mixed fleets begin with 1.6.
    for (station, reset, other) in [
        ("LIVE00001", "Soft", "Immediate"),
        ("LIVE00002", "Immediate", "Soft"),
    ] {
        let device = format!("/api/v1/devices/{station}");
        eventually("the station is online", || {
            let answer = api.server.get(&device);
            let online = answer.status == 200 && answer.json()["is_online"] == true;
            if online { Ok(()) } else { Err(answer.body) }
        });
        let commands = format!("{device}/commands");
        let command = |kind: &str| Some(json!({"action": "Reset", "payload": {"type": kind}}));
        let answered = api.call("POST", &commands, command(reset), 200);
        let id = answered["id"].as_str().unwrap();
        api.get(&format!("/api/v1/commands/{id}"), 200);
        api.call("POST", &commands, command(other), 422);

        let start = json!({"device_id": station, "connector_id": 1});
        let started = api.call("POST", "/api/v1/transactions/start", Some(start), 200);
        let transaction = format!("/api/v1/transactions/{}", started["id"].as_str().unwrap());
        api.get(&transaction, 200);
        api.get("/api/v1/transactions/active", 200);
        api.call("POST", &format!("{transaction}/stop"), None, 200);
    }
    let reset = json!({"action": "Reset", "payload": {"type": "Soft"}});
    api.call(
        "POST",
        "/api/v1/devices/CP00001/commands",
        Some(reset.clone()),
        409,
    );
    api.call("POST", "/api/v1/devices/NONE/commands", Some(reset), 404);
    let start = json!({"device_id": "CP00001", "connector_id": 1});
    api.call("POST", "/api/v1/transactions/start", Some(start), 409);
    api.get("/api/v1/transactions/history", 200);
    api.get("/api/v1/transactions/history?start_date=x", 400);
    api.get("/api/v1/transactions/none", 404);
    api.get("/api/v1/commands/none", 404);
}

fn tokens_queries_and_voice(api: &Api) {
    let token = json!({"status": "Blocked", "group": "fleet", "languages": ["pt-BR"]});
    api.call("PUT", "/api/v1/tokens/TAG1", Some(token), 200);
    api.get("/api/v1/tokens/TAG1", 200);
    api.get("/api/v1/tokens", 200);
    api.call(
        "PUT",
        "/api/v1/tokens/TAG1",
        Some(json!({"status": "x"})),
        422,
    );

    let query = |text: &str| Some(json!({ "query": text }));
    api.call("POST", "/api/v1/sql", query("SELECT * FROM stations"), 200);
    api.call("POST", "/api/v1/sql", query("DROP TABLE stations"), 403);
    api.call("POST", "/api/v1/sql", query("SELECT FROM WHERE"), 400);
    api.call("POST", "/api/v1/sql", query("SELECT 1/0"), 422);

    for text in [
        "Qual o status da estação CP00001?",
        "Inicie a carga na estação CP00001",
        "não",
    ] {
        let said = json!({"text": text, "session_id": "s1"});
        api.call("POST", "/api/v1/voice/command", Some(said), 200);
    }
}
