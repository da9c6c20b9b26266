//! How much memory there is for this process, and how much of it is taken.

use std::fs;
use std::path::{Path, PathBuf};

/// Percent of the memory there is for this process that is taken: of `limit` bytes, what it has of its own, if there is such
/// a limit; else of its control group, where that has one (cgroup v2); else of the machine. Others on the machine are no
/// matter of a process that has its own share. Files that the kernel only keeps for later count as free. 0 where nothing
/// can be read. Reads a few files below `/proc` and `/sys`.
#[must_use]
pub fn memory_used_percent(limit: Option<u64>) -> u8 {
    if let Some(limit) = limit {
        let status = fs::read_to_string("/proc/self/status");
        return status
            .ok()
            .and_then(|status| of_process(&status, limit))
            .unwrap_or(0);
    }
    let group =
        group_dir().and_then(|dir| of_group(|name| fs::read_to_string(dir.join(name)).ok()));
    let machine = || of_machine(&fs::read_to_string("/proc/meminfo").ok()?);
    group.or_else(machine).unwrap_or(0)
}

/// Bytes of memory that this process has of its own, without files that it maps (`RssAnon`); `None` where nothing can be
/// read. Reads a file below `/proc`.
#[must_use]
pub fn memory_own() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(number_of(&status, "RssAnon:")? << 10)
}

/// Where the control group of this process lies.
fn group_dir() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new("/sys/fs/cgroup").join(path))
}

fn of_process(status: &str, limit: u64) -> Option<u8> {
    let own = number_of(status, "RssAnon:")? + number_of(status, "RssShmem:")?;
    percent(own.saturating_mul(1_024), limit)
}

fn of_machine(meminfo: &str) -> Option<u8> {
    let total = number_of(meminfo, "MemTotal:")?;
    let available = number_of(meminfo, "MemAvailable:")?;
    percent(total.saturating_sub(available), total)
}

fn of_group(read: impl Fn(&str) -> Option<String>) -> Option<u8> {
    // "max" where there is no limit.
    let limit = read("memory.max")?.trim().parse().ok()?;
    let current: u64 = read("memory.current")?.trim().parse().ok()?;
    let stat = read("memory.stat")?;
    let kept = ["active_file", "inactive_file"]
        .into_iter()
        .filter_map(|name| number_of(&stat, name))
        .sum();
    percent(current.saturating_sub(kept), limit)
}

/// The number behind a name that begins a line.
fn number_of(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_ascii_whitespace);
    let mut words = lines.find_map(|mut words| (words.next() == Some(name)).then_some(words))?;
    words.next()?.parse().ok()
}

fn percent(part: u64, whole: u64) -> Option<u8> {
    let percent = (u128::from(part) * 100).checked_div(u128::from(whole))?;
    Some(percent.min(100) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_a_machine_is_what_cannot_be_had() {
        let meminfo = "MemTotal:       24000000 kB\nMemFree:         100000 kB\nMemAvailable:    6000000 kB\n";
        assert_eq!(of_machine(meminfo), Some(75));
        assert_eq!(of_machine("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), None);
        assert_eq!(of_machine("MemTotal: 7 kB\n"), None);
    }

    #[test]
    fn memory_of_a_group_is_measured_against_its_limit_without_kept_files() {
        let group = |max: &'static str| {
            move |name: &str| {
                Some(match name {
                    "memory.max" => max.to_owned(),
                    "memory.current" => "950\n".to_owned(),
                    "memory.stat" => "anon 400\nactive_file 100\ninactive_file 50\n".to_owned(),
                    _ => return None,
                })
            }
        };
        assert_eq!(of_group(group("1000\n")), Some(80));
        assert_eq!(of_group(group("100\n")), Some(100));
        assert_eq!(of_group(group("max\n")), None);
        assert_eq!(of_group(|_| None), None);
    }

    #[test]
    fn memory_of_a_process_is_its_own_against_what_it_may_have() {
        let status = "Name:\tsigec\nVmRSS:\t 9000 kB\nRssAnon:\t    3000 kB\nRssFile:\t 6000 kB\nRssShmem:\t  72 kB\n";
        assert_eq!(of_process(status, 4 << 20), Some(75));
        assert_eq!(of_process(status, 1 << 20), Some(100));
        assert_eq!(of_process("Name:\tsigec\n", 1 << 20), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(memory_used_percent(None) <= 100);
        assert_eq!(memory_used_percent(Some(1)), 100);
        assert_eq!(memory_used_percent(Some(1 << 50)), 0);
    }

    #[test]
    fn what_this_process_takes_is_its_own() {
        let before = memory_own().unwrap();
        let taken = std::hint::black_box(vec![1_u8; 64 << 20]);
        let grown = memory_own().unwrap().saturating_sub(before);
        // Other tests of this process give back less than half of it.
        assert!(32 << 20 <= grown, "{grown} bytes for {}", taken.len());
    }
}
