//! Only what the shard itself does, for measurements: nothing is kept or shown.

use net::ws::{self, MaskKey};

use super::World;

impl World {
    /// Bytes for a socket, and the log and the store take what comes of it.
    pub(in crate::shard::tests) fn feed(&mut self, who: &str, bytes: &mut [u8]) {
        let now = self.now();
        let conn = self.sockets[who].conn;
        let used = self.shard.received(now, conn, bytes);
        assert_eq!(used, bytes.len(), "the shard takes every message");
        self.shard.records(|_| true);
        let last = self.shard.journal.last();
        self.shard.committed(now, last);
        self.shard.effects(|_, _| {});
    }

    /// Whether bytes of this socket may wait for those of others.
    pub(in crate::shard::tests) fn may_wait(&self, who: &str) -> bool {
        self.shard.may_wait(self.sockets[who].conn)
    }

    /// A turn that comes so many seconds after the one before, whatever was due since.
    pub(in crate::shard::tests) fn comes_late(&mut self, seconds: f64) {
        self.seconds += seconds;
        let now = self.now();
        self.shard.timer(now);
        self.settle();
    }

    /// What the shard made goes to the store.
    pub(in crate::shard::tests) fn store(&mut self) {
        while self.shard.projection().is_some() {}
        let last = self.shard.journal.last();
        let now = self.now();
        self.shard.stored(now, last);
    }

    /// Stations that have booted, reported two connectors and charged once, with nothing left to do.
    pub(in crate::shard::tests) fn idle_stations(
        &mut self,
        numbers: std::ops::Range<usize>,
    ) -> usize {
        for n in numbers {
            let name = format!("s{n}");
            self.connect(&name, &format!("STATION-{n:08}"));
            let calls = [
                r#"[2,"1","BootNotification",{"chargePointVendor":"Vendor","chargePointModel":"Model-22","chargePointSerialNumber":"SN-0123456789","firmwareVersion":"1.23.4"}]"#.to_owned(),
                r#"[2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:00Z"}]"#.to_owned(),
                r#"[2,"3","StatusNotification",{"connectorId":2,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:00Z"}]"#.to_owned(),
                r#"[2,"4","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:00Z"}]"#.to_owned(),
            ];
            for call in calls {
                let mut bytes = Vec::new();
                ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), call.as_bytes());
                self.feed(&name, &mut bytes);
            }
            let id = self.ocpp_id(&format!("STATION-{n:08}"));
            let stop = format!(
                r#"[2,"5","StopTransaction",{{"transactionId":{id},"meterStop":2000,"timestamp":"2026-11-22T10:00:00Z"}}]"#
            );
            let mut bytes = Vec::new();
            ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), stop.as_bytes());
            self.feed(&name, &mut bytes);
            let socket = self.sockets.remove(&name).expect("just connected");
            self.names.remove(&socket.conn);
            self.store();
        }
        // They answer pings only, long enough for what is kept about their last calls to go.
        self.seconds += 60.0;
        let now = self.now();
        self.shard.timer(now);
        self.shard.effects(|_, _| {});
        self.log = Vec::new();
        self.out = String::new();
        self.shard.conns.len()
    }
}
