//! SCRAM-SHA-256 (RFC 5802, RFC 7677): the server keeps a verifier, the password never crosses the wire.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{Sink, SinkExt};
use pgwire::api::RandomPidSecretKeyGenerator;
use pgwire::api::auth::sasl::scram::ScramAuth;
use pgwire::api::auth::sasl::{SASLState, SCRAM_SHA_256_METHOD};
use pgwire::api::auth::{
    AuthSource, LoginInfo, Password, ServerParameterProvider, StartupHandler,
    finish_authentication, protocol_negotiation, save_startup_parameters_to_metadata,
};
use pgwire::api::{ClientInfo, METADATA_USER, PgWireConnectionState, PidSecretKeyGenerator};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::startup::{Authentication, PasswordMessageFamily};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use ring::hmac;
use tokio::sync::Mutex;

use super::connection::{Connection, fatal};
use super::{ScramVerifier, Server};

/// Iterations that an unknown user is told.
const DECOY_ITERATIONS: u32 = 4_096;

/// One connection's way from its first message to a principal.
pub(super) struct Login {
    server: Arc<Server>,
    connection: Arc<Connection>,
    progress: Mutex<Progress>,
}

enum Progress {
    Begun,
    Asked {
        scram: ScramAuth,
        state: SASLState,
        verifier: Option<ScramVerifier>,
    },
    Done,
}

impl Login {
    pub(super) fn new(server: Arc<Server>, connection: Arc<Connection>) -> Self {
        Self {
            server,
            connection,
            progress: Mutex::new(Progress::Begun),
        }
    }

    fn ask(&self, user: &str) -> Progress {
        let verifier = (self.server.find)(user);
        // The same salt each time for one name, as a real user has; no password fits it.
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.server.decoy);
        let decoy = hmac::sign(&key, user.as_bytes());
        let secret = match &verifier {
            Some(known) => Secret {
                salt: known.salt.clone(),
                salted_password: known.salted_password.clone(),
            },
            None => Secret {
                salt: decoy.as_ref()[..16].to_vec(),
                salted_password: hmac::sign(&key, decoy.as_ref()).as_ref().to_vec(),
            },
        };
        let iterations = verifier
            .as_ref()
            .map_or(DECOY_ITERATIONS, |known| known.iterations);
        let mut scram = ScramAuth::new(Arc::new(secret));
        scram.set_iterations(iterations as usize);
        Progress::Asked {
            scram,
            state: SASLState::Initial,
            verifier,
        }
    }
}

struct Secret {
    salt: Vec<u8>,
    salted_password: Vec<u8>,
}

impl Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[async_trait]
impl AuthSource for Secret {
    async fn get_password(&self, _login: &LoginInfo) -> PgWireResult<Password> {
        Ok(Password::new(
            Some(self.salt.clone()),
            self.salted_password.clone(),
        ))
    }
}

#[async_trait]
impl StartupHandler for Login {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let mut progress = self.progress.lock().await;
        match message {
            PgWireFrontendMessage::Startup(_)
                if self.server.tls_required && !client.is_secure() =>
            {
                Err(fatal(
                    "28000",
                    "connections without TLS are not accepted: connect with sslmode=require or stronger",
                ))
            }
            PgWireFrontendMessage::Startup(ref startup) => {
                protocol_negotiation(client, startup).await?;
                save_startup_parameters_to_metadata(client, startup);
                client.set_state(PgWireConnectionState::AuthenticationInProgress);
                let user = client.metadata().get(METADATA_USER).cloned();
                *progress = self.ask(&user.ok_or(PgWireError::UserNameRequired)?);
                let methods = vec![SCRAM_SHA_256_METHOD.to_owned()];
                let ask = PgWireBackendMessage::Authentication(Authentication::SASL(methods));
                client.send(ask).await?;
                Ok(())
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => {
                let Progress::Asked {
                    scram,
                    state,
                    verifier,
                } = &mut *progress
                else {
                    return Err(PgWireError::InvalidSASLState);
                };
                let message = coerced(message, state)?;
                let exchanged = scram.process_scram_message(client, message, state).await;
                let (answer, next) = exchanged.map_err(|error| match error {
                    // libpq leaves the name out of the exchange: it came with the first message.
                    PgWireError::InvalidPassword(_) => refused(client),
                    other => other,
                })?;
                *state = next;
                let verifier = match state {
                    SASLState::Finished => verifier.take(),
                    _ => {
                        client
                            .send(PgWireBackendMessage::Authentication(answer))
                            .await?;
                        return Ok(());
                    }
                };
                let verifier = verifier.ok_or_else(|| refused(client))?;
                *progress = Progress::Done;
                client
                    .send(PgWireBackendMessage::Authentication(answer))
                    .await?;
                let (pid, secret) = RandomPidSecretKeyGenerator::default().generate(client);
                let pid = pid.wrapping_add(self.connection.number());
                client.set_pid_and_secret_key(pid, secret.clone());
                let key = (pid, secret.to_bytes().to_vec());
                self.server.live().insert(key, Arc::clone(&self.connection));
                self.connection.authenticated(verifier.principal);
                finish_authentication(client, &Parameters).await
            }
            _ => Err(PgWireError::InvalidSASLState),
        }
    }
}

fn refused(client: &impl ClientInfo) -> PgWireError {
    let user = client.metadata().get(METADATA_USER).cloned();
    PgWireError::InvalidPassword(user.unwrap_or_default())
}

/// The message as the state of the exchange expects it.
fn coerced(
    message: PasswordMessageFamily,
    state: &mut SASLState,
) -> PgWireResult<PasswordMessageFamily> {
    if !matches!(state, SASLState::Initial) {
        return message
            .into_sasl_response()
            .map(PasswordMessageFamily::SASLResponse);
    }
    if let PasswordMessageFamily::Raw(body) = &message
        && !is_whole(body)
    {
        return Err(fatal("08P01", "the first message of SASL is cut off"));
    }
    let first = message.into_sasl_initial_response()?;
    if first.auth_method != SCRAM_SHA_256_METHOD {
        return Err(PgWireError::UnsupportedSASLAuthMethod(first.auth_method));
    }
    *state = SASLState::ScramClientFirstReceived;
    Ok(PasswordMessageFamily::SASLInitialResponse(first))
}

/// True for a name, a length, and as many bytes: `pgwire` takes all three for granted.
fn is_whole(body: &[u8]) -> bool {
    let mut parts = body.splitn(2, |byte| *byte == 0);
    let rest = parts.nth(1).unwrap_or_default();
    match rest.split_first_chunk() {
        // -1 is no bytes at all.
        Some((len, rest)) => match i32::from_be_bytes(*len) {
            -1 => true,
            len => usize::try_from(len).is_ok_and(|len| len <= rest.len()),
        },
        None => false,
    }
}

/// What a client is told of the server.
struct Parameters;

impl ServerParameterProvider for Parameters {
    fn server_parameters<C>(&self, _client: &C) -> Option<HashMap<String, String>>
    where
        C: ClientInfo,
    {
        let parameters = super::settings::REPORTED;
        Some(
            parameters
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_first_message_is_whole_or_it_is_not_read() {
        let name = b"SCRAM-SHA-256\0";
        let message = |rest: &[u8]| [name, rest].concat();
        assert!(is_whole(&message(&[0, 0, 0, 2, 1, 2])));
        assert!(is_whole(&message(&[0xff; 4])));
        for cut in [
            &[][..],
            &[0; 3],
            &[0, 0, 0, 2, 1],
            &[0xff, 0xff, 0xff, 0xfe],
        ] {
            assert!(!is_whole(&message(cut)), "{cut:?}");
        }
        assert!(!is_whole(b"") && !is_whole(b"no end"));
    }
}
