//! Sockets beyond the limit of descriptors. Alone in its process, because the limit is the process's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use net::driver::{Closed, Config, ConnId, DriverError, Handler, Io, Opened, Uring};
use net::os::{ListenOptions, listen};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CLIENTS: usize = 200;

/// Answers once all are open.
#[derive(Default)]
struct All {
    open: Vec<ConnId>,
    closed: usize,
}

impl Handler for All {
    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, _: Opened) {
        self.open.push(conn);
        if self.open.len() == CLIENTS {
            for conn in &self.open {
                io.send(*conn, b"in");
            }
        }
    }

    fn received(&mut self, _: &mut Io<'_>, _: ConnId, bytes: &mut [u8]) -> usize {
        bytes.len()
    }

    fn closed(&mut self, io: &mut Io<'_>, _: ConnId, reason: Closed) {
        assert_eq!(reason, Closed::Peer);
        self.closed += 1;
        if self.closed == CLIENTS {
            io.stop();
        }
    }
}

#[test]
fn sockets_of_io_uring_take_no_descriptors() {
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = listen(any, ListenOptions::default()).unwrap();
    let addr = listener.local_addr();
    let mut driver = match Uring::new(Config::default(), vec![listener]) {
        Ok(driver) => driver,
        Err(error @ DriverError::Unavailable { .. }) => return println!("skipped: {error}"),
        Err(error) => panic!("{error:?}"),
    };
    let clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| TcpStream::connect(addr).unwrap())
        .collect();
    // From here on this process gets no descriptor any more.
    let before = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(0),
            maximum: before.maximum,
        },
    )
    .unwrap();
    let thread = std::thread::spawn(move || driver.run(&mut All::default()).unwrap());
    for mut client in &clients {
        client
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut answer = [0; 2];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"in");
        client.write_all(b"out").unwrap();
    }
    drop(clients);
    thread.join().unwrap();
    setrlimit(Resource::Nofile, before).unwrap();
}
