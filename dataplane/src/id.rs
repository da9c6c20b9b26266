//! Ids that we give: UUIDv7 with the partition in the last six bits, so that an id alone finds its shard.

use std::fmt;
use std::str::FromStr;

use fleet::{PARTITIONS, Partition, TransactionId, UtcMicros};

const PARTITION_MASK: u8 = 0x3f;
const _: () = assert!(PARTITIONS as usize == PARTITION_MASK as usize + 1);

/// Our name of a command: a UUIDv7, also its message id on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 16]);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CommandId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::try_parse(text).map(|id| Self(id.into_bytes()))
    }
}

/// A UUIDv7 of this moment in `partition`; `random` fills what neither time nor partition does.
pub(crate) fn uuid_v7(now: UtcMicros, partition: Partition, random: [u8; 10]) -> [u8; 16] {
    let millis = now.millis().max(0) as u64;
    let mut id = uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .into_bytes();
    id[15] = (id[15] & !PARTITION_MASK) | partition.0 as u8;
    id
}

/// When an id of ours was made, to the millisecond.
pub(crate) fn made_at(id: [u8; 16]) -> UtcMicros {
    let [a, b, c, d, e, f, ..] = id;
    UtcMicros(1_000 * i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

/// The partition in an id of ours; of a foreign id, any.
pub(crate) fn partition_of(id: [u8; 16]) -> Partition {
    Partition(u16::from(id[15] & PARTITION_MASK))
}

impl From<CommandId> for Partition {
    fn from(id: CommandId) -> Self {
        partition_of(id.0)
    }
}

/// The partition of a transaction's station.
pub(crate) fn partition_of_transaction(id: TransactionId) -> Partition {
    partition_of(id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_partition_and_sorts_by_time() {
        for partition in 0..PARTITIONS {
            let id = uuid_v7(
                UtcMicros(1_795_344_109_123_000),
                Partition(partition),
                [0xff; 10],
            );
            assert_eq!(partition_of(id), Partition(partition));
            assert_eq!(uuid::Uuid::from_bytes(id).get_version_num(), 7);
            let later = uuid_v7(UtcMicros(1_795_344_109_124_000), Partition(0), [0; 10]);
            assert!(id < later);
        }
    }
}
