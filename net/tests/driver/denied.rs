//! A process that does not get io_uring; tests of other crates have this file too.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Has `io_uring_setup` answer `errno` in the process that `command` starts: EPERM as the default filter of containers does, or
/// what another kernel says.
#[expect(unsafe_code, reason = "a filter is set between fork and exec")]
pub(crate) fn deny_io_uring(command: &mut Command, errno: i32) {
    let set = move || {
        const fn statement(code: u32, k: u32, if_not: u8) -> libc::sock_filter {
            libc::sock_filter {
                code: code as u16,
                jt: 0,
                jf: if_not,
                k,
            }
        }
        let mut filter = [
            // The number of the system call is the first field of what the filter sees.
            statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
            statement(
                libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                libc::SYS_io_uring_setup as u32,
                1,
            ),
            statement(
                libc::BPF_RET | libc::BPF_K,
                libc::SECCOMP_RET_ERRNO | errno as u32,
                0,
            ),
            statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0),
        ];
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_mut_ptr(),
        };
        // SAFETY: both calls take numbers, and the second a program that lives until it returns; neither allocates,
        // which the child of a process with threads must not.
        let results = unsafe {
            [
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                libc::prctl(
                    libc::PR_SET_SECCOMP,
                    libc::SECCOMP_MODE_FILTER,
                    &raw const program,
                ),
            ]
        };
        if results == [0, 0] {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    };
    // SAFETY: `set` makes two system calls and touches only its own stack.
    unsafe { command.pre_exec(set) };
}
