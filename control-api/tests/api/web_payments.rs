use sdk::{Role, WebPayment, WebPaymentRequest};

use super::world::{refusal, with_server};

fn request(url: &str, device_id: Option<&str>) -> WebPaymentRequest {
    WebPaymentRequest {
        url: url.to_owned(),
        device_id: device_id.map(str::to_owned),
    }
}

#[test]
fn a_url_is_checked_against_the_station_that_it_names() {
    with_server(|world| async move {
        let _station = world.station_21("CP1").await;
        let url = "https://qr.example/CP1/1/aHicux89/v1";
        let operator = world.client("operator", Role::Operator).await;
        let checked = operator
            .check_web_payment(&request(url, None))
            .await
            .unwrap();
        let unknown = "WebPaymentsCtrlr.URLTemplate of the station is not known; a template that a report or an operator told is expected";
        let expected = WebPayment {
            device_id: Some("CP1".to_owned()),
            reason: Some(unknown.to_owned()),
            ..WebPayment::default()
        };
        assert_eq!(checked, expected);
        let named = request("https://qr.example/roaming", Some("CP1"));
        assert_eq!(operator.check_web_payment(&named).await.unwrap(), expected);
        let nobody = operator
            .check_web_payment(&request("https://qr.example/CP9", None))
            .await
            .unwrap();
        assert_eq!(
            nobody.reason.as_deref(),
            Some("the URL names no station that is known")
        );
        // More than one piece of a URL may be a station's name: what the right one says is told.
        let mut right = world.station_21("CP2").await;
        let template = serde_json::json!({
            "requestId": 1, "seqNo": 0, "generatedAt": "2026-11-22T10:00:00Z",
            "reportData": [{
                "component": {"name": "WebPaymentsCtrlr"}, "variable": {"name": "URLTemplate"},
                "variableAttribute": [{"value": "https://qr.example/{chargingstationid}/{operator}/{totp}/{version}"}],
            }],
        });
        right.call("NotifyReport", template).await;
        let both = operator
            .check_web_payment(&request("https://qr.example/CP2/CP1/aHicux89/v1", None))
            .await
            .unwrap();
        let missing = "WebPaymentsCtrlr.ValidityTime of the station is not known; 6 to 3600 seconds is expected";
        assert_eq!(
            (both.device_id.as_deref(), both.reason.as_deref()),
            (Some("CP2"), Some(missing))
        );
        let other = operator.check_web_payment(&request(url, Some("CP9"))).await;
        assert_eq!(refusal(other), "404 not_found");
        let long = request(&"x".repeat(2_049), None);
        assert_eq!(
            refusal(operator.check_web_payment(&long).await),
            "422 invalid"
        );
        let reader = world.client("reader", Role::ReadOnly).await;
        let read = reader.check_web_payment(&request(url, None)).await;
        assert_eq!(refusal(read), "403 forbidden");
    });
}
