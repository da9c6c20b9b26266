//! The client side: what stations of the load generator speak.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::session::Session;
use super::{Identity, PROTOCOL, TlsError, TlsVersion, provider, roots, versions};

/// Which servers a client believes.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those with one of these roots and the right name.
    Roots(Vec<CertificateDer<'static>>),
    /// Everyone: for tests against a server whose certificate is its own. Signatures are still checked.
    Anyone,
}

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Which servers it believes.
    pub trust: Trust,
    /// The server's name, or its address, as its certificate bears it.
    pub server_name: String,
    /// What it shows a server that asks.
    pub identity: Option<Identity>,
    /// The oldest version that it speaks.
    pub version_min: TlsVersion,
    /// The newest version that it speaks.
    pub version_max: TlsVersion,
    /// Whether later sessions of this client go on from earlier ones.
    pub resume: bool,
}

impl ClientSettings {
    /// Both versions, no certificate of its own, resuming.
    #[must_use]
    pub fn new(trust: Trust, server_name: impl Into<String>) -> ClientSettings {
        ClientSettings {
            trust,
            server_name: server_name.into(),
            identity: None,
            version_min: TlsVersion::V12,
            version_max: TlsVersion::V13,
            resume: true,
        }
    }
}

/// The client side of connections to one server, as one peer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// A client of these settings.
    ///
    /// # Errors
    ///
    /// [`TlsError`], for whatever of them cannot serve.
    pub fn new(settings: ClientSettings) -> Result<TlsClient, TlsError> {
        let provider = provider();
        let name = ServerName::try_from(settings.server_name.as_str())
            .map_err(|_| TlsError::Name {
                found: settings.server_name.clone(),
            })?
            .to_owned();
        let allowed = versions(settings.version_min, settings.version_max);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&allowed)
            .map_err(TlsError::Settings)?;
        let builder = match settings.trust {
            Trust::Roots(trusted) => builder.with_root_certificates(roots(&trusted)?),
            Trust::Anyone => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Believing { provider })),
        };
        let mut config = match settings.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => builder
                .with_client_auth_cert(chain, key)
                .map_err(TlsError::Identity)?,
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.resumption = if settings.resume {
            Resumption::in_memory_sessions(1)
        } else {
            Resumption::disabled()
        };
        Ok(TlsClient {
            config: Arc::new(config),
            name,
        })
    }

    /// The same as rustls has it, for whoever has a blocking socket and a buffer to spare.
    ///
    /// # Errors
    ///
    /// As [`TlsClient::connect`].
    pub fn buffered(&self) -> Result<rustls::ClientConnection, TlsError> {
        let config = Arc::clone(&self.config);
        rustls::ClientConnection::new(config, self.name.clone()).map_err(TlsError::Settings)
    }

    #[cfg(test)]
    pub(super) fn with(config: ClientConfig, name: &'static str) -> TlsClient {
        TlsClient {
            config: Arc::new(config),
            name: ServerName::try_from(name).unwrap(),
        }
    }

    /// A session that has said nothing yet; [`Session::feed`] with nothing makes it begin.
    ///
    /// # Errors
    ///
    /// The system has no random bytes.
    pub fn connect(&self) -> Result<Session, TlsError> {
        let config = Arc::clone(&self.config);
        let connection = UnbufferedClientConnection::new(config, self.name.clone())
            .map_err(TlsError::Settings)?;
        Ok(Session::client(connection))
    }
}

/// Believes every certificate, but no wrong signature.
#[derive(Debug)]
struct Believing {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
