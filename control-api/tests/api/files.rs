use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use reqwest::Method;
use sdk::{DownloadUrlRequest, Problem, Role, UploadUrlRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::world::{FILE_LEN_MAX, World, problem, refusal, with_server};

/// A station has no token.
async fn station(method: Method, url: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let request = reqwest::Client::new().request(method, url).body(body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.bytes().await.unwrap().to_vec())
}

/// `410 gone`
async fn refused(method: Method, url: &str, body: Vec<u8>) -> String {
    let (status, body) = station(method, url, body).await;
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.status, status);
    format!("{status} {}", problem.slug())
}

/// `206 bytes 0-3/8`, and the bytes.
async fn part(url: &str, headers: &[(&str, &str)]) -> (String, Vec<u8>) {
    let mut request = reqwest::Client::new().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let range = response.headers().get("content-range").cloned();
    let range = range.map_or(String::new(), |range| {
        format!(" {}", range.to_str().unwrap())
    });
    let status = format!("{}{range}", response.status().as_u16());
    (status, response.bytes().await.unwrap().to_vec())
}

fn downloads(count: u32) -> DownloadUrlRequest {
    DownloadUrlRequest {
        downloads: Some(count),
        expires_in: None,
    }
}

#[test]
fn firmware_goes_from_an_operator_to_a_station_as_often_as_it_says() {
    with_server(async |world: Arc<World>| {
        // More than one piece on its way in and out.
        let firmware: Vec<u8> = (0..600_000_u32).map(|n| (n % 251) as u8).collect();
        let put = world
            .admin
            .put_file("fw-1.2.bin", firmware.clone(), &downloads(1))
            .await
            .unwrap();
        assert_eq!((put.file.size, &*put.file.name), (600_000, "fw-1.2.bin"));
        assert_eq!(put.file.created_by.as_deref(), Some("admin"));
        assert_eq!(world.admin.file(&put.file.id).await.unwrap(), put.file);
        let url = put.download.unwrap().url;

        // Looking and asking for a beginning are no downloads.
        let head = reqwest::Client::new().head(&url).send().await.unwrap();
        assert_eq!(head.headers()["content-length"], "600000");
        assert_eq!(head.headers()["accept-ranges"], "bytes");
        let tag = head.headers()["etag"].to_str().unwrap().to_owned();
        let (status, bytes) = part(&url, &[("range", "bytes=0-9")]).await;
        assert_eq!(
            (&*status, &*bytes),
            ("206 bytes 0-9/600000", &firmware[..10])
        );
        let (status, _) = part(&url, &[("range", "bytes=600000-")]).await;
        assert_eq!(status, "416 bytes */600000");

        let rest = [("range", "bytes=10-"), ("if-range", &*tag)];
        let (status, bytes) = part(&url, &rest).await;
        assert_eq!(status, "206 bytes 10-599999/600000");
        assert!(bytes == firmware[10..]);
        assert_eq!(refused(Method::GET, &url, Vec::new()).await, "410 gone");

        let twice = downloads(2);
        let made = world.admin.make_download_url(&put.file.id, &twice);
        let url = made.await.unwrap().url;
        // A part of something else: all of this.
        let (status, bytes) = part(&url, &[("range", "bytes=10-"), ("if-range", "\"x\"")]).await;
        assert_eq!(status, "200");
        assert!(bytes == firmware);
        assert_eq!(station(Method::GET, &url, Vec::new()).await.0, 200);
        assert_eq!(refused(Method::GET, &url, Vec::new()).await, "410 gone");

        world.admin.delete_file(&put.file.id).await.unwrap();
        assert_eq!(
            refused(Method::GET, &url, Vec::new()).await,
            "404 not_found"
        );
        assert_eq!(
            refusal(world.admin.file(&put.file.id).await),
            "404 not_found"
        );
        assert!(world.stored_files().is_empty());
    });
}

#[test]
fn a_station_puts_one_file_and_only_operators_see_it() {
    with_server(async |world: Arc<World>| {
        let request = UploadUrlRequest {
            device_id: Some("CP1".into()),
            size_max: Some(10),
            expires_in: None,
        };
        let made = world.admin.make_upload_url(&request).await.unwrap();
        assert_eq!(made.size_max, 10);
        let long = refused(Method::PUT, &made.url, vec![0; 11]).await;
        assert_eq!(long, "413 too_large");
        let empty = refused(Method::POST, &made.url, Vec::new()).await;
        assert_eq!(empty, "400 malformed");
        assert!(world.stored_files().is_empty());

        let named = format!("{}/..%2F..%2Fetc%2Fpasswd", made.url);
        let (status, body) = station(Method::PUT, &named, b"0123456789".to_vec()).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        assert_eq!(refused(Method::PUT, &made.url, vec![0]).await, "410 gone");
        let page = world.admin.files(Some("CP1"), None).await.unwrap();
        let [file] = &page.items[..] else {
            panic!("one file, found {page:?}");
        };
        assert_eq!(file.name, ".._.._etc_passwd");
        assert_eq!((file.size, file.device_id.as_deref()), (10, Some("CP1")));
        assert_eq!(world.stored_files(), std::slice::from_ref(&file.id));
        let content = world.admin.file_content(&file.id).await.unwrap();
        assert_eq!(content, b"0123456789");
        assert!(
            world
                .admin
                .files(Some("CP2"), None)
                .await
                .unwrap()
                .items
                .is_empty()
        );

        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(refusal(reader.files(None, None).await), "403 forbidden");
        assert_eq!(
            refusal(reader.file_content(&file.id).await),
            "403 forbidden"
        );
    });
}

#[test]
fn what_is_no_file_url_or_limit_is_refused_with_the_reason() {
    with_server(async |world: Arc<World>| {
        let mut seen = String::new();
        let mut note = |found: String| seen += &format!("{found}\n");
        let put = async |name: &str, len: u64, url: &DownloadUrlRequest| {
            world.admin.put_file(name, vec![0; len as usize], url).await
        };
        let none = DownloadUrlRequest::default();
        note(problem(put("../x", 1, &none).await).detail);
        note(problem(put("x", 1, &downloads(0)).await).detail);
        note(problem(put("x", FILE_LEN_MAX + 1, &none).await).detail);
        for _ in 0..4 {
            put("x", FILE_LEN_MAX, &none).await.unwrap();
        }
        let full = problem(put("x", 1, &none).await);
        note(format!("{} {}: {}", full.status, full.slug(), full.detail));
        let request = |size_max, expires_in| UploadUrlRequest {
            size_max,
            expires_in,
            ..UploadUrlRequest::default()
        };
        for request in [
            request(Some(0), None),
            request(Some(FILE_LEN_MAX + 1), None),
            request(None, Some(0)),
            request(None, Some(7_776_001)),
        ] {
            note(problem(world.admin.make_upload_url(&request).await).detail);
        }
        for path in [
            "/files/d/x",
            "/files/d/..%2F..%2FFORMAT",
            "/files/d/%00",
            "/files/u/x",
            "/files/d",
        ] {
            let url = format!("{}{path}", world.url);
            note(format!(
                "{path} {}",
                refused(Method::GET, &url, Vec::new()).await
            ));
            note(format!(
                "{path} {}",
                refused(Method::PUT, &url, vec![0]).await
            ));
        }
        for id in ["x", "../../FORMAT", "00000000-0000-0000-0000-000000000000"] {
            note(refusal(world.admin.file_content(id).await));
        }
        expect![[r#"
            name: contains '/'
            downloads is 0, expected 1 to 10000
            the body is larger than 1048576 bytes
            507 no_room: 4194304 bytes are kept or arriving, 1 more would exceed `files.total_max` of 4194304
            /size_max: 0, expected 1 to 1048576 bytes (`files.size_max`)
            /size_max: 1048577, expected 1 to 1048576 bytes (`files.size_max`)
            /expires_in: 0, expected 1 to 7776000 seconds
            /expires_in: 7776001, expected 1 to 7776000 seconds
            /files/d/x 404 not_found
            /files/d/x 405 method_not_allowed
            /files/d/..%2F..%2FFORMAT 404 not_found
            /files/d/..%2F..%2FFORMAT 405 method_not_allowed
            /files/d/%00 404 not_found
            /files/d/%00 405 method_not_allowed
            /files/u/x 405 method_not_allowed
            /files/u/x 404 not_found
            /files/d 404 not_found
            /files/d 404 not_found
            404 not_found
            404 not_found
            404 not_found
        "#]].assert_eq(&seen);
        assert_eq!(world.stored_files().len(), 4);
    });
}

#[test]
fn a_body_that_breaks_off_leaves_nothing_and_the_url_as_it_was() {
    with_server(async |world: Arc<World>| {
        let request = UploadUrlRequest::default();
        let url = world.admin.make_upload_url(&request).await.unwrap().url;
        let address = world.url.trim_start_matches("http://");
        let path = url.trim_start_matches(&*world.url);
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head = format!("PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
        socket.write_all(head.as_bytes()).await.unwrap();
        let arriving = async {
            while world.stored_files().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let under_way = tokio::time::timeout(Duration::from_secs(30), arriving);
        under_way.await.expect("the file begins to arrive");
        assert_eq!(refused(Method::PUT, &url, vec![0]).await, "409 conflict");
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        assert!(world.stored_files().is_empty());
        assert_eq!(station(Method::PUT, &url, b"whole".to_vec()).await.0, 201);
        assert_eq!(world.stored_files().len(), 1);
    });
}
