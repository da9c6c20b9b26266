use std::sync::PoisonError;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest as _, Path};
use axum::http::Request;
use axum::routing::get;
use expect_test::{Expect, expect};
use sdk::VoiceRequest;
use serde_json::{Value, json};

use super::*;

/// What the API was asked to change, in order.
type Calls = Arc<Mutex<Vec<String>>>;

/// An API with five stations and, from `running` on, as many charges; token `driver` may only read.
fn fake_api(calls: Calls, running: usize) -> Router {
    let record = move |call: String| {
        calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(call)
    };
    let (start, stop, issue) = (record.clone(), record.clone(), record);
    Router::new()
        .route(
            "/api/v1/devices",
            get(|| async { Json(json!({ "items": devices(), "next_cursor": null })) }),
        )
        .route(
            "/api/v1/devices/{id}",
            get(|Path(id): Path<String>| async move {
                devices()
                    .into_iter()
                    .find(|device| device["id"] == id.as_str())
                    .map(Json)
                    .ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found", "Not found", ""))
            }),
        )
        .route(
            "/api/v1/transactions/active",
            get(move || async move {
                let items: Vec<_> = (1..=running)
                    .map(|n| transaction(&format!("CP00{n}"), "Started"))
                    .collect();
                Json(json!({ "items": items, "next_cursor": null }))
            }),
        )
        .route(
            "/api/v1/transactions/start",
            post(
                move |headers: HeaderMap, Json(body): Json<Value>| async move {
                    match bearer(&headers) {
                        Some("driver") => {
                            return Err(refusal(
                                StatusCode::FORBIDDEN,
                                "forbidden",
                                "Role does not suffice",
                                "",
                            ));
                        }
                        Some("gone") => return Err(unauthorized("the token is not valid")),
                        _ => {}
                    }
                    start(format!(
                        "start {} {}",
                        body["device_id"], body["connector_id"]
                    ));
                    Ok(Json(transaction("CP005", "Started")))
                },
            ),
        )
        .route(
            "/api/v1/transactions/{id}/stop",
            post(move |Path(id): Path<String>| async move {
                stop(format!("stop {id}"));
                Json(transaction("CP001", "Completed"))
            }),
        )
        .route(
            "/api/v1/devices/{id}/issues",
            post(
                move |Path(id): Path<String>, Json(body): Json<Value>| async move {
                    issue(format!("issue {id} {} {}", body["category"], body["text"]));
                    Json(json!({
                        "device_id": id, "category": body["category"], "text": body["text"],
                        "reported_by": "eva", "reported_at": "2026-11-22T10:41:49.123Z",
                    }))
                },
            ),
        )
}

fn devices() -> Vec<Value> {
    let device = |id: &str, online: bool, connectors: &[&str]| {
        let connectors: Vec<_> = connectors
            .iter()
            .enumerate()
            .map(|(at, status)| {
                json!({
                    "id": at + 1, "connector_id": 1, "type": null, "status": status,
                    "status_reported": status, "error_code": null, "max_power_kw": null,
                })
            })
            .collect();
        json!({
            "id": id, "vendor": null, "model": null, "serial_number": null, "firmware_version": null,
            "protocol": "ocpp1.6", "status": "Available", "is_online": online, "last_seen_at": null,
            "acceptance": "accepted", "has_password": true, "site": null, "location": null, "connectors": connectors,
            "position": {"log_id": "1", "seq": "7"},
        })
    };
    vec![
        device("CP001", true, &["Occupied"]),
        device("CP005", true, &["Occupied", "Available"]),
        device("CP007", false, &[]),
        device("NORTE-12", true, &["Available"]),
        device("SUL-12", true, &["Available"]),
    ]
}

fn transaction(device: &str, status: &str) -> Value {
    json!({
        "id": format!("tx-{device}"), "ocpp_transaction_id": "1", "device_id": device, "connector_id": 1,
        "status": status, "start_time": null, "end_time": null, "meter_start_wh": null, "meter_stop_wh": null,
        "total_energy": 7.0425, "cost": "5.28", "currency": "BRL", "quality": "ok", "stop_reason": null,
        "position": {"log_id": "1", "seq": "7"},
    })
}

/// Talks with a gateway over real sockets; `>` is a sentence (`token>`, another caller's), the rest is the answer.
fn check(running: usize, script: &str, expected: Expect) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let talk = runtime.block_on(async {
        let deadline = Duration::from_secs(30);
        tokio::time::timeout(deadline, talk(running, script))
            .await
            .expect("an answer in time")
    });
    expected.assert_eq(&talk);
}

async fn talk(running: usize, script: &str) -> String {
    let calls = Calls::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gateway = VoiceGateway::new(Config {
        api_base_url: url.clone(),
        price_per_kwh: Some("0.75".into()),
    })
    .unwrap();
    let app = fake_api(Arc::clone(&calls), running).merge(gateway.router());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::new(&url, "").unwrap();
    let mut transcript = String::new();
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (caller, text) = line.split_once('>').unwrap();
        let token = if caller.is_empty() {
            "operator"
        } else {
            caller
        };
        let request = VoiceRequest {
            text: Some(text.trim().to_owned()),
            session_id: Some("s".into()),
            ..VoiceRequest::default()
        };
        transcript.push_str(&format!("{line}\n"));
        match client.with_token(token).voice(&request).await {
            Ok(reply) => transcript.push_str(&format!("  {} {}\n", reply.intent, reply.text)),
            Err(error) => transcript.push_str(&format!("  {error}\n")),
        }
        for call in calls.lock().unwrap().drain(..) {
            transcript.push_str(&format!("  -> {call}\n"));
        }
    }
    server.abort();
    transcript
}

#[test]
fn a_charge_starts_after_a_yes() {
    check(
        0,
        "
        > EVA, iniciar carregamento no posto 5
        > sim
        > sim
        > carregar no CP001, conector 1
        > sim, pode iniciar
        ",
        expect![[r#"
            > EVA, iniciar carregamento no posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            > sim
              start_charge Pronto, o carregamento começou no posto CP005, conector 2.
              -> start "CP005" 2
            > sim
              unknown Não entendi. Pode repetir?
            > carregar no CP001, conector 1
              start_charge Vou iniciar o carregamento no posto CP001, conector 1, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            > sim, pode iniciar
              start_charge Pronto, o carregamento começou no posto CP001, conector 1.
              -> start "CP001" 1
        "#]],
    );
}

#[test]
fn no_charge_starts_without_one() {
    check(
        0,
        "
        > iniciar carregamento no posto 5
        > não
        > iniciar carregamento no posto 5
        > quanto custa?
        > sim
        > iniciar carregamento no posto 5
        other> sim
        > sim, mas no posto 1
        > iniciar carregamento no posto 7
        > sim
        ",
        expect![[r#"
            > iniciar carregamento no posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            > não
              start_charge Tudo bem, não iniciei o carregamento.
            > iniciar carregamento no posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            > quanto custa?
              check_cost Não há carregamento ativo. A energia custa R$ 0,75 por kWh.
            > sim
              unknown Não entendi. Pode repetir?
            > iniciar carregamento no posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            other> sim
              unknown Não entendi. Pode repetir?
            > sim, mas no posto 1
              unknown Não entendi. Pode repetir?
            > iniciar carregamento no posto 7
              start_charge O posto CP007 está offline; nada foi iniciado.
            > sim
              unknown Não entendi. Pode repetir?
        "#]],
    );
}

#[test]
fn a_station_is_asked_for_when_none_or_several_are_meant() {
    check(
        0,
        "
        > carregar
        > posto 5
        > sim
        > iniciar carregamento no posto 12
        > norte-12
        > sim
        > iniciar carregamento no posto 99
        > posto 5
        > não
        ",
        expect![[r#"
            > carregar
              start_charge Em qual posto?
            > posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            > sim
              start_charge Pronto, o carregamento começou no posto CP005, conector 2.
              -> start "CP005" 2
            > iniciar carregamento no posto 12
              start_charge Há mais de um posto com esse número: NORTE-12 e SUL-12. Diga o identificador completo.
            > norte-12
              start_charge Vou iniciar o carregamento no posto NORTE-12, conector 1, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            > sim
              start_charge Pronto, o carregamento começou no posto NORTE-12, conector 1.
              -> start "NORTE-12" 1
            > iniciar carregamento no posto 99
              start_charge Não encontrei esse posto. Diga o identificador completo dele.
            > posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            > não
              start_charge Tudo bem, não iniciei o carregamento.
        "#]],
    );
}

#[test]
fn the_only_charge_stops_at_once_and_others_are_asked_for() {
    check(
        1,
        "
        > parar meu carregamento
        > quanto estou gastando?
        > como está meu carregamento?
        > parar o carregamento no posto 5
        ",
        expect![[r#"
            > parar meu carregamento
              stop_charge Carregamento encerrado no posto CP001: 7,04 kWh, R$ 5,28.
              -> stop tx-CP001
            > quanto estou gastando?
              check_cost Até agora, no posto CP001: 7,04 kWh, R$ 5,28.
            > como está meu carregamento?
              check_status Seu carregamento no posto CP001 está em andamento: 7,04 kWh, R$ 5,28 até agora.
            > parar o carregamento no posto 5
              stop_charge Não há carregamento ativo no posto CP005.
        "#]],
    );
    check(
        2,
        "
        > parar meu carregamento
        > posto 1
        > O carregamento foi parado com sucesso
        ",
        expect![[r#"
            > parar meu carregamento
              stop_charge Há 2 carregamentos ativos, nos postos CP001 e CP002. Em qual posto?
            > posto 1
              stop_charge Carregamento encerrado no posto CP001: 7,04 kWh, R$ 5,28.
              -> stop tx-CP001
            > O carregamento foi parado com sucesso
              unknown Não entendi. Pode repetir?
        "#]],
    );
    check(
        0,
        "> parar meu carregamento",
        expect![[r#"
        > parar meu carregamento
          stop_charge Não há carregamento ativo.
    "#]],
    );
}

#[test]
fn questions_are_answered() {
    check(
        0,
        "
        > mostrar carregadores disponíveis
        > qual o status do posto 5?
        > como está o posto 7?
        > quanto custa o kWh?
        > qual a capital da França?
        ",
        expect![[r#"
            > mostrar carregadores disponíveis
              check_status 5 postos estão disponíveis: CP001, CP005, CP007, NORTE-12 e SUL-12.
            > qual o status do posto 5?
              check_status O posto CP005 está online; conector 1: ocupado; conector 2: disponível.
            > como está o posto 7?
              check_status O posto CP007 está offline.
            > quanto custa o kWh?
              check_cost Não há carregamento ativo. A energia custa R$ 0,75 por kWh.
            > qual a capital da França?
              unknown Não entendi. Pode repetir?
        "#]],
    );
}

#[test]
fn a_defect_is_put_on_record_without_the_person() {
    check(
        0,
        "
        > o cabo do posto 5 está danificado, me liguem: 11 91234-5678
        > reportar problema no carregador
        > posto 1
        ",
        expect![[r#"
            > o cabo do posto 5 está danificado, me liguem: 11 91234-5678
              report_issue Registrei o problema no posto CP005. Obrigada por avisar.
              -> issue CP005 "hardware" "o cabo do posto 5 está danificado, me liguem: [número]"
            > reportar problema no carregador
              report_issue Em qual posto?
            > posto 1
              report_issue Registrei o problema no posto CP001. Obrigada por avisar.
              -> issue CP001 "other" "reportar problema no carregador"
        "#]],
    );
}

#[test]
fn the_caller_can_do_no_more_than_its_token() {
    check(
        0,
        "
        driver> iniciar carregamento no posto 5
        driver> sim
        gone> iniciar carregamento no posto 5
        gone> sim
        ",
        expect![[r#"
            driver> iniciar carregamento no posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            driver> sim
              start_charge Seu acesso não permite fazer isso.
            gone> iniciar carregamento no posto 5
              start_charge Vou iniciar o carregamento no posto CP005, conector 2, a R$ 0,75 por kWh. Confirma? Diga sim ou não.
            gone> sim
              Authentication required (401): the token is not valid
        "#]],
    );
}

#[tokio::test]
async fn speech_without_text_is_answered_honestly_and_nothing_is_refused() {
    let gateway = VoiceGateway::new(Config {
        api_base_url: "http://127.0.0.1:1".into(),
        price_per_kwh: None,
    })
    .unwrap();
    let heard = |request: VoiceRequest| gateway.converse("t", request);
    let audio = VoiceRequest {
        audio: Some("AAAA".into()),
        ..VoiceRequest::default()
    };
    let reply = heard(audio).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.audio), (reply::NO_SPEECH, None));
    assert_eq!(reply.session_id.len(), 36);
    assert_eq!(
        heard(VoiceRequest::default()).await.unwrap_err().0.status,
        422
    );
    let long = VoiceRequest {
        text: Some("x".repeat(501)),
        ..VoiceRequest::default()
    };
    assert_eq!(heard(long).await.unwrap_err().0.status, 422);
    let unreachable = VoiceRequest {
        text: Some("quanto custa?".into()),
        ..VoiceRequest::default()
    };
    assert_eq!(heard(unreachable).await.unwrap().text, reply::UNREACHABLE);
    assert!(
        gateway
            .metrics()
            .contains("{intent=\"check_cost\",status=\"failed\"} 1\n")
    );
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused_without_a_preamble() {
    let check = async |content_type: &str, body: &'static str, expected: Expect| {
        let request = Request::post(PATH)
            .header(CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .unwrap();
        let read = Json::<VoiceRequest>::from_request(request, &()).await;
        let Refused(problem) = unreadable(&read.unwrap_err());
        let found = format!("{} {} {}", problem.status, problem.kind, problem.detail);
        expected.assert_eq(&found);
    };
    let json = "application/json";
    check(json, r#"{"text":5}"#, expect![[r#"422 /problems/invalid text: invalid type: integer `5`, expected a string at line 1 column 9"#]]).await;
    check(json, r#"{"txt":"sim"}"#, expect![[r#"422 /problems/invalid txt: unknown field `txt`, expected one of `text`, `session_id`, `lat`, `lng`, `audio` at line 1 column 6"#]]).await;
    check(
        json,
        "{",
        expect!["400 /problems/malformed EOF while parsing an object at line 1 column 1"],
    )
    .await;
    check(
        "text/plain",
        "sim",
        expect!["415 /problems/malformed Expected request with `Content-Type: application/json`"],
    )
    .await;
}
