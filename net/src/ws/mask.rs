//! Masking (RFC 6455 §5.3).

/// The key a client masks one frame with. It must be unpredictable to the page that chose the
/// payload (RFC 6455 §10.3); where no browser is involved any source of change will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskKey(pub [u8; 4]);

/// Masks or unmasks `payload` in place; the operation is its own inverse.
pub(super) fn apply(key: MaskKey, payload: &mut [u8]) {
    let [a, b, c, d] = key.0;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // Eight bytes a step compiles to vector instructions; the rest is at most seven bytes.
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(key.0.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_meets_the_key_byte_of_its_place() {
        let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
        for len in 0..70 {
            let plain: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let expected: Vec<u8> = plain
                .iter()
                .zip(key.0.iter().cycle())
                .map(|(p, k)| p ^ k)
                .collect();
            let mut masked = plain.clone();
            apply(key, &mut masked);
            assert_eq!(masked, expected, "length {len}");
        }
    }
}
