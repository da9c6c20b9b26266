//! Our driver and codecs alone.

use std::collections::HashMap;
use std::ops::ControlFlow;

use anyhow::{Context, ensure};
use net::driver::{Closed, Config, ConnId, Driver, DriverKind, Handler, Io, Opened};
use net::http::{UpgradeLimits, parse_upgrade, write_switching};
use net::ws::{self, Codec, Limits, Message, Role};
use ocpp::{Frame, Version};

pub(super) fn serve(kind: DriverKind) -> anyhow::Result<()> {
    let any = "127.0.0.1:0".parse().context("reading an address")?;
    let listener = net::os::listen(any, net::os::ListenOptions::default()).context("listening")?;
    let addr = listener.local_addr();
    let mut driver = Driver::new(kind, Config::default(), vec![listener]).context("starting")?;
    ensure!(driver.kind() == kind, "{} is not to be had", kind.name());
    super::announce(addr)?;
    driver
        .run(&mut Answerer {
            open: HashMap::new(),
        })
        .context("running")
}

struct Answerer {
    /// By [`ConnId::to_bits`]; `None` until the upgrade.
    open: HashMap<u64, Option<Codec>>,
}

impl Handler for Answerer {
    fn opened(&mut self, _io: &mut Io<'_>, conn: ConnId, _opened: Opened) {
        self.open.insert(conn.to_bits(), None);
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
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
            if let Message::Text(text) = message
                && let Ok(Frame::Call { id, .. }) = ocpp::scan(text, Version::V16)
            {
                let out = io.out(conn);
                let frame = ws::begin_text(out, None);
                ocpp::write_call_result(out, &id, |out| {
                    out.extend_from_slice(b"{\"currentTime\":\"2026-11-22T10:41:49.123Z\"}");
                });
                frame.end(out);
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
