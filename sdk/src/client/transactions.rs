//! Transactions: begun, ended, closed and listed.

use std::time::Duration;

use reqwest::Method;

use super::{Client, ClientError, outcome, prefer_wait, read};
use crate::{Command, Limits, Page, SignedValues, Transaction, TransactionClose, TransactionStart};

/// What a station was asked for: done, or still on its way.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// It happened.
    Done(T),
    /// The wait ended first; [`Client::command_by_id`] tells how it goes on.
    Pending(Box<Command>),
}

impl Client {
    /// `POST /api/v1/transactions/start`: waits `wait` for the transaction to begin, 30 s by default.
    pub async fn start_transaction(
        &self,
        request: &TransactionStart,
        wait: Option<Duration>,
    ) -> Result<Outcome<Transaction>, ClientError> {
        let builder = self.post(&["transactions", "start"]).json(request);
        outcome(prefer_wait(builder, wait)).await
    }

    /// `POST /api/v1/transactions/{id}/stop`: waits `wait` for the transaction to end, 30 s by default.
    pub async fn stop_transaction(
        &self,
        id: &str,
        wait: Option<Duration>,
    ) -> Result<Outcome<Transaction>, ClientError> {
        outcome(prefer_wait(self.post(&["transactions", id, "stop"]), wait)).await
    }

    /// `POST /api/v1/transactions/{id}/close`
    pub async fn close_transaction(
        &self,
        id: &str,
        request: &TransactionClose,
    ) -> Result<Transaction, ClientError> {
        read(self.post(&["transactions", id, "close"]).json(request)).await
    }

    /// `PATCH /api/v1/transactions/{id}/limits`
    pub async fn limit_transaction(
        &self,
        id: &str,
        limits: &Limits,
    ) -> Result<Transaction, ClientError> {
        let path = ["transactions", id, "limits"];
        read(self.request(Method::PATCH, &path, &[]).json(limits)).await
    }

    /// `GET /api/v1/transactions/{id}`
    pub async fn transaction(&self, id: &str) -> Result<Transaction, ClientError> {
        read(self.get(&["transactions", id])).await
    }

    /// `GET /api/v1/transactions/{id}/signed-values`
    pub async fn signed_values(
        &self,
        id: &str,
        cursor: Option<&str>,
    ) -> Result<SignedValues, ClientError> {
        let path = ["transactions", id, "signed-values"];
        let query = [("cursor", cursor.map(str::to_owned))];
        read(self.request(Method::GET, &path, &query)).await
    }

    /// `GET /api/v1/transactions/active`
    pub async fn active_transactions(
        &self,
        cursor: Option<&str>,
    ) -> Result<Page<Transaction>, ClientError> {
        let query = [("cursor", cursor.map(str::to_owned))];
        read(self.request(Method::GET, &["transactions", "active"], &query)).await
    }

    /// `GET /api/v1/transactions/history`: of the days `start_date` to `end_date` (`2024-01-31`), both included.
    pub async fn transaction_history(
        &self,
        start_date: &str,
        end_date: &str,
        cursor: Option<&str>,
    ) -> Result<Page<Transaction>, ClientError> {
        let query = [
            ("start_date", Some(start_date.to_owned())),
            ("end_date", Some(end_date.to_owned())),
            ("cursor", cursor.map(str::to_owned)),
        ];
        read(self.request(Method::GET, &["transactions", "history"], &query)).await
    }
}
