//! The floor: TCP and epoll, and no protocol. It knows the length of a request and where its id lies.

use std::io::Write;

use anyhow::Context;

use super::sockets::Sockets;
use crate::frames::{self, ID_AT, ID_LEN};

pub(super) fn serve() -> anyhow::Result<()> {
    let mut sockets = Sockets::listen()?;
    let request_len = frames::client_frame(&frames::heartbeat()).len();
    let mut answer = Vec::new();
    net::ws::write_text(
        &mut answer,
        None,
        frames::heartbeat_answer(&frames::id(0)).as_bytes(),
    );
    let mut answers = Vec::new();
    loop {
        sockets.receive(|_, stream, bytes| {
            answers.clear();
            // A request is smaller than a segment and its sender waits for the answer: it comes whole.
            for request in bytes.chunks_exact(request_len) {
                let id = &request[6 + ID_AT..6 + ID_AT + ID_LEN];
                answer[2 + ID_AT..2 + ID_AT + ID_LEN].copy_from_slice(id);
                answers.extend_from_slice(&answer);
            }
            stream.write_all(&answers).context("sending")
        })?;
    }
}
