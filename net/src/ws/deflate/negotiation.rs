//! `Sec-WebSocket-Extensions`: what is offered, accepted and answered (§7.1).

use super::{Agreement, Compression, DeflateOptions};

const NAME: &str = "permessage-deflate";
const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// The window that DEFLATE has when nothing is said.
const BITS_MAX: u8 = 15;
/// A window that cannot be written with: what needs it is declined (§7.1.2.1).
const BITS_UNWRITABLE: u8 = 8;

/// The parameters of one offer or answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parameters {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// An offer may name the parameter without a value.
    client_bits: Option<Option<u8>>,
}

impl Parameters {
    /// `None` for another extension, an unknown parameter, one that stands twice, and a value that
    /// does not fit (§7.1): the offer is declined as if it were not there.
    fn parse(extension: &str) -> Option<Parameters> {
        let mut parts = extension.split(';').map(str::trim);
        if parts.next() != Some(NAME) {
            return None;
        }
        let mut parameters = Parameters::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
                None => (part, None),
            };
            let is_new = match (name, value) {
                (SERVER_NO_TAKEOVER, None) => {
                    !std::mem::replace(&mut parameters.server_no_takeover, true)
                }
                (CLIENT_NO_TAKEOVER, None) => {
                    !std::mem::replace(&mut parameters.client_no_takeover, true)
                }
                (SERVER_BITS, Some(value)) => {
                    let bits = window_bits(value)?;
                    parameters.server_bits.replace(bits).is_none()
                }
                (CLIENT_BITS, None) => parameters.client_bits.replace(None).is_none(),
                (CLIENT_BITS, Some(value)) => {
                    let bits = window_bits(value)?;
                    parameters.client_bits.replace(Some(bits)).is_none()
                }
                _ => return None,
            };
            if !is_new {
                return None;
            }
        }
        Some(parameters)
    }
}

/// A decimal from 8 to 15 without leading zero (§7.1.2), bare or quoted.
fn window_bits(value: &str) -> Option<u8> {
    let value = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}

/// A server's choice: the first offer that it can take.
pub(crate) fn accept<'a>(
    mut offers: impl Iterator<Item = &'a str>,
    options: &DeflateOptions,
) -> Option<Agreement> {
    offers.find_map(|offer| {
        let offer = Parameters::parse(offer)?;
        if offer.server_bits == Some(BITS_UNWRITABLE) {
            return None;
        }
        let client_bits = match offer.client_bits {
            // It does not know the parameter, so it cannot be told.
            None => BITS_MAX,
            Some(bits) => bits.unwrap_or(BITS_MAX).min(options.window_bits),
        };
        // A window that is larger than ours must not be kept, and any client can be told that.
        let fits = client_bits <= options.window_bits;
        Some(Agreement {
            server: Compression {
                window_bits: offer
                    .server_bits
                    .unwrap_or(BITS_MAX)
                    .min(options.window_bits),
                takeover: options.takeover && !offer.server_no_takeover,
            },
            client: Compression {
                window_bits: client_bits,
                takeover: options.takeover && fits && !offer.client_no_takeover,
            },
        })
    })
}

/// A server's answer: every limit of the agreement.
pub(crate) fn answer(agreement: &Agreement) -> String {
    let Agreement { server, client } = agreement;
    let mut text = NAME.to_owned();
    let flags = [
        (SERVER_NO_TAKEOVER, server.takeover),
        (CLIENT_NO_TAKEOVER, client.takeover),
    ];
    for (name, _) in flags.iter().filter(|(_, takeover)| !takeover) {
        text += &format!("; {name}");
    }
    // An offer that names it is accepted by naming it, 15 as well; others may be told.
    text += &format!("; {SERVER_BITS}={}", server.window_bits);
    if client.window_bits < BITS_MAX {
        text += &format!("; {CLIENT_BITS}={}", client.window_bits);
    }
    text
}

/// A client's offer.
pub(crate) fn offer(options: &DeflateOptions) -> String {
    let bits = options.window_bits;
    let mut text = format!("{NAME}; {CLIENT_BITS}");
    if bits < BITS_MAX {
        text += &format!("={bits}; {SERVER_BITS}={bits}");
    }
    if !options.takeover {
        text += &format!("; {SERVER_NO_TAKEOVER}; {CLIENT_NO_TAKEOVER}");
    }
    text
}

/// What a server's answer to [`offer`] comes to; `None` when it is none that the offer allows.
pub(crate) fn agree(answer: &str, options: &DeflateOptions) -> Option<Agreement> {
    let answer = Parameters::parse(answer)?;
    let client_bits = match answer.client_bits {
        None => BITS_MAX,
        Some(bits) => bits?,
    };
    let agreement = Agreement {
        server: Compression {
            window_bits: answer.server_bits.unwrap_or(BITS_MAX),
            takeover: !answer.server_no_takeover,
        },
        client: Compression {
            window_bits: client_bits.min(options.window_bits),
            takeover: options.takeover && !answer.client_no_takeover,
        },
    };
    let Compression {
        window_bits,
        takeover,
    } = agreement.server;
    (window_bits <= options.window_bits && (options.takeover || !takeover)).then_some(agreement)
}
