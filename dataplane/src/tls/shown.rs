//! When the certificates end that stations are shown, and how often that is said.

use std::path::PathBuf;

use fleet::UtcMicros;

/// A certificate that stations are shown, or one between it and its root.
#[derive(Debug)]
pub(super) struct Shown {
    /// The file that it stands in, and which of that file's it is, from 1.
    pub(super) path: PathBuf,
    pub(super) number: usize,
    /// Seconds of UTC.
    pub(super) not_after: i64,
    /// What was said last.
    pub(super) said: Option<Said>,
}

/// What there is to say of an end; each is said once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is within 30 days.
    Month,
    /// It is within 7 days; so many are left.
    Days(i64),
    /// It was so many days ago.
    Over(i64),
}

const DAY_S: i64 = 86_400;

impl Said {
    /// What there is to say at `now`, seconds of UTC.
    fn of(not_after: i64, now: i64) -> Option<Said> {
        let left = not_after - now;
        match left.div_euclid(DAY_S) {
            _ if left < 0 => Some(Said::Over(-left / DAY_S)),
            days @ 0..7 => Some(Said::Days(days)),
            7..30 => Some(Said::Month),
            _ => None,
        }
    }
}

impl Shown {
    /// What there is to say that was not said before.
    pub(super) fn news(&mut self, now: i64) -> Option<Said> {
        let said = Said::of(self.not_after, now);
        let is_news = said != std::mem::replace(&mut self.said, said);
        said.filter(|_| is_news)
    }

    /// Says it.
    pub(super) fn remind(&mut self, now: i64) {
        let news = self.news(now);
        let (path, number) = (self.path.display(), self.number);
        let ends = UtcMicros(self.not_after.saturating_mul(1_000_000));
        match news {
            None => {}
            Some(Said::Month | Said::Days(_)) => {
                tracing::warn!(%path, number, %ends, "a certificate that stations are shown expires soon");
            }
            Some(Said::Over(_)) => {
                tracing::error!(%path, number, %ends, "a certificate that stations are shown has expired");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_spoken_of_once_a_month_before_it_and_daily_in_the_last_week_and_after_it() {
        let end = 1_800_000_000;
        let mut shown = Shown {
            path: "server.pem".into(),
            number: 1,
            not_after: end,
            said: None,
        };
        // Looked at every hour, and now and then not.
        let mut heard = Vec::new();
        for hour in (-40 * 24..3 * 24).filter(|hour| hour % 7 != 0) {
            heard.extend(shown.news(end + hour * 3_600 + 1).map(|said| (hour, said)));
        }
        let days = |days: i64| days * 24;
        assert_eq!(
            heard,
            [
                (days(-30), Said::Month),
                (days(-7) + 1, Said::Days(6)),
                (days(-6), Said::Days(5)),
                (days(-5), Said::Days(4)),
                (days(-4), Said::Days(3)),
                (days(-3), Said::Days(2)),
                (days(-2), Said::Days(1)),
                (days(-1), Said::Days(0)),
                (1, Said::Over(0)),
                (days(1), Said::Over(1)),
                (days(2), Said::Over(2)),
            ]
        );
    }
}
