//! Sizes and limits of a log.

use std::time::Duration;

use super::format::{BLOCK_HEAD_LEN, FRAME_HEAD_LEN, PAGE, block_len};
use super::{Consumer, LogError};

/// Sizes and limits of a [`super::Log`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Bytes of a segment file, a multiple of 4,096. Default 64 MiB.
    pub segment_len: u64,
    /// Bytes that the segments holding records may take, at least two of them. Default 8 GiB. Files that are ready for
    /// records stand in for what was released, up to the most that was used lately; up to four come on top.
    pub bytes_max: u64,
    /// Shortest time between the starts of two commits, unless `commit_len` bytes wait. A record that finds the
    /// log idle is committed at once. Default 0: the next commit starts when the last one ends. Each commit takes at
    /// least 4 KiB of disk, so a longer wait trades latency for bytes.
    pub commit_wait: Duration,
    /// The same for records that nobody waits for ([`super::Log::flush_unawaited`]). Default 10 ms.
    pub unawaited_wait: Duration,
    /// Bytes of records that wait for neither. Default 256 KiB.
    pub commit_len: usize,
    /// A commit that takes at most this long is quick. After [`LogConfig::inline_after`] of them in a row the shard's
    /// own thread commits what somebody waits for, in [`super::Log::flush`], and nobody has to be woken; the first
    /// one that takes longer puts the committer's thread in charge again. So a disk that turns slow, or hangs, holds
    /// the shard up once. Batches of `commit_len` and the first one of a segment are always the thread's. Default
    /// 200 µs; 0 leaves all to the thread.
    pub inline_max: Duration,
    /// Quick commits in a row before the shard commits by itself, at least one. Default 64.
    pub inline_after: u32,
    /// Bytes of records that wait for a commit before the log refuses more. Default 4 MiB.
    pub batch_len_max: usize,
    /// Longest record, in bytes. Default 2 MiB.
    pub record_len_max: usize,
    /// A commit that takes longer shows as [`super::LogState::Stalled`]. Default 5 s.
    pub stall_after: Duration,
    /// Who reads this log. A segment is recycled once each of them has released it; without any, at once.
    pub consumers: Vec<Consumer>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_len: 64 << 20,
            bytes_max: 8 << 30,
            commit_wait: Duration::ZERO,
            unawaited_wait: Duration::from_millis(10),
            commit_len: 256 << 10,
            inline_max: Duration::from_micros(200),
            inline_after: 64,
            batch_len_max: 4 << 20,
            record_len_max: 2 << 20,
            stall_after: Duration::from_secs(5),
            consumers: vec![Consumer::State, Consumer::Lake],
        }
    }
}

/// Length of a new log's first segment, which is zeroed while the server starts: longer ones wait for the
/// background.
const FIRST_LEN: u64 = 4 << 20;

impl LogConfig {
    /// Checks the relations between the members.
    pub(super) fn check(&self) -> Result<(), LogError> {
        let refuse = |name, found, expected| {
            Err(LogError::Config {
                name,
                found,
                expected,
            })
        };
        let record = (self.record_len_max + FRAME_HEAD_LEN) as u64;
        if (self.batch_len_max as u64) < record {
            return refuse("batch_len_max", self.batch_len_max as u64, record);
        }
        if u64::from(u32::MAX) < self.block_len_max() {
            return refuse("batch_len_max", self.batch_len_max as u64, 1 << 31);
        }
        let segment = PAGE + self.block_len_max();
        if self.segment_len < segment || !self.segment_len.is_multiple_of(PAGE) {
            return refuse("segment_len", self.segment_len, segment);
        }
        let two = 2 * self.segment_len;
        if self.bytes_max < two {
            return refuse("bytes_max", self.bytes_max, two);
        }
        Ok(())
    }

    /// Longest block that a commit writes.
    pub(super) fn block_len_max(&self) -> u64 {
        block_len(self.batch_len_max)
    }

    /// Length of a new log's first segment.
    pub(super) fn first_len(&self) -> u64 {
        (PAGE + self.block_len_max())
            .max(FIRST_LEN)
            .min(self.segment_len)
    }
}

const _: () = assert!(BLOCK_HEAD_LEN < PAGE as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_cannot_work_are_named() {
        let base = LogConfig {
            segment_len: 64 << 10,
            bytes_max: 128 << 10,
            batch_len_max: 8 << 10,
            record_len_max: 4 << 10,
            ..LogConfig::default()
        };
        base.check().unwrap();
        LogConfig::default().check().unwrap();
        let check = |config: LogConfig, expected: &str| {
            assert_eq!(config.check().unwrap_err().to_string(), expected);
        };
        check(
            LogConfig {
                record_len_max: 8 << 10,
                ..base.clone()
            },
            "log: batch_len_max is 8192 bytes, expected at least 8196",
        );
        check(
            LogConfig {
                segment_len: 12 << 10,
                ..base.clone()
            },
            "log: segment_len is 12288 bytes, expected at least 16384 and a multiple of 4096",
        );
        check(
            LogConfig {
                bytes_max: 127 << 10,
                ..base
            },
            "log: bytes_max is 130048 bytes, expected at least 131072",
        );
    }
}
