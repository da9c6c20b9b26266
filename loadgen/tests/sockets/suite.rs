//! `loadgen ws-echo --suite` against a suite of three cases, for machines without Autobahn's.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use net::driver::{Closed, Config, ConnId, Epoll, Handler, Io, Opened};
use net::http::{UpgradeLimits, parse_upgrade, write_switching};
use net::ws::{self, CloseCode, Codec, Limits, Message, Role};

use super::csms::any_port;
use super::{loadgen, stdout};

/// What each case says, and is to hear again; a Ping is answered by its Pong.
const CASES: [Said; 3] = [
    Said::Text("já"),
    Said::Binary(&[0, 255]),
    Said::Ping("are you there?"),
];

#[derive(Clone, Copy)]
enum Said {
    Text(&'static str),
    Binary(&'static [u8]),
    Ping(&'static str),
}

impl Said {
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Said::Text(text) => ws::write_text(out, None, text.as_bytes()),
            Said::Binary(bytes) => ws::write_binary(out, None, bytes),
            Said::Ping(text) => ws::write_ping(out, None, text.as_bytes()),
        }
    }

    fn is_heard(self, message: &Message<'_>) -> bool {
        match self {
            Said::Text(said) => *message == Message::Text(said),
            Said::Binary(said) => *message == Message::Binary(said),
            Said::Ping(said) => *message == Message::Pong(said.as_bytes()),
        }
    }
}

/// Where a suite stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// Only when all is done.
    Never,
    /// Before it has said how many cases there are.
    BeforeTheCount,
    /// When it is asked for its second case.
    InTheSecondCase,
}

struct Suite {
    goes: Goes,
    /// What was asked of it, and what was heard in the cases.
    seen: Arc<Mutex<Vec<String>>>,
    open: HashMap<ConnId, (Option<Said>, Codec)>,
    /// Who has said everything, and when the suite goes; it is to go first.
    going: Option<(ConnId, u64)>,
}

/// A suite takes its time to go.
const GOING_NS: u64 = 100_000_000;

impl Suite {
    /// Answers the upgrade of an errand; how many bytes of it were used.
    fn begin(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &[u8]) -> usize {
        let Some((request, len)) = parse_upgrade(bytes, &UpgradeLimits::default()).unwrap() else {
            return 0;
        };
        let query = request
            .query
            .map_or(String::new(), |query| format!("?{query}"));
        let target = format!("{}{query}", request.path);
        let mut seen = self.seen.lock().unwrap();
        if self.going.is_some() {
            seen.push("the case before is not over".to_owned());
        }
        seen.push(target.clone());
        drop(seen);
        if self.goes == Goes::InTheSecondCase && target.starts_with("/runCase?case=2&") {
            io.abort(conn);
            return len;
        }
        write_switching(io.out(conn), request.key, None, None);
        let case = target.strip_prefix("/runCase?case=");
        let case = case.and_then(|rest| rest.strip_suffix("&agent=sigec"));
        let said = case.map(|case| CASES[case.parse::<usize>().unwrap() - 1]);
        match said {
            Some(said) => said.write(io.out(conn)),
            None => {
                if target == "/getCaseCount" && self.goes != Goes::BeforeTheCount {
                    let count = CASES.len().to_string();
                    ws::write_text(io.out(conn), None, count.as_bytes());
                }
                ws::write_close(io.out(conn), None, Some(CloseCode::NORMAL), "");
            }
        }
        self.open.insert(conn, (said, Codec::new(Role::Server)));
        len
    }
}

impl Handler for Suite {
    fn opened(&mut self, _: &mut Io<'_>, _: ConnId, _: Opened) {}

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let Some((said, codec)) = self.open.get_mut(&conn) else {
            return self.begin(io, conn, bytes);
        };
        let read = codec.read(&Limits::default(), bytes, |message| {
            if matches!(message, Message::Close(..)) {
                self.going = Some((conn, io.now() + GOING_NS));
            } else {
                let heard = said.is_some_and(|said| said.is_heard(&message));
                self.seen.lock().unwrap().push(format!("heard it: {heard}"));
                ws::write_close(io.out(conn), None, Some(CloseCode::NORMAL), "");
            }
            ControlFlow::Continue(())
        });
        read.unwrap()
    }

    fn closed(&mut self, _: &mut Io<'_>, conn: ConnId, _: Closed) {
        self.open.remove(&conn);
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.going.map(|(_, at)| at)
    }

    fn timer(&mut self, io: &mut Io<'_>) {
        if let Some((conn, _)) = self.going.take_if(|(_, at)| *at <= io.now()) {
            io.close(conn);
        }
    }

    fn woken(&mut self, io: &mut Io<'_>) {
        io.stop();
    }
}

/// Runs the program against a suite; how it ended, and what the suite saw.
fn run(goes: Goes) -> (std::process::Output, Vec<String>) {
    let listener = any_port();
    let url = format!("ws://{}/", listener.local_addr());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut suite = Suite {
        goes,
        seen: seen.clone(),
        open: HashMap::new(),
        going: None,
    };
    let (started, waker) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut driver = Epoll::new(Config::default(), vec![listener]).unwrap();
        started.send(driver.waker()).unwrap();
        driver.run(&mut suite).unwrap();
    });
    let output = loadgen(&["ws-echo", "--suite", &url]);
    waker.recv().unwrap().wake();
    thread.join().unwrap();
    let seen = seen.lock().unwrap().clone();
    (output, seen)
}

#[test]
fn a_suite_has_its_cases_echoed_one_by_one_and_is_asked_for_its_report() {
    let (output, seen) = run(Goes::Never);
    assert!(output.status.success(), "{output:?}");
    let expected = [
        "/getCaseCount",
        "/runCase?case=1&agent=sigec",
        "heard it: true",
        "/runCase?case=2&agent=sigec",
        "heard it: true",
        "/runCase?case=3&agent=sigec",
        "heard it: true",
        "/updateReports?agent=sigec",
    ];
    assert_eq!(seen, expected);
    assert_eq!(
        stdout(&output),
        "3 cases were run; the suite has the report\n"
    );
}

#[test]
fn a_suite_that_goes_away_is_no_suite_that_was_passed() {
    for (goes, expected) in [
        (
            Goes::BeforeTheCount,
            "the suite did not say how many cases it has",
        ),
        (
            Goes::InTheSecondCase,
            "the suite went away before it answered /runCase?case=2&agent=sigec",
        ),
    ] {
        let (output, seen) = run(goes);
        assert_eq!(output.status.code(), Some(2), "{output:?} after {seen:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(expected), "{said}");
        assert_eq!(stdout(&output), "");
    }
}
