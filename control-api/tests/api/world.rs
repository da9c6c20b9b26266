//! A server, its clients, and how long anybody waits.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use control_api::{
    AdminToken, Deps, Files, FilesConfig, HealthParts, Principals, RateLimits, Rates, ServeLimits,
    SqlError, SqlFn, SqlRow,
};
use dataplane::{Config, Dataplane, Onboarding};
use futures::FutureExt as _;
use sdk::{Client, ClientError, HealthStatus, PrincipalRequest, Problem, Role};
use storage::data_dir::DataDir;
use storage::disk::{Disk, RealDisk};
use storage::state::StateStore;

use super::station::Station;

/// Nothing here takes longer, unless it hangs.
const DEADLINE: Duration = Duration::from_secs(180);

/// The administrator's token.
pub(crate) const ROOT: &str = "root-token-of-the-test";

/// Longest file.
pub(crate) const FILE_LEN_MAX: u64 = 1 << 20;

/// A server with an administrator whose token is [`ROOT`].
pub(crate) struct World {
    pub(crate) admin: Client,
    pub(crate) url: String,
    /// Queries that came to the tables.
    pub(crate) queries: Arc<Mutex<Vec<String>>>,
    /// What the tables answer, whatever they are asked.
    pub(crate) rows: Arc<Mutex<Vec<SqlRow>>>,
    pub(crate) principals: Principals,
    ocpp: SocketAddr,
    dataplane: Dataplane,
    _data_dir: DataDir,
    dir: tempfile::TempDir,
}

/// Runs a test against a server that is open to stations.
pub(crate) fn with_server<F: Future<Output = ()>>(test: impl FnOnce(Arc<World>) -> F) {
    with_onboarding(Onboarding::Open, test);
}

/// Runs a test against a server.
pub(crate) fn with_onboarding<F: Future<Output = ()>>(
    onboarding: Onboarding,
    test: impl FnOnce(Arc<World>) -> F,
) {
    let config = Config {
        shards: 2,
        onboarding,
        command_queue_len_max: 2,
        ..Config::default()
    };
    with_config(Arc::new(RealDisk), config, test);
}

/// Runs a test against a server whose logs lie on `disk`.
pub(crate) fn with_config<F: Future<Output = ()>>(
    disk: Arc<dyn Disk>,
    config: Config,
    test: impl FnOnce(Arc<World>) -> F,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let world = Arc::new(runtime.block_on(World::start(disk, config)));
    runtime
        .block_on(async { tokio::time::timeout(DEADLINE, test(Arc::clone(&world))).await })
        .expect("the test ends in time");
    runtime.shutdown_timeout(Duration::from_secs(10));
    let world = Arc::into_inner(world).expect("the test is over");
    world.dataplane.stop(Duration::from_secs(60)).unwrap();
}

impl World {
    async fn start(disk: Arc<dyn Disk>, config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(dir.path()).unwrap();
        let store = StateStore::open(&dir.path().join("state")).unwrap();
        let config = Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            ..config
        };
        let dataplane = Dataplane::start_on(disk, config, &data_dir, store.clone()).unwrap();
        let principals = Principals::open(store.clone()).unwrap();
        let root = AdminToken::new(ROOT).unwrap();
        principals.bootstrap(Some(&root)).unwrap();
        let queries = Arc::new(Mutex::new(Vec::new()));
        let rows = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let files = FilesConfig {
            base_url: url.clone(),
            size_max: FILE_LEN_MAX,
            total_max: 4 * FILE_LEN_MAX,
            retention: None,
        };
        let files = Files::open(dir.path().join("files"), store, files).unwrap();
        let router = control_api::router(Deps {
            router: dataplane.router(),
            principals: principals.clone(),
            rates: Rates::new(RateLimits {
                principal: 0,
                anonymous: 0,
            }),
            files,
            sql: tables(Arc::clone(&queries), Arc::clone(&rows)),
            health: Arc::new(parts),
            metrics: vec![Arc::new(|| "sigec_voice_commands_total 0\n".to_owned())],
            currency: "BRL".into(),
            sql_routes: axum::Router::new(),
            voice_routes: axum::Router::new(),
        });
        let limits = ServeLimits {
            connections_max: 64,
            header_timeout: DEADLINE,
        };
        tokio::spawn(control_api::serve(
            listener,
            None,
            router,
            limits,
            std::future::pending(),
        ));
        Self {
            admin: Client::new(&url, ROOT).unwrap(),
            url,
            queries,
            rows,
            principals,
            ocpp: dataplane.addrs()[0],
            dataplane,
            _data_dir: data_dir,
            dir,
        }
    }

    /// A new principal's client.
    pub(crate) async fn client(&self, name: &str, role: Role) -> Client {
        let request = PrincipalRequest {
            name: name.to_owned(),
            role,
        };
        let created = self.admin.create_principal(&request).await.unwrap();
        self.admin.with_token(created.token)
    }

    /// Names of what lies in the directory of files.
    pub(crate) fn stored_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path().join("files")).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        entries.map(name).collect()
    }

    /// A station on a socket.
    pub(crate) async fn station(&self, id: &str, password: Option<&str>) -> Station {
        Station::connect(self.ocpp, id, password).await
    }

    /// A station of 2.0.1 that has booted.
    pub(crate) async fn station_201(&self, id: &str) -> Station {
        self.station_2x(id, "ocpp2.0.1").await
    }

    /// A station of 2.1 that has booted.
    pub(crate) async fn station_21(&self, id: &str) -> Station {
        self.station_2x(id, "ocpp2.1").await
    }

    async fn station_2x(&self, id: &str, protocol: &'static str) -> Station {
        let mut station = Station::connect_as(self.ocpp, id, None, protocol).await;
        let boot = serde_json::json!({
            "reason": "PowerUp",
            "chargingStation": { "model": "M", "vendorName": "V" },
        });
        let answer = station.call("BootNotification", boot).await;
        assert_eq!(answer["status"], "Accepted");
        station
    }

    /// Gives a document without the SDK.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let response = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

fn tables(queries: Arc<Mutex<Vec<String>>>, rows: Arc<Mutex<Vec<SqlRow>>>) -> SqlFn {
    Arc::new(move |principal, query| {
        queries
            .lock()
            .unwrap()
            .push(format!("{}: {query}", principal.tenant));
        let rows = rows.lock().unwrap().clone();
        async move { Ok::<_, SqlError>(rows) }.boxed()
    })
}

fn parts() -> HealthParts {
    HealthParts {
        ready: true,
        lake: sdk::LakeHealth {
            status: HealthStatus::Ok,
            detail: None,
            bytes_used: 0,
            bytes_free: 1,
            days_to_full: None,
            lag_seconds: None,
        },
        state: sdk::StateHealth {
            status: HealthStatus::Ok,
            detail: None,
        },
        configuration: sdk::ConfigurationHealth {
            status: HealthStatus::Ok,
            detail: None,
            read_at: "2026-11-22T10:00:00.000Z".into(),
            needs_restart: Vec::new(),
        },
        listeners: Vec::new(),
        plaintext_beyond_loopback: false,
    }
}

/// The problem that a call was refused with.
pub(crate) fn problem<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Box<Problem> {
    match answer {
        Err(ClientError::Problem(problem)) => problem,
        other => panic!("expected a problem, found {other:?}"),
    }
}

/// `409 offline`
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    let problem = problem(answer);
    format!("{} {}", problem.status, problem.slug())
}
