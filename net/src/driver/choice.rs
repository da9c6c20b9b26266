//! Which driver serves.

use super::{Config, DriverError, Epoll, Handler, Uring, Waker};
use crate::os::Listener;

/// The driver that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DriverKind {
    /// Works everywhere.
    #[default]
    Epoll,
    /// Where the kernel lets this process have it, else epoll.
    IoUring,
}

impl DriverKind {
    /// Its name, as in the configuration and in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DriverKind::Epoll => "epoll",
            DriverKind::IoUring => "io_uring",
        }
    }
}

/// One reactor, on what this machine allows.
#[derive(Debug)]
pub enum Driver {
    /// On epoll.
    Epoll(Epoll),
    /// On io_uring.
    Uring(Uring),
}

impl Driver {
    /// A driver of the wanted kind; where io_uring is wanted and not to be had, one on epoll, and a line in the log says
    /// why.
    ///
    /// # Errors
    ///
    /// As [`Epoll::new`].
    pub fn new(
        wanted: DriverKind,
        config: Config,
        listeners: Vec<Listener>,
    ) -> Result<Driver, DriverError> {
        let listeners = match wanted {
            DriverKind::Epoll => listeners,
            DriverKind::IoUring => match Uring::or_listeners(config, listeners) {
                Ok(uring) => return uring.map(Driver::Uring),
                Err((DriverError::Unavailable { why, source }, listeners)) => {
                    let source = source.map(|source| source.to_string());
                    tracing::warn!(reason = %why, source, "io_uring is not available, epoll serves");
                    listeners
                }
                Err((error, _)) => return Err(error),
            },
        };
        Epoll::new(config, listeners).map(Driver::Epoll)
    }

    /// What it came to.
    #[must_use]
    pub fn kind(&self) -> DriverKind {
        match self {
            Driver::Epoll(_) => DriverKind::Epoll,
            Driver::Uring(_) => DriverKind::IoUring,
        }
    }

    /// A handle that wakes this driver.
    #[must_use]
    pub fn waker(&self) -> Waker {
        match self {
            Driver::Epoll(epoll) => epoll.waker(),
            Driver::Uring(uring) => uring.waker(),
        }
    }

    /// Runs until the handler calls [`super::Io::stop`], always on the same thread.
    ///
    /// # Errors
    ///
    /// Waiting failed, which is a fault of this program.
    pub fn run<H: Handler>(&mut self, handler: &mut H) -> Result<(), DriverError> {
        match self {
            Driver::Epoll(epoll) => epoll.run(handler),
            Driver::Uring(uring) => uring.run(handler),
        }
    }
}
