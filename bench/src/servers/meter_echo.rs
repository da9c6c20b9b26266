//! The least that an acknowledgement can cost: TCP, epoll, one write and one `fdatasync`, and no protocol.
//!
//! One thread reads what is ready, writes one block of 4 KiB for all of it, syncs, and answers. It knows where the
//! length and the id of a request lie, and understands nothing else. Without a disk it answers at once: what two
//! processes and their sockets cost.

use super::sockets::Sockets;
use crate::fdatasync::Probe;
use crate::frames::{self, ID_AT, ID_LEN};

/// Bytes of a client's frame before its payload, for payloads of 126 to 65,535 bytes.
const HEAD_LEN: usize = 8;

pub(super) fn serve(mut disk: Option<Probe>) -> anyhow::Result<()> {
    let mut sockets = Sockets::listen()?;
    let mut answer = Vec::new();
    net::ws::write_text(&mut answer, None, frames::meter_answer(0).as_bytes());
    // Ids to be answered once the disk has them, and whose they are.
    let mut waiting: Vec<(usize, [u8; ID_LEN])> = Vec::new();
    loop {
        sockets.receive(|index, _, bytes| {
            // A request is smaller than a segment and its sender waits for the answer: it comes whole.
            requests(bytes).for_each(|id| waiting.push((index, id)));
            Ok(())
        })?;
        if let Some(disk) = &mut disk
            && !waiting.is_empty()
        {
            disk.commit()?;
        }
        for (index, id) in waiting.drain(..) {
            answer[2 + ID_AT..2 + ID_AT + ID_LEN].copy_from_slice(&id);
            sockets.send(index, &answer)?;
        }
    }
}

/// The ids of the requests in `bytes`.
fn requests(mut bytes: &[u8]) -> impl Iterator<Item = [u8; ID_LEN]> {
    std::iter::from_fn(move || {
        let len = usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]));
        let (request, rest) = bytes.split_at_checked(HEAD_LEN + len)?;
        bytes = rest;
        request[HEAD_LEN + ID_AT..].first_chunk().copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_their_length() {
        let frames: Vec<u8> = [5, 6]
            .map(|n| frames::client_frame(&frames::meter_event(n, 1, 0, 0)))
            .concat();
        let ids = [5, 6].map(|n| <[u8; ID_LEN]>::try_from(frames::id(n).as_bytes()).unwrap());
        assert_eq!(requests(&frames).collect::<Vec<_>>(), ids);
    }
}
