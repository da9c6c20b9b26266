//! Tariffs, of the server and in stations.

use reqwest::Method;

use super::{Client, ClientError, nothing, read};
use crate::{
    Command, DeviceTariffRequest, DeviceTariffs, Page, Tariff, TariffRequest, TransactionTariff,
};

impl Client {
    /// `GET /api/v1/tariffs`
    pub async fn tariffs(&self, cursor: Option<&str>) -> Result<Page<Tariff>, ClientError> {
        let query = [("cursor", cursor.map(str::to_owned))];
        read(self.request(Method::GET, &["tariffs"], &query)).await
    }

    /// `GET /api/v1/tariffs/{id}`
    pub async fn tariff(&self, id: &str) -> Result<Tariff, ClientError> {
        read(self.get(&["tariffs", id])).await
    }

    /// `PUT /api/v1/tariffs/{id}`
    pub async fn put_tariff(
        &self,
        id: &str,
        request: &TariffRequest,
    ) -> Result<Tariff, ClientError> {
        let builder = self.request(Method::PUT, &["tariffs", id], &[]);
        read(builder.json(request)).await
    }

    /// `DELETE /api/v1/tariffs/{id}`
    pub async fn delete_tariff(&self, id: &str) -> Result<(), ClientError> {
        nothing(self.delete(&["tariffs", id])).await
    }

    /// `GET /api/v1/devices/{id}/tariffs`
    pub async fn device_tariffs(&self, id: &str) -> Result<DeviceTariffs, ClientError> {
        read(self.get(&["devices", id, "tariffs"])).await
    }

    /// `POST /api/v1/devices/{id}/tariffs`
    pub async fn send_tariff(
        &self,
        id: &str,
        request: &DeviceTariffRequest,
    ) -> Result<DeviceTariffs, ClientError> {
        read(self.post(&["devices", id, "tariffs"]).json(request)).await
    }

    /// `DELETE /api/v1/devices/{id}/tariffs/{tariff_id}`
    pub async fn clear_tariff(
        &self,
        id: &str,
        tariff_id: &str,
    ) -> Result<DeviceTariffs, ClientError> {
        read(self.delete(&["devices", id, "tariffs", tariff_id])).await
    }

    /// `POST /api/v1/transactions/{id}/tariff`
    pub async fn change_transaction_tariff(
        &self,
        id: &str,
        request: &TransactionTariff,
    ) -> Result<Command, ClientError> {
        read(self.post(&["transactions", id, "tariff"]).json(request)).await
    }
}
