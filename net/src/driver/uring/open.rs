//! Whether this process gets an io_uring that can serve, and if not, why.

use std::io;

use io_uring::{IoUring, Probe, opcode};
use rustix::process::{Resource, getrlimit};

use super::accepts::Accepts;
use super::buffers::Buffers;
use super::ring::{FILES_MAX, Ring};
use crate::driver::{Config, DriverError};

/// Accepts under way for one listener.
const ACCEPTS_MAX: usize = 64;
/// Buffers to receive into: 1 to 16 MiB.
const BUFFERS: std::ops::RangeInclusive<u32> = 256..=4096;

impl Ring {
    /// An io_uring with its table of files and its buffers; not yet bound to a thread.
    pub(super) fn open(config: &Config, listeners: usize) -> Result<Ring, DriverError> {
        let entries = config.events_max.clamp(64, 4096).next_power_of_two() as u32;
        let uring = IoUring::builder()
            // Until the driver runs, on a thread that is not known here.
            .setup_r_disabled()
            .setup_single_issuer()
            // What has happened is looked at when the driver waits, and never between.
            .setup_defer_taskrun()
            .setup_submit_all()
            .setup_cqsize(4 * entries)
            .build(entries)
            .map_err(refused)?;
        check_features(&uring)?;
        let accepts_each = config.accepts_max.min(ACCEPTS_MAX);
        let accepts = Accepts::new(listeners, accepts_each);
        // The kernel counts the places of each table against the limit of open files.
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let wanted = config
            .connections_max
            .saturating_add(listeners * accepts_each)
            .min(FILES_MAX);
        let files = u32::try_from(limit).unwrap_or(u32::MAX).min(wanted as u32);
        let submitter = uring.submitter();
        let unavailable = |why: &str| {
            let why = why.to_owned();
            move |source| DriverError::Unavailable {
                why,
                source: Some(source),
            }
        };
        submitter
            .register_files_sparse(files)
            .map_err(unavailable("the kernel gives no table of files"))?;
        let count = (4 * entries).clamp(*BUFFERS.start(), *BUFFERS.end()) as u16;
        let buffers = Buffers::new(count).map_err(|source| DriverError::Os {
            doing: "mapping buffers to receive into",
            source,
        })?;
        buffers.register(&submitter).map_err(unavailable(
            "the kernel takes no buffers (from Linux 5.19 on)",
        ))?;
        Ok(Ring::new(uring, files, buffers, accepts))
    }
}

fn check_features(uring: &IoUring) -> Result<(), DriverError> {
    let unavailable = |why: &str| {
        Err(DriverError::Unavailable {
            why: why.to_owned(),
            source: None,
        })
    };
    let params = uring.params();
    if !(params.is_feature_ext_arg()
        && params.is_feature_nodrop()
        && params.is_feature_skip_cqe_on_success())
    {
        return unavailable("this kernel is too old, expected Linux 6.8 or newer");
    }
    let mut probe = Probe::new();
    // The newest of the requests that are made; the option of sockets came with the release before.
    match uring.submitter().register_probe(&mut probe) {
        Ok(()) if probe.is_supported(opcode::FixedFdInstall::CODE) => Ok(()),
        Ok(()) | Err(_) => unavailable("this kernel is too old, expected Linux 6.8 or newer"),
    }
}

/// What the kernel means by refusing a ring.
fn refused(source: io::Error) -> DriverError {
    let why = match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => {
            "forbidden by a seccomp filter, as containers have it, or by kernel.io_uring_disabled"
                .to_owned()
        }
        Some(libc::ENOSYS) => "this kernel has none".to_owned(),
        Some(libc::ENOMEM) => {
            let limit = getrlimit(Resource::Memlock).current;
            let limit = limit.map_or("unlimited".to_owned(), |limit| format!("{limit} bytes"));
            format!("the limit of locked memory (RLIMIT_MEMLOCK, {limit}) leaves too little")
        }
        Some(libc::EINVAL) => "this kernel is too old, expected Linux 6.8 or newer".to_owned(),
        _ => "the kernel gives no ring".to_owned(),
    };
    DriverError::Unavailable {
        why,
        source: Some(source),
    }
}
