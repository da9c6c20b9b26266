//! Other people's servers: asked within a time, by POST or for a file, for an answer within a length.

use std::path::Path;
use std::time::Duration;
use std::{fmt, fs};

use ureq::http::Response;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::config::{HttpConfig, ServicesError};

/// Who we say we are.
const USER_AGENT: &str = concat!("sigec-ve/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("asking {url}")]
    Request {
        url: String,
        #[source]
        source: Box<ureq::Error>,
    },
    #[error("{url} answers {status}, expected 200")]
    Status { url: String, status: u16 },
    #[error("the answer of {url} is no UTF-8")]
    Text { url: String },
}

/// One server.
pub(super) struct Server {
    agent: Agent,
    url: String,
    /// `Bearer` and the token; shown nowhere.
    authorization: Option<String>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.url).finish()
    }
}

impl Server {
    pub(super) fn new(config: &HttpConfig) -> Result<Self, ServicesError> {
        check_url(&config.url)?;
        Ok(Self {
            agent: agent(config.timeout, config.roots.as_deref())?,
            url: config.url.clone(),
            authorization: config.bearer_file.as_deref().map(bearer).transpose()?,
        })
    }

    /// Its answer to `body`, at most `len_max` bytes of UTF-8.
    pub(super) fn ask(
        &self,
        headers: &[(&str, &str)],
        body: &[u8],
        len_max: u64,
    ) -> Result<String, HttpError> {
        let authorization = self.authorization.as_deref();
        let authorization = authorization.map(|value| ("Authorization", value));
        let headers = headers.iter().copied().chain(authorization);
        let answer = post(&self.agent, &self.url, headers, body, len_max)?;
        String::from_utf8(answer).map_err(|_| HttpError::Text {
            url: self.url.clone(),
        })
    }
}

fn bearer(path: &Path) -> Result<String, ServicesError> {
    let token = fs::read_to_string(path).map_err(|source| ServicesError::Read {
        path: path.to_owned(),
        source,
    })?;
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ServicesError::NoToken {
            path: path.to_owned(),
        });
    }
    Ok(format!("Bearer {token}"))
}

/// A client that follows no redirect: where that leads is nobody's choice.
pub(super) fn agent(timeout: Duration, roots: Option<&Path>) -> Result<Agent, ServicesError> {
    let roots = match roots {
        None => RootCerts::WebPki,
        Some(path) => root_certificates(path)?,
    };
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(USER_AGENT)
        .tls_config(TlsConfig::builder().root_certs(roots).build());
    Ok(config.build().new_agent())
}

fn root_certificates(path: &Path) -> Result<RootCerts, ServicesError> {
    let pem = fs::read(path).map_err(|source| ServicesError::Read {
        path: path.to_owned(),
        source,
    })?;
    let roots: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            Ok(_) | Err(_) => None,
        })
        .collect();
    if roots.is_empty() {
        return Err(ServicesError::NoRoots {
            path: path.to_owned(),
        });
    }
    Ok(RootCerts::new_with_certs(&roots))
}

/// The bytes that `url` answers a POST of `body` with.
pub(super) fn post<'h>(
    agent: &Agent,
    url: &str,
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    body: &[u8],
    len_max: u64,
) -> Result<Vec<u8>, HttpError> {
    let request = headers.fold(agent.post(url), |request, (name, value)| {
        request.header(name, value)
    });
    read(url, request.send(body), len_max)
}

/// The bytes that lie at `url`.
pub(super) fn get<'h>(
    agent: &Agent,
    url: &str,
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    len_max: u64,
) -> Result<Vec<u8>, HttpError> {
    let request = headers.fold(agent.get(url), |request, (name, value)| {
        request.header(name, value)
    });
    read(url, request.call(), len_max)
}

fn read(
    url: &str,
    response: Result<Response<Body>, ureq::Error>,
    len_max: u64,
) -> Result<Vec<u8>, HttpError> {
    let failed = |source| HttpError::Request {
        url: url.to_owned(),
        source: Box::new(source),
    };
    let mut response = response.map_err(failed)?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(HttpError::Status {
            url: url.to_owned(),
            status,
        });
    }
    let body = response.body_mut().with_config().limit(len_max);
    body.read_to_vec().map_err(failed)
}

/// Scheme, host and port, and path of a URL that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    is_tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Address {
    /// Reads one; a path that could climb or mean another is refused.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: ureq::http::Uri = url.parse().map_err(|_| "it is no URL")?;
        let (is_tls, default) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            Some(_) | None => return Err("it begins neither with http:// nor with https://"),
        };
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err("it names no host, or a user");
        }
        let path = uri.path();
        if path.contains("..") || path.contains('%') || path.contains('\\') {
            return Err("its path is not plain");
        }
        Ok(Self {
            is_tls,
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(default),
            path: path.to_owned(),
        })
    }

    /// True for an address at or below `self`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let same_server =
            (self.is_tls, &self.host, self.port) == (other.is_tls, &other.host, other.port);
        let below = other.path.strip_prefix(self.path.trim_end_matches('/'));
        same_server && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

pub(super) fn check_url(url: &str) -> Result<Address, ServicesError> {
    Address::parse(url).map_err(|detail| ServicesError::Url {
        url: url.to_owned(),
        detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_at_or_below_an_address_is_covered() {
        let allowed = Address::parse("http://ocsp.example/a/").unwrap();
        for (url, covered) in [
            ("http://ocsp.example/a", true),
            ("http://OCSP.example:80/a/b", true),
            ("http://ocsp.example/ab", false),
            ("http://ocsp.example/", false),
            ("https://ocsp.example/a", false),
            ("http://ocsp.example:8080/a", false),
            ("http://ocsp.example.attacker/a", false),
        ] {
            assert_eq!(
                allowed.covers(&Address::parse(url).unwrap()),
                covered,
                "{url}"
            );
        }
        for url in [
            "http://ocsp.example@169.254.169.254/a",
            "http://ocsp.example/a/../latest",
            "http://ocsp.example/a/%2e%2e/latest",
            "file:///etc/passwd",
            "ocsp.example/a",
            "",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
        let whole = Address::parse("https://ocsp.example").unwrap();
        assert!(whole.covers(&Address::parse("https://ocsp.example/any/path").unwrap()));
    }
}
