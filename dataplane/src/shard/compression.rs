//! Compression of the shard's connections (permessage-deflate, RFC 7692).
//!
//! The machines are one of each for all connections. A connection keeps the window of what it reads in its codec and
//! the window of what it writes here, where those that do not compress have no place.
//!
//! # Invariants
//!
//! - Text is compressed when it leaves and never where it waits: a message refers back to what left before it, and only
//!   then is it known what that was, and whether its connection is still there.
//! - At most [`CompressionConfig::contexts_max`] connections of all shards keep windows.

use std::collections::HashMap;

use net::driver::ConnId;
use net::http::UpgradeRequest;
use net::ws::{self, Agreement, Codec, DeflateOptions, DeflateWriter, Deflater, Inflater, Role};

use super::Shard;
use crate::config::CompressionConfig;
use crate::router::view::CompressedBytes;

/// The machines, and what connections that compress have of their own.
#[derive(Default)]
pub(crate) struct Compression {
    pub(super) inflater: Inflater,
    deflater: Deflater,
    writers: HashMap<ConnId, Writer>,
    /// Connections that keep windows.
    contexts: usize,
}

/// The writing half of a connection that compresses.
struct Writer {
    deflate: DeflateWriter,
    /// A window outlives its message in either direction.
    keeps_contexts: bool,
}

impl Compression {
    /// Connections that agreed on compression, and those of them that keep windows.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.writers.len(), self.contexts)
    }

    /// Gives the machines back; the windows stay.
    pub(super) fn let_go(&mut self) {
        self.inflater.let_go();
        self.deflater.let_go();
    }

    /// Bytes of compressed messages so far.
    pub(super) fn totals(&self) -> CompressedBytes {
        let (wire_in, text_in) = self.inflater.totals();
        let (text_out, wire_out) = self.deflater.totals();
        CompressedBytes {
            wire_in,
            text_in,
            wire_out,
            text_out,
        }
    }

    /// What is answered to a client's offers. Beyond the limit of contexts both ends forget after each message.
    pub(super) fn agree(
        &self,
        config: &CompressionConfig,
        shards: usize,
        request: &UpgradeRequest<'_>,
    ) -> Option<Agreement> {
        if !config.enabled {
            return None;
        }
        request.deflate(&DeflateOptions {
            window_bits: config.window_bits,
            takeover: self.contexts < config.contexts_max / shards,
        })
    }

    /// Begins a connection that agreed on compression, or on none.
    pub(super) fn begin(&mut self, id: ConnId, agreement: Option<&Agreement>) -> Codec {
        let Some(agreement) = agreement else {
            return Codec::new(Role::Server);
        };
        let keeps_contexts = agreement.keeps_contexts();
        self.contexts += usize::from(keeps_contexts);
        let deflate = DeflateWriter::new(Role::Server, agreement);
        let writer = Writer {
            deflate,
            keeps_contexts,
        };
        self.writers.insert(id, writer);
        Codec::compressed(Role::Server, agreement)
    }

    /// Ends one that agreed on compression.
    pub(super) fn end(&mut self, id: ConnId) {
        if let Some(writer) = self.writers.remove(&id) {
            self.contexts -= usize::from(writer.keeps_contexts);
        }
        if self.writers.is_empty() {
            self.writers.shrink_to(KEPT_MAX);
        }
    }
}

/// Places that an empty table keeps.
const KEPT_MAX: usize = 1_024;

impl Shard {
    /// Sends one text message on a connection. One that does not compress pays for a look at its length, and for long
    /// messages at its entry.
    pub(super) fn say(&mut self, id: ConnId, text: &[u8]) {
        let Compression {
            deflater, writers, ..
        } = &mut self.compression;
        let compresses = deflater.takes(text.len())
            && self
                .conns
                .live_mut(id)
                .is_some_and(|live| live.is_compressed);
        let writer = match compresses {
            true => writers.get_mut(&id),
            false => None,
        };
        self.outbox.send(id, |out| match writer {
            Some(writer) => writer.deflate.write_text(deflater, out, None, text),
            None => ws::write_text(out, None, text),
        });
    }
}
