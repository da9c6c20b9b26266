//! A corpus as one file, because thousands of inputs of a few bytes each make a repository slow.
//!
//! ```text
//! u32 length, little endian · so many bytes · and so on
//! ```

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::Target;

/// Where the corpora lie.
pub fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The corpus of `target`.
///
/// # Errors
///
/// It cannot be read, or breaks off.
pub fn read(target: Target) -> anyhow::Result<Vec<Vec<u8>>> {
    let path = file(target);
    let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    unpack(&bytes).with_context(|| format!("{} breaks off", path.display()))
}

/// Replaces the corpus of `target`.
///
/// # Errors
///
/// It cannot be written.
pub fn write(target: Target, mut inputs: Vec<Vec<u8>>) -> anyhow::Result<()> {
    // In one order, so that the same inputs make the same file.
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let path = file(target);
    std::fs::write(&path, pack(&inputs)).with_context(|| format!("writing {}", path.display()))
}

fn file(target: Target) -> PathBuf {
    dir().join(format!("{}.bin", target.name()))
}

fn pack(inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for input in inputs {
        out.extend_from_slice(&(input.len() as u32).to_le_bytes());
        out.extend_from_slice(input);
    }
    out
}

fn unpack(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut inputs = Vec::new();
    while !bytes.is_empty() {
        let (len, rest) = bytes.split_first_chunk()?;
        let (input, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        inputs.push(input.to_vec());
        bytes = rest;
    }
    Some(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corpus_is_unpacked_as_it_was_and_not_when_it_breaks_off() {
        let inputs = vec![vec![], b"a".to_vec(), vec![0; 300]];
        let packed = pack(&inputs);
        assert_eq!(unpack(&packed), Some(inputs));
        assert_eq!(unpack(&packed[..packed.len() - 1]), None);
    }
}
