//! Where a fleet connects to, and as whom.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;

use anyhow::{Context, bail, ensure};

/// A CSMS, as `ws://host:port/path/` or `wss://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to connect.
    pub addr: SocketAddr,
    /// For the `Host` header.
    pub host: String,
    /// The name that its certificate is to bear, with `wss`.
    pub tls_name: Option<String>,
    /// Begins and ends with a slash; the identity follows.
    path: String,
}

impl Target {
    /// Reads the URL and looks its host up.
    ///
    /// # Errors
    ///
    /// It is no `ws` or `wss` URL, or its host is unknown.
    pub fn parse(url: &str) -> anyhow::Result<Target> {
        let (rest, port) = match (url.strip_prefix("ws://"), url.strip_prefix("wss://")) {
            (Some(rest), _) => (rest, 80),
            (None, Some(rest)) => (rest, 443),
            (None, None) => bail!("--url is {url:?}, expected ws://host:port/path or wss://…"),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(
            !authority.is_empty() && !authority.contains('@') && !path.contains(['?', '#']),
            "--url is {url:?}, expected ws://host:port/path without user, query or fragment"
        );
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let with_port = if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:{port}")
        };
        let addr = with_port
            .to_socket_addrs()
            .with_context(|| format!("looking up {authority}"))?
            .next()
            .with_context(|| format!("{authority} has no address"))?;
        let name = match authority.rsplit_once(':') {
            Some((name, _)) if has_port => name,
            Some(_) | None => authority,
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let path = format!("/{}/", path.trim_matches('/'));
        let path = if path == "//" { "/".to_owned() } else { path };
        Ok(Target {
            addr,
            host: authority.to_owned(),
            tls_name: url.starts_with("wss:").then(|| name.to_owned()),
            path,
        })
    }

    /// The path of a station: its identity, percent-encoded, is the last segment.
    pub fn path_of(&self, identity: &str) -> String {
        let mut path = self.path.clone();
        for byte in identity.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
        }
        path
    }
}

/// Reads `127.0.0.1` or `127.0.0.1-127.0.0.8`.
///
/// # Errors
///
/// It is no address and no range of IPv4 addresses, or one of more than 65,536.
pub fn parse_sources(text: &str) -> anyhow::Result<Vec<IpAddr>> {
    let expected = "expected an address, or a range such as 127.0.0.1-127.0.0.8";
    let Some((first, last)) = text.split_once('-') else {
        let one = text
            .parse()
            .with_context(|| format!("{text:?}: {expected}"))?;
        return Ok(vec![one]);
    };
    let ipv4 = |text: &str| {
        text.parse::<Ipv4Addr>()
            .with_context(|| format!("{text:?}: {expected}"))
    };
    let (first, last) = (u32::from(ipv4(first)?), u32::from(ipv4(last)?));
    ensure!(
        first <= last && last - first < 65_536,
        "{text:?}: {expected}, of 65,536 at most"
    );
    Ok((first..=last)
        .map(|bits| Ipv4Addr::from(bits).into())
        .collect())
}

/// Connections from one address to one port, before the search for a free port takes longer than the connection.
const PER_SOURCE: u32 = 10_000;

/// Connections from one address to one port that there are ports for (`net.ipv4.ip_local_port_range`).
const PER_SOURCE_MAX: u32 = 28_000;

/// The addresses that `stations` connect from to `to`: those `given`, else as many of the loopback network as they need,
/// else what the kernel takes.
///
/// # Errors
///
/// They are too few.
pub fn sources(
    given: Option<&[IpAddr]>,
    to: SocketAddr,
    stations: u32,
) -> anyhow::Result<Vec<IpAddr>> {
    let sources = match given {
        Some(given) => given.to_vec(),
        None if to.ip().is_loopback() && to.is_ipv4() && PER_SOURCE < stations => {
            let first = u32::from(Ipv4Addr::new(127, 1, 0, 1));
            let address = |n| IpAddr::from(Ipv4Addr::from(first + n));
            (0..stations.div_ceil(PER_SOURCE)).map(address).collect()
        }
        None => Vec::new(),
    };
    let addresses = sources.len().max(1);
    ensure!(
        (stations as usize).div_ceil(addresses) <= PER_SOURCE_MAX as usize,
        "{stations} stations from {addresses} address(es): one address has some 28,000 ports to one port of the CSMS; name \
         more of this machine with --source-addresses"
    );
    Ok(sources)
}

/// The first `stations` lines of a file of `id,password`. Further columns and a header that begins with `id` are
/// passed over, so that the file of `sigec station import` serves here too.
///
/// # Errors
///
/// The file cannot be read, a line has no password, or there are too few lines.
pub fn read_passwords(path: &Path, stations: u32) -> anyhow::Result<Vec<(String, String)>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {shown}"))?;
    let lines = text.lines().enumerate().filter(|(at, line)| {
        let header = *at == 0 && (*line == "id" || line.starts_with("id,"));
        !header && !line.trim().is_empty()
    });
    let mut entries = Vec::new();
    for (at, line) in lines.take(stations as usize) {
        let mut columns = line.split(',').map(str::trim);
        match (columns.next(), columns.next()) {
            (Some(id), Some(password)) if !id.is_empty() && !password.is_empty() => {
                entries.push((id.to_owned(), password.to_owned()));
            }
            _ => bail!(
                "{shown}, line {}: found {line:?}, expected id,password",
                at + 1
            ),
        }
    }
    ensure!(
        entries.len() == stations as usize,
        "{shown} has {} stations, --stations asks for {stations}; add lines or ask for fewer",
        entries.len()
    );
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_address_host_and_path() {
        let path = |url: &str| Target::parse(url).unwrap().path_of("CP 1/é");
        assert_eq!(path("ws://127.0.0.1:9000"), "/CP%201%2F%C3%A9");
        assert_eq!(path("ws://127.0.0.1:9000/"), "/CP%201%2F%C3%A9");
        assert_eq!(
            path("ws://127.0.0.1:9000/ocpp/acme"),
            "/ocpp/acme/CP%201%2F%C3%A9"
        );
        let target = Target::parse("ws://127.0.0.1/x").unwrap();
        assert_eq!(target.addr, "127.0.0.1:80".parse().unwrap());
        assert_eq!(target.host, "127.0.0.1");
        assert_eq!(target.tls_name, None);
        let name = |url: &str| Target::parse(url).unwrap().tls_name;
        assert_eq!(name("wss://127.0.0.1:9443/x").as_deref(), Some("127.0.0.1"));
        assert_eq!(name("wss://localhost").as_deref(), Some("localhost"));
        assert_eq!(name("wss://[::1]:9443/").as_deref(), Some("::1"));
        let default_port = Target::parse("wss://127.0.0.1").unwrap().addr.port();
        assert_eq!(default_port, 443);
    }

    #[test]
    fn a_url_that_is_none_says_what_is_expected() {
        for url in [
            "https://127.0.0.1/",
            "http://127.0.0.1/",
            "ws://",
            "ws://a@127.0.0.1/",
            "ws://127.0.0.1/?x",
        ] {
            let error = format!("{:#}", Target::parse(url).unwrap_err());
            assert!(error.contains("expected ws://"), "{url}: {error}");
        }
    }

    #[test]
    fn sources_are_one_address_or_a_range() {
        let parse = |text| parse_sources(text).map(|sources| sources.len()).ok();
        assert_eq!(parse("::1"), Some(1));
        assert_eq!(parse("127.0.0.1-127.0.0.8"), Some(8));
        for text in [
            "",
            "127.0.0.8-127.0.0.1",
            "0.0.0.0-255.0.0.0",
            "here",
            "127.0.0.1-",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_large_fleet_has_addresses_enough_or_is_told_so() {
        let loopback = "127.0.0.1:9000".parse().unwrap();
        let elsewhere = "192.0.2.1:9000".parse().unwrap();
        let count = |given: Option<&[IpAddr]>, to, stations| {
            sources(given, to, stations)
                .map(|sources| sources.len())
                .ok()
        };
        assert_eq!(count(None, loopback, 10_000), Some(0));
        assert_eq!(count(None, loopback, 100_000), Some(10));
        assert_eq!(count(None, elsewhere, 28_000), Some(0));
        assert_eq!(count(None, elsewhere, 28_001), None);
        assert_eq!(count(Some(&[loopback.ip()]), loopback, 28_001), None);
        assert_eq!(count(Some(&[loopback.ip(); 2]), elsewhere, 28_001), Some(2));
    }

    #[test]
    fn passwords_come_from_either_form_of_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwords.csv");
        let read = |text: &str, stations| {
            std::fs::write(&path, text).unwrap();
            read_passwords(&path, stations).map_err(|error| format!("{error:#}"))
        };
        let two = vec![("A".into(), "p".into()), ("B".into(), "q".into())];
        assert_eq!(read("A,p\nB,q\nC,r\n", 2), Ok(two.clone()));
        assert_eq!(read("id,password,site\nA,p,x\n\nB,q,\n", 2), Ok(two));
        assert!(read("A,p\n", 2).unwrap_err().contains("has 1 stations"));
        assert!(read("A,p\nB\n", 2).unwrap_err().contains("line 2"));
    }
}
