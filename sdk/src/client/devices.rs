//! Stations, commands to them, and the variables they report.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::{Client, ClientError, TIMEOUT_LONG, nothing, prefer_wait, read};
use crate::{
    Command, CommandRequest, ConnectorStatus, Device, DeviceCreated, DevicePatch, DeviceRequest,
    ImportReport, IssueReceipt, IssueRequest, Page, Variable,
};

/// Which stations to list; everything by default.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    /// Only those of this status.
    pub status: Option<ConnectorStatus>,
    /// Only those of this vendor.
    pub vendor: Option<String>,
    /// Only those that are (or are not) connected.
    pub online: Option<bool>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// Which variables of a station to list; all by default. Names are compared without regard to case.
#[derive(Clone, Debug, Default)]
pub struct VariableFilter {
    /// Only those of this component.
    pub component: Option<String>,
    /// Only those of this name.
    pub variable: Option<String>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

impl Client {
    /// `POST /api/v1/devices`: registers a station, or approves one that is pending.
    pub async fn create_device(
        &self,
        request: &DeviceRequest,
    ) -> Result<DeviceCreated, ClientError> {
        read(self.post(&["devices"]).json(request)).await
    }

    /// `GET /api/v1/devices`
    pub async fn devices(&self, filter: &DeviceFilter) -> Result<Page<Device>, ClientError> {
        let status = filter.status.map(|status| format!("{status:?}"));
        let query = [
            ("status", status),
            ("vendor", filter.vendor.clone()),
            ("online", filter.online.map(|online| online.to_string())),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices"], &query)).await
    }

    /// `GET /api/v1/devices/{id}`
    pub async fn device(&self, id: &str) -> Result<Device, ClientError> {
        read(self.get(&["devices", id])).await
    }

    /// `PATCH /api/v1/devices/{id}`
    pub async fn patch_device(&self, id: &str, patch: &DevicePatch) -> Result<Device, ClientError> {
        read(
            self.request(Method::PATCH, &["devices", id], &[])
                .json(patch),
        )
        .await
    }

    /// `GET /api/v1/devices/{id}/commands`
    pub async fn open_commands(
        &self,
        id: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Command>, ClientError> {
        let query = [
            ("limit", limit.map(|limit| limit.to_string())),
            ("cursor", cursor.map(str::to_owned)),
        ];
        read(self.request(Method::GET, &["devices", id, "commands"], &query)).await
    }

    /// `DELETE /api/v1/devices/{id}`: its history stays.
    pub async fn delete_device(&self, id: &str) -> Result<(), ClientError> {
        nothing(self.delete(&["devices", id])).await
    }

    /// `POST /api/v1/devices/import`: CSV with the header `id,password,site,latitude,longitude,connectors`.
    pub async fn import_devices(
        &self,
        csv: impl Into<reqwest::Body>,
    ) -> Result<ImportReport, ClientError> {
        let request = self.post(&["devices", "import"]);
        read(
            request
                .timeout(TIMEOUT_LONG)
                .header(CONTENT_TYPE, "text/csv")
                .body(csv),
        )
        .await
    }

    /// The same with `passwords=unused`: stations that never came in with their password get a new one.
    pub async fn import_devices_renewing(
        &self,
        csv: impl Into<reqwest::Body>,
    ) -> Result<ImportReport, ClientError> {
        let query = [("passwords", Some("unused".to_owned()))];
        let request = self.request(Method::POST, &["devices", "import"], &query);
        read(
            request
                .timeout(TIMEOUT_LONG)
                .header(CONTENT_TYPE, "text/csv")
                .body(csv),
        )
        .await
    }

    /// `POST /api/v1/devices/{id}/issues`
    pub async fn report_issue(
        &self,
        id: &str,
        request: &IssueRequest,
    ) -> Result<IssueReceipt, ClientError> {
        read(self.post(&["devices", id, "issues"]).json(request)).await
    }

    /// `POST /api/v1/devices/{id}/commands`: with `wait` the station's answer or a problem, without it at once.
    pub async fn command(
        &self,
        id: &str,
        request: &CommandRequest,
        wait: Option<Duration>,
    ) -> Result<Command, ClientError> {
        let builder = self.post(&["devices", id, "commands"]).json(request);
        read(prefer_wait(builder, wait)).await
    }

    /// `GET /api/v1/commands/{id}`
    pub async fn command_by_id(&self, id: &str) -> Result<Command, ClientError> {
        read(self.get(&["commands", id])).await
    }

    /// `GET /api/v1/devices/{id}/variables`
    pub async fn variables(
        &self,
        id: &str,
        filter: &VariableFilter,
    ) -> Result<Page<Variable>, ClientError> {
        let query = [
            ("component", filter.component.clone()),
            ("variable", filter.variable.clone()),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices", id, "variables"], &query)).await
    }
}
