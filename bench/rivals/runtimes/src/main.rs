//! Servers on runtimes that were not chosen, each on one thread: the echo of a Heartbeat over TCP, and a WebSocket.
//!
//! `runtime-rivals NAME ANSWER` prints its address and serves until it is killed. `ANSWER` is the answer of a Heartbeat;
//! the id of a request goes into it.

mod fast_websockets;
mod on_glommio;
mod on_monoio;
mod on_tokio;

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::ops::Range;

/// Length of the requests: a masked frame of a Heartbeat with an id of 36 characters.
const REQUEST_LEN: usize = 63;
/// Where the id lies behind a frame's header.
const ID: Range<usize> = 4..40;
const REQUEST_HEADER: usize = 6;
const ANSWER_HEADER: usize = 2;
/// What a connection reads at once.
const BUFFER_LEN: usize = 4 << 10;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(answer)) = (arguments.next(), arguments.next()) else {
        return Err("expected: runtime-rivals NAME ANSWER".into());
    };
    match name.as_str() {
        "tokio" => on_tokio::serve(Answer::new(&answer)?),
        "monoio" => on_monoio::serve_uring(Answer::new(&answer)?),
        "monoio-epoll" => on_monoio::serve_epoll(Answer::new(&answer)?),
        "glommio" => on_glommio::serve(Answer::new(&answer)?),
        "fastwebsockets" => fast_websockets::serve(answer),
        _ => Err(format!(
            "{name} is unknown, expected tokio, monoio, monoio-epoll, glommio or fastwebsockets"
        )
        .into()),
    }
}

/// The answer as a frame, without mask.
#[derive(Clone)]
struct Answer(Vec<u8>);

impl Answer {
    fn new(text: &str) -> Result<Answer, Box<dyn Error>> {
        let len = u8::try_from(text.len()).ok().filter(|len| *len < 126);
        let len =
            len.ok_or_else(|| format!("the answer has {} bytes, expected under 126", text.len()))?;
        let mut frame = vec![0x81, len];
        frame.extend_from_slice(text.as_bytes());
        Ok(Answer(frame))
    }

    /// The answers to all requests of `bytes`. A request is smaller than a segment and its sender waits for the answer:
    /// it comes whole.
    fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for request in bytes.chunks_exact(REQUEST_LEN) {
            let id = &request[REQUEST_HEADER + ID.start..REQUEST_HEADER + ID.end];
            self.0[ANSWER_HEADER + ID.start..ANSWER_HEADER + ID.end].copy_from_slice(id);
            out.extend_from_slice(&self.0);
        }
    }
}

/// Tells the parent process where to connect.
fn announce(addr: SocketAddr) -> Outcome {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{addr}")?;
    Ok(stdout.flush()?)
}
