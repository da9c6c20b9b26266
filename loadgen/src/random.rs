//! The one source of chance: SplitMix64, which is short enough to stay the same in every version of this program,
//! so that a seed in an old report still names the same fleet.

/// A stream of pseudo-random numbers. Not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of `seed` for one purpose: `path` names it, such as `[station, connector]`. Streams of different
    /// paths do not overlap in practice, so a draw more for one purpose moves no other.
    pub fn new(seed: u64, path: &[u64]) -> Random {
        let mut random = Random(seed);
        for step in path {
            random = Random(random.bits() ^ step.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        }
        random
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number `lo <= n < hi`; `lo` when the range is empty.
    pub fn between(&mut self, lo: u64, hi: u64) -> u64 {
        let width = hi.saturating_sub(lo);
        // The high half of a 128-bit product: no division, and a bias below 2^-32 for the widths used here.
        lo + ((u128::from(self.bits()) * u128::from(width)) >> 64) as u64
    }

    /// A duration `lo <= d < hi`.
    pub fn duration(
        &mut self,
        lo: std::time::Duration,
        hi: std::time::Duration,
    ) -> std::time::Duration {
        let nanos = |d: std::time::Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        std::time::Duration::from_nanos(self.between(nanos(lo), nanos(hi)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_path_name_one_stream() {
        // Written down, because a report quotes a seed and expects this very fleet.
        let draw = |path: &[u64]| Random::new(7, path).bits();
        assert_eq!(draw(&[]), 7_191_089_600_892_374_487);
        assert_eq!(draw(&[1, 2]), draw(&[1, 2]));
        assert_ne!(draw(&[1, 2]), draw(&[2, 1]));
        assert_ne!(draw(&[1]), draw(&[1, 0]));
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut random = Random::new(1, &[]);
        let mut seen = [false; 5];
        for _ in 0..1_000 {
            seen[random.between(10, 15) as usize - 10] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(random.between(3, 3), 3);
        assert_eq!(random.between(3, 2), 3);
    }
}
