//! Our driver and codecs alone, layer on layer, with no data plane above them.

use std::collections::HashMap;
use std::ops::ControlFlow;

use anyhow::{Context, ensure};
use net::driver::{Closed, Config, ConnId, Driver, DriverKind, Handler, Io, Opened};
use net::http::{UpgradeLimits, parse_upgrade, write_switching};
use net::ws::{self, Codec, Limits, Message, Role};
use ocpp::{Frame, MeterColumns, Policy, Version, v16};

use crate::frames::{self, ID_AT, ID_LEN};

/// How far up a server goes. Each does what those before it do; what it does not read, it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// TCP: what comes is so many bytes.
    Bytes,
    /// WebSocket frames are read and written.
    WebSocket,
    /// The message is scanned for its kind, id and action.
    Rpc,
    /// The payload is read to its type and checked whole.
    Validation,
}

pub(super) fn serve(kind: DriverKind, layer: Layer) -> anyhow::Result<()> {
    let any = "127.0.0.1:0".parse().context("reading an address")?;
    let listener = net::os::listen(any, net::os::ListenOptions::default()).context("listening")?;
    let addr = listener.local_addr();
    let mut driver = Driver::new(kind, Config::default(), vec![listener]).context("starting")?;
    ensure!(driver.kind() == kind, "{} is not to be had", kind.name());
    super::announce(addr)?;
    driver
        .run(&mut Answerer {
            layer,
            open: HashMap::new(),
            request_len: frames::client_frame(&frames::heartbeat()).len(),
            answer: frames::heartbeat_answer(&frames::id(0)).into_bytes(),
            columns: MeterColumns::new(),
        })
        .context("running")
}

struct Answerer {
    layer: Layer,
    /// By [`ConnId::to_bits`]; `None` until the upgrade.
    open: HashMap<u64, Option<Codec>>,
    /// Of the one request that comes, with its frame.
    request_len: usize,
    /// To it, but for the id.
    answer: Vec<u8>,
    columns: MeterColumns,
}

impl Handler for Answerer {
    fn opened(&mut self, _io: &mut Io<'_>, conn: ConnId, _opened: Opened) {
        self.open.insert(conn.to_bits(), None);
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        if self.layer == Layer::Bytes {
            // A request is smaller than a segment and its sender waits for the answer: it comes whole.
            let requests = bytes.chunks_exact(self.request_len);
            let read = requests.len() * self.request_len;
            // Behind the frame's head of two bytes and the mask of four, which is zeros.
            requests.for_each(|request| answer(io.out(conn), &mut self.answer, &request[6..]));
            return read;
        }
        let Some(state) = self.open.get_mut(&conn.to_bits()) else {
            return bytes.len();
        };
        let Some(codec) = state else {
            return match parse_upgrade(bytes, &UpgradeLimits::default()) {
                Ok(Some((request, len))) => {
                    write_switching(
                        io.out(conn),
                        request.key,
                        Some(Version::V16.subprotocol()),
                        None,
                    );
                    *state = Some(Codec::new(Role::Server));
                    len
                }
                Ok(None) => 0,
                Err(_) => {
                    io.abort(conn);
                    bytes.len()
                }
            };
        };
        let read = codec.read(&Limits::default(), bytes, |message| {
            if let Message::Text(text) = message {
                if self.layer == Layer::WebSocket {
                    answer(io.out(conn), &mut self.answer, text.as_bytes());
                } else if let Ok(Frame::Call {
                    id,
                    action,
                    payload,
                }) = ocpp::scan(text, Version::V16)
                    && (self.layer == Layer::Rpc || is_valid(&action, payload, &mut self.columns))
                {
                    let out = io.out(conn);
                    let frame = ws::begin_text(out, None);
                    ocpp::write_call_result(out, &id, |out| {
                        out.extend_from_slice(b"{\"currentTime\":\"2026-11-22T10:41:49.123Z\"}");
                    });
                    frame.end(out);
                }
            }
            ControlFlow::Continue(())
        });
        read.unwrap_or_else(|_| {
            io.abort(conn);
            bytes.len()
        })
    }

    fn closed(&mut self, _io: &mut Io<'_>, conn: ConnId, _reason: Closed) {
        self.open.remove(&conn.to_bits());
    }
}

/// Answers `request`, whose id lies where it lies in every message here.
fn answer(out: &mut Vec<u8>, answer: &mut [u8], request: &[u8]) {
    answer[ID_AT..ID_AT + ID_LEN].copy_from_slice(&request[ID_AT..ID_AT + ID_LEN]);
    ws::write_text(out, None, answer);
}

fn is_valid(action: &str, payload: &str, columns: &mut MeterColumns) -> bool {
    let request = v16::Request::decode(action, payload, Policy::Tolerant, columns);
    std::hint::black_box(request).is_ok()
}
