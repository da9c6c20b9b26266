use sdk::{CertificateHashData, InstallCertificateRequest, Role};
use serde_json::json;

use super::world::{refusal, with_server};

/// A root of its own, O=ACME, CN=Root, good for a hundred years.
const ROOT: &str = include_str!("root.pem");

fn root() -> InstallCertificateRequest {
    InstallCertificateRequest {
        certificate_type: "CentralSystemRootCertificate".to_owned(),
        certificate: ROOT.to_owned(),
    }
}

#[test]
fn a_certificate_is_installed_known_and_deleted() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let client = world.admin.clone();
        let installing =
            tokio::spawn(async move { client.install_certificate("CP1", &root()).await });
        let sent = station
            .answer("InstallCertificate", json!({"status": "Accepted"}))
            .await;
        assert_eq!(
            sent,
            json!({"certificateType": "CentralSystemRootCertificate", "certificate": ROOT})
        );
        let known = installing.await.unwrap().unwrap();
        let [installed] = &*known.installed else {
            panic!("{known:?}");
        };
        assert_eq!(installed.subject.as_deref(), Some("O=ACME, CN=Root"));
        assert_eq!(installed.reported_at, None);
        let algorithms: Vec<_> = installed
            .hashes
            .iter()
            .map(|hash| &*hash.hash_algorithm)
            .collect();
        assert_eq!(algorithms, ["SHA256", "SHA384", "SHA512"]);
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(reader.certificates("CP1").await.unwrap(), known);
        let hash = installed.hashes[1].clone();
        assert_eq!(
            refusal(reader.delete_certificate("CP1", &hash).await),
            "403 forbidden"
        );

        let delete = |answer: &str| {
            let (client, hash) = (world.admin.clone(), hash.clone());
            let deleting =
                tokio::spawn(async move { client.delete_certificate("CP1", &hash).await });
            (deleting, json!({"status": answer}))
        };
        let (deleting, answer) = delete("Failed");
        let sent = station.answer("DeleteCertificate", answer).await;
        let CertificateHashData {
            hash_algorithm,
            issuer_name_hash,
            issuer_key_hash,
            serial_number,
        } = &hash;
        assert_eq!(
            sent,
            json!({"certificateHashData": {
                "hashAlgorithm": hash_algorithm,
                "issuerNameHash": issuer_name_hash,
                "issuerKeyHash": issuer_key_hash,
                "serialNumber": serial_number,
            }})
        );
        assert_eq!(refusal(deleting.await.unwrap()), "409 rejected");
        assert_eq!(world.admin.certificates("CP1").await.unwrap(), known);
        let (deleting, answer) = delete("Accepted");
        station.answer("DeleteCertificate", answer).await;
        assert!(deleting.await.unwrap().unwrap().installed.is_empty());
    });
}

#[test]
fn what_is_no_certificate_is_refused_before_it_is_sent() {
    with_server(|world| async move {
        let refused = |request: InstallCertificateRequest| {
            let client = world.admin.clone();
            async move { refusal(client.install_certificate("CP1", &request).await) }
        };
        let no_certificate = InstallCertificateRequest {
            certificate: "x".to_owned(),
            ..root()
        };
        assert_eq!(refused(no_certificate).await, "422 invalid");
        let no_type = InstallCertificateRequest {
            certificate_type: String::new(),
            ..root()
        };
        assert_eq!(refused(no_type).await, "422 invalid");
        assert_eq!(refused(root()).await, "404 not_found");
        assert_eq!(
            refusal(world.admin.certificates("CP1").await),
            "404 not_found"
        );
        let path = "/api/v1/devices/CP1/certificates";
        assert_eq!(world.get(path).await.0, 401);
    });
}
