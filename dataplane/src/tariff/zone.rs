//! Local time, where a tariff's times of day hold.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

pub(crate) const DAY: i64 = 86_400_000_000;
pub(crate) const MINUTE: i64 = 60_000_000;

/// A zone of the IANA database, or a fixed offset; by the text that names it.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    name: String,
    zone: TimeZone,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A moment as a clock on the wall shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// Days since 1970-01-01.
    pub(crate) day: i64,
    /// Whole minutes since midnight.
    pub(crate) minute: i64,
}

impl Local {
    /// 0 for Monday.
    pub(crate) fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        (self.day + 3).rem_euclid(7) as u8
    }
}

impl Zone {
    /// `America/Sao_Paulo`, `UTC`, `+05:30`; `None` for what is neither a zone nor an offset of less than a day.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let zone = match name.as_bytes() {
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
                let digit = |byte: u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
                let hours = digit(*h1)? * 10 + digit(*h2)?;
                let minutes = digit(*m1)? * 10 + digit(*m2)?;
                if 24 <= hours || 60 <= minutes {
                    return None;
                }
                let seconds = (hours * 60 + minutes) * 60;
                let seconds = if *sign == b'-' { -seconds } else { seconds };
                Offset::from_seconds(seconds).ok()?.to_time_zone()
            }
            _ => TimeZoneDatabase::bundled().get(name).ok()?,
        };
        Some(Self {
            name: name.to_owned(),
            zone,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn local(&self, at: i64) -> Local {
        let local = at + self.offset(at);
        Local {
            day: local.div_euclid(DAY),
            minute: local.rem_euclid(DAY) / MINUTE,
        }
    }

    /// Every moment after `from` and before `to` at which a clock there shows one of these minutes of the day, or is put
    /// forward or back (I12.FR.37).
    pub(crate) fn cuts(&self, from: i64, to: i64, minutes: &[i64], cut: &mut Vec<i64>) {
        let mut begin = from;
        while begin < to {
            let end = self.changes_after(begin).map_or(to, |at| at.min(to));
            let offset = self.offset(begin);
            let mut day = (begin + offset).div_euclid(DAY);
            while day * DAY - offset < end {
                let at = |minute: &i64| day * DAY + minute * MINUTE - offset;
                let within = |at: &i64| begin < *at && *at < end;
                cut.extend(minutes.iter().map(at).filter(within));
                day += 1;
            }
            if end < to {
                cut.push(end);
            }
            begin = end;
        }
    }

    /// Microseconds to add to UTC.
    pub(crate) fn offset(&self, at: i64) -> i64 {
        i64::from(self.zone.to_offset(timestamp(at)).seconds()) * 1_000_000
    }

    fn changes_after(&self, at: i64) -> Option<i64> {
        let next = self.zone.following(timestamp(at)).next()?;
        Some(next.timestamp().as_microsecond())
    }
}

/// What lies beyond the years that have a calendar is as the nearest that has one.
fn timestamp(at: i64) -> Timestamp {
    let (min, max) = (Timestamp::MIN, Timestamp::MAX);
    Timestamp::from_microsecond(at).unwrap_or(if at < 0 { min } else { max })
}
