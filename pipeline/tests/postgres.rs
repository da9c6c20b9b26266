//! The Postgres wire, asked by a real client.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use pipeline::{Lake, Role, ScramVerifier, serve_postgres};
use tokio::net::TcpListener;
use tokio_postgres::{Client, NoTls};

use crate::support::*;

const ITERATIONS: u32 = 4_096;

fn verifier(token: &str, role: Role) -> ScramVerifier {
    let salt = b"sixteen byte sal".to_vec();
    let mut salted_password = vec![0; 32];
    let iterations = NonZeroU32::new(ITERATIONS).unwrap();
    let algorithm = ring::pbkdf2::PBKDF2_HMAC_SHA256;
    ring::pbkdf2::derive(
        algorithm,
        iterations,
        &salt,
        token.as_bytes(),
        &mut salted_password,
    );
    ScramVerifier {
        salt,
        iterations: ITERATIONS,
        salted_password,
        principal: principal("default", role),
    }
}

pub async fn serve(lake: &Lake) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let find = |user: &str| match user {
        "admin" => Some(verifier("secret", Role::Admin)),
        "reader" => Some(verifier("secret", Role::ReadOnly)),
        _ => None,
    };
    tokio::spawn(serve_postgres(
        listener,
        lake.sql(),
        find,
        std::future::pending(),
    ));
    address
}

pub async fn connect(
    address: SocketAddr,
    user: &str,
    password: &str,
) -> Result<Client, tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config
        .host(address.ip().to_string())
        .port(address.port())
        .user(user)
        .password(password)
        .dbname("sigec");
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn a_client_asks_by_text_and_by_prepared_statement() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    log.put("default/CP1", T0, meter(None, 1, T0, 1_500, 11_000.0));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();

    let rows = client
        .simple_query("SELECT count(*), sum(energy_wh) FROM meter_values; SELECT 1")
        .await
        .unwrap();
    let texts: Vec<_> = rows
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|i| format!("{}={}", row.columns()[i].name(), row.get(i).unwrap()))
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["count=1 sum=1.500", "?column?=1"]);

    let row = client
        .query_one("SELECT station_id, power_w, evse_id FROM meter_values WHERE power_w > $1 AND station_id = $2", &[&10.0_f64, &"CP1"])
        .await
        .unwrap();
    assert_eq!(
        (
            row.get::<_, String>(0),
            row.get::<_, f64>(1),
            row.get::<_, i32>(2)
        ),
        ("CP1".to_owned(), 11_000.0, 1)
    );
}
