//! No password of a raw message reaches a log, and no token a fact.

use ocpp::{mask_secrets, replace_tokens};

#[test]
fn passwords_are_masked_wherever_a_message_carries_them() {
    for (action, frame, expected) in [
        (
            "ChangeConfiguration",
            r#"[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"4f43415f"}]"#,
            r#"[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]"#,
        ),
        (
            "ChangeConfiguration",
            r#"[2,"1","ChangeConfiguration",{ "value" : "a\"b", "key" : "authorizationkey" }]"#,
            r#"[2,"1","ChangeConfiguration",{ "value" : "***", "key" : "authorizationkey" }]"#,
        ),
        (
            "ChangeConfiguration",
            r#"[2,"1","ChangeConfiguration",{"key":"\u0041uthorizationKey","value":5}]"#,
            r#"[2,"1","ChangeConfiguration",{"key":"\u0041uthorizationKey","value":"***"}]"#,
        ),
        (
            "ChangeConfiguration",
            r#"[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]"#,
            r#"[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]"#,
        ),
        (
            "GetLog",
            r#"[2,"1","GetLog",{"log":{"remoteLocation":"ftp:\/\/ana:pw@host\/up"},"logType":"SecurityLog"}]"#,
            r#"[2,"1","GetLog",{"log":{"remoteLocation":"ftp://ana:***@host/up"},"logType":"SecurityLog"}]"#,
        ),
        (
            "UpdateFirmware",
            r#"[2,"1","UpdateFirmware",{"location":"http://host/files/d/0123456789abcdefABCDEF_-01234567"}]"#,
            r#"[2,"1","UpdateFirmware",{"location":"http://host/files/d/***"}]"#,
        ),
        (
            "UpdateFirmware",
            r#"[2,"1","UpdateFirmware",{"location":"http://host/\"pw","retries":1}]"#,
            r#"[2,"1","UpdateFirmware",{"location":"***","retries":1}]"#,
        ),
        (
            "GetConfiguration",
            r#"[3,"1",{"configurationKey":[{"key":"A","value":"1"},{"key":"AuthorizationKey","readonly":false,"value":"pw"}]}]"#,
            r#"[3,"1",{"configurationKey":[{"key":"A","value":"1"},{"key":"AuthorizationKey","readonly":false,"value":"***"}]}]"#,
        ),
        (
            "GetConfiguration",
            r#"[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":true},{"key":"A","value":"1"}]}]"#,
            r#"[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":true},{"key":"A","value":"1"}]}]"#,
        ),
        (
            "SetVariables",
            r#"[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"pw","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}},{"attributeValue":"60","component":{"name":"C"},"variable":{"name":"V"}}]}]"#,
            r#"[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"***","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}},{"attributeValue":"60","component":{"name":"C"},"variable":{"name":"V"}}]}]"#,
        ),
        (
            "GetVariables",
            r#"[3,"1",{"getVariableResult":[{"attributeValue":"pw","variable":{"name":"BasicAuthPassword"}}]}]"#,
            r#"[3,"1",{"getVariableResult":[{"attributeValue":"***","variable":{"name":"BasicAuthPassword"}}]}]"#,
        ),
        (
            "NotifyReport",
            r#"[2,"1","NotifyReport",{"reportData":[{"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"value":"pw"},{"type":"Target","value":"pw2"}]}]}]"#,
            r#"[2,"1","NotifyReport",{"reportData":[{"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"value":"***"},{"type":"Target","value":"***"}]}]}]"#,
        ),
        (
            "NotifyEvent",
            r#"[2,"1","NotifyEvent",{"eventData":[{"actualValue":"pw","variable":{"name":"BasicAuthPassword"}}]}]"#,
            r#"[2,"1","NotifyEvent",{"eventData":[{"actualValue":"***","variable":{"name":"BasicAuthPassword"}}]}]"#,
        ),
        (
            "NotifyReport",
            r#"[2,"1","NotifyReport",{"reportData":[{"component":{"name":"NetworkConfiguration"},"variable":{"name":"VpnKey"},"variableAttribute":[{"value":"k"}]},{"variable":{"name":"SimPin"},"variableAttribute":[{"value":"1234"}]}]}]"#,
            r#"[2,"1","NotifyReport",{"reportData":[{"component":{"name":"NetworkConfiguration"},"variable":{"name":"VpnKey"},"variableAttribute":[{"value":"***"}]},{"variable":{"name":"SimPin"},"variableAttribute":[{"value":"***"}]}]}]"#,
        ),
        (
            "SetNetworkProfile",
            r#"[2,"1","SetNetworkProfile",{"configurationSlot":1,"connectionData":{"ocppCsmsUrl":"wss://c","basicAuthPassword":"b\"p","identity":"CP1","apn":{"apn":"internet","apnUserName":"u","apnPassword":"ap","simPin":1234},"vpn":{"server":"s","user":"u","password":"vp","key":"vk","type":"IPSec"}}}]"#,
            r#"[2,"1","SetNetworkProfile",{"configurationSlot":1,"connectionData":{"ocppCsmsUrl":"wss://c","basicAuthPassword":"***","identity":"CP1","apn":{"apn":"internet","apnUserName":"u","apnPassword":"***","simPin":"***"},"vpn":{"server":"s","user":"u","password":"***","key":"***","type":"IPSec"}}}]"#,
        ),
        (
            "SetNetworkProfile",
            r#"[3,"1",{"status":"Accepted"}]"#,
            r#"[3,"1",{"status":"Accepted"}]"#,
        ),
        // Nobody can tell where a password ends in what is no JSON.
        (
            "ChangeConfiguration",
            r#"[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"pw]"#,
            r#"[2,"1","ChangeConfiguration",*** unreadable, withheld"#,
        ),
        ("GetConfiguration", "pw", "*** unreadable, withheld"),
        (
            "Heartbeat",
            r#"[2,"1","Heartbeat",{"#,
            r#"[2,"1","Heartbeat",{"#,
        ),
        // Nobody could read these: whatever names a secret, or hides what it says, is withheld.
        (
            "",
            r#"[2,"1","NotifyReport",{"variable":{"name":"SharedSecret"},"value":"s"#,
            r#"[2,"1","NotifyReport",*** unreadable, withheld"#,
        ),
        (
            "",
            r#"[2,"1","NotifyEvent",{"variable":{"name":"simpin"},"actualValue":"1234"#,
            r#"[2,"1","NotifyEvent",*** unreadable, withheld"#,
        ),
        (
            "",
            r#"[2,"1","NotifyReport-Signed",{"payload":"eyJr"#,
            r#"[2,"1","NotifyReport-Signed",*** unreadable, withheld"#,
        ),
        (
            "",
            r#"[2,"1","StatusNotification",{"connectorId":1"#,
            r#"[2,"1","StatusNotification",{"connectorId":1"#,
        ),
    ] {
        assert_eq!(mask_secrets(action, frame), expected);
    }
}

#[test]
fn tokens_are_replaced_wherever_a_payload_carries_them() {
    for (payload, expected) in [
        (
            r#"{"connectorId":1,"idTag":"A\u0042C"}"#,
            r#"{"connectorId":1,"idTag":"<ABC>"}"#,
        ),
        (
            r#"{ "idTag" : "A" , "parentIdTag" : "B" }"#,
            r#"{ "idTag" : "<A>" , "parentIdTag" : "<B>" }"#,
        ),
        (
            r#"{"idToken":{"idToken":"A","type":"Central","additionalInfo":[{"additionalIdToken":"B","type":"x"}]},"groupIdToken":{"idToken":"C","type":"Central"}}"#,
            r#"{"idToken":{"idToken":"<A>","type":"Central","additionalInfo":[{"additionalIdToken":"<B>","type":"x"}]},"groupIdToken":{"idToken":"<C>","type":"Central"}}"#,
        ),
        (
            r#"{"localAuthorizationList":[{"idTag":"A","idTagInfo":{"status":"Accepted","parentIdTag":"B"}},{"idTag":"C"}]}"#,
            r#"{"localAuthorizationList":[{"idTag":"<A>","idTagInfo":{"status":"Accepted","parentIdTag":"<B>"}},{"idTag":"<C>"}]}"#,
        ),
        // A vendor's own payload may name a token so, and hold what it likes there.
        (r#"{"data":{"idTag":17}}"#, r#"{"data":{"idTag":"<>"}}"#),
        (r#"{"type":"Soft"}"#, r#"{"type":"Soft"}"#),
        (r#"{"idTag":"A"#, "*** unreadable, withheld"),
    ] {
        let replaced = replace_tokens(payload, |token| format!("<{token}>"));
        assert_eq!(replaced, expected, "{payload}");
    }
}
