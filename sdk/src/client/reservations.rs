//! Reservations of a station.

use reqwest::Method;

use super::{Client, ClientError, TIMEOUT_LONG, read};
use crate::{Page, Reservation, ReservationRequest, ReservationState};

/// Which reservations of a station to list; all by default.
#[derive(Clone, Debug, Default)]
pub struct ReservationFilter {
    /// Only those that stand here.
    pub state: Option<ReservationState>,
    /// How many, at most 500; the server's default without.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

impl Client {
    /// `GET /api/v1/devices/{id}/reservations`
    pub async fn reservations(
        &self,
        id: &str,
        filter: &ReservationFilter,
    ) -> Result<Page<Reservation>, ClientError> {
        let query = [
            ("state", filter.state.map(|state| state.as_str().to_owned())),
            ("limit", filter.limit.map(|limit| limit.to_string())),
            ("cursor", filter.cursor.clone()),
        ];
        read(self.request(Method::GET, &["devices", id, "reservations"], &query)).await
    }

    /// `POST /api/v1/devices/{id}/reservations`: waits for the station's answer.
    pub async fn reserve(
        &self,
        id: &str,
        request: &ReservationRequest,
    ) -> Result<Reservation, ClientError> {
        let builder = self.post(&["devices", id, "reservations"]).json(request);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// `DELETE /api/v1/devices/{id}/reservations/{reservation_id}`: waits for the station's answer.
    pub async fn cancel_reservation(
        &self,
        id: &str,
        reservation_id: i64,
    ) -> Result<Reservation, ClientError> {
        let rid = reservation_id.to_string();
        let builder = self.request(Method::DELETE, &["devices", id, "reservations", &rid], &[]);
        read(builder.timeout(TIMEOUT_LONG)).await
    }
}
