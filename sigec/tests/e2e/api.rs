//! The HTTP API as any client sees it: bytes on a socket, no help from our own crates.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::server::{Server, TOKEN};
use super::wait::{DEADLINE, eventually};

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Empty where the answer has no body.
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the body of {self:?}"))
    }
}

impl Server {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, TOKEN, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.request(
            "POST",
            path,
            TOKEN,
            &[("Content-Type", "application/json")],
            &body.to_string(),
        )
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut socket = TcpStream::connect(&self.ready.http).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Length: {}\r\n",
            self.ready.http,
            body.len()
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        write!(socket, "{request}\r\n{body}").unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).unwrap();
        parse(&bytes)
    }

    /// The rows of a query.
    pub(crate) fn sql(&self, query: &str) -> Vec<Value> {
        let answer = self.post("/api/v1/sql", &json!({ "query": query }));
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.json().as_array().unwrap().clone()
    }

    /// The rows of a query once they are as wanted: facts reach SQL a moment after their acknowledgement.
    pub(crate) fn sql_until(&self, query: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        eventually(query, || {
            let rows = self.sql(query);
            if wanted(&rows) {
                Ok(rows)
            } else {
                Err(Value::from(rows).to_string())
            }
        })
    }
}

/// Splits head and body, and joins the chunks of a body whose length was not known beforehand.
fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head in {text:?}"));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {head:?}"));
    let head = head.to_ascii_lowercase();
    let content_type = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "));
    let content_type = content_type.unwrap_or_default().to_owned();
    let chunked = head.contains("transfer-encoding: chunked");
    let body = if chunked {
        join_chunks(body)
    } else {
        body.to_owned()
    };
    Answer {
        status,
        content_type,
        body,
    }
}

fn join_chunks(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((len, after)) = rest.split_once("\r\n") {
        let len = usize::from_str_radix(len, 16).expect("the length of a chunk");
        if len == 0 {
            break;
        }
        body += &after[..len];
        rest = &after[len + 2..];
    }
    body
}
