use std::cell::Cell;
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

use super::*;

/// No test waits as long.
const DEADLINE: Duration = Duration::from_secs(60);

/// A kernel whose buffer of `room` bytes is writable once it is empty, and whose peer takes so many with each look.
struct Kernel {
    room: u64,
    queued: Cell<u64>,
    taken_between_looks: u64,
    looks: Cell<u32>,
}

impl Kernel {
    fn new(room: u64, taken_between_looks: u64) -> Self {
        Self {
            room,
            queued: Cell::new(0),
            taken_between_looks,
            looks: Cell::new(0),
        }
    }
}

impl Outgoing for Kernel {
    fn unacknowledged(&self) -> io::Result<u64> {
        self.looks.set(self.looks.get() + 1);
        let queued = self.queued.get().saturating_sub(self.taken_between_looks);
        self.queued.set(queued);
        Ok(queued)
    }
}

impl AsyncWrite for Kernel {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.queued.get() != 0 {
            // Nobody is woken: the next look does it.
            return Poll::Pending;
        }
        let written = self.room.min(buf.len() as u64);
        self.queued.set(written);
        Poll::Ready(Ok(written as usize))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What sending 64 bytes through a buffer of 32 comes to when the peer takes so many between two looks, and the looks.
async fn sent(taken_between_looks: u64) -> (Result<(), io::ErrorKind>, u32) {
    let kernel = Kernel::new(32, taken_between_looks);
    let mut socket = Patient::looking_every(Duration::ZERO, kernel);
    let sending = socket.write_all(&[7; 64]);
    let sent = tokio::time::timeout(DEADLINE, sending).await.unwrap();
    (
        sent.map_err(|error| error.kind()),
        socket.socket.looks.get(),
    )
}

#[tokio::test]
async fn who_takes_nothing_is_cut_off_after_a_minute_of_looks() {
    // The first look tells what there is.
    assert_eq!(sent(0).await, (Err(io::ErrorKind::TimedOut), 1 + LOOKS_MAX));
    assert_eq!(LOOK_EVERY * LOOKS_MAX, Duration::from_secs(60));
}

#[tokio::test]
async fn who_takes_a_little_all_the_time_is_waited_for() {
    // The buffer is full for five minutes of looks.
    let (sent, looks) = sent(1).await;
    assert_eq!(sent, Ok(()));
    assert!(5 * LOOKS_MAX < looks, "{looks}");
}

#[test]
fn each_time_something_is_taken_the_minute_begins_anew() {
    let mut patience = Patience::new(100);
    let mut taken = 100;
    for _ in 0..10 {
        for _ in 1..LOOKS_MAX {
            assert!(!patience.is_over(taken));
        }
        taken += 1;
        assert!(!patience.is_over(taken));
    }
    for _ in 1..LOOKS_MAX {
        assert!(!patience.is_over(taken));
    }
    assert!(patience.is_over(taken));
}

#[tokio::test]
async fn a_socket_tells_what_its_peer_has_not_acknowledged() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let peer = TcpSocket::new_v4().unwrap();
    peer.set_recv_buffer_size(4_096).unwrap();
    let mut peer = peer.connect(listener.local_addr().unwrap()).await.unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let mut written = 0;
    loop {
        match socket.try_write(&[7; 4_096]) {
            Ok(len) => written += len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    let unacknowledged = socket.unacknowledged().unwrap();
    assert!(0 < unacknowledged && unacknowledged < written as u64);
    // What comes back tells that all was read, and acknowledges nothing by itself.
    let mut all = vec![0; written];
    let all_is_acknowledged = async {
        peer.read_exact(&mut all).await.unwrap();
        while socket.unacknowledged().unwrap() != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, all_is_acknowledged)
        .await
        .unwrap();
}
