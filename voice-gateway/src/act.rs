//! Does what was understood, with the caller's own rights and through the API alone.
//!
//! A charge starts only by a yes that follows our own question; everything else acts at once. What a station or
//! the API answers is told as it is.

use std::time::Duration;

use sdk::{
    Client, ClientError, ConnectorStatus, Device, DeviceFilter, IssueCategory, IssueRequest,
    Outcome, Transaction, TransactionStart,
};
use serde_json::{Value, json};

use crate::nlu::{self, Intent, Reply, Understood};
use crate::redact::redact;
use crate::reply;
use crate::session::{PATIENCE, Question, Start, Wish};
use crate::stations::{self, Found, Named, Place};

/// How long a station may take before EVA says that it has not answered yet.
const STATION_WAIT: Duration = Duration::from_secs(15);
/// Pages of running charges that are looked through.
const PAGES_MAX: usize = 20;
/// Longest text of a report, characters.
const REPORT_CHARS_MAX: usize = 1_000;

/// What became of a sentence, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Status {
    /// It was done, or the question answered.
    Done,
    /// It needs another sentence: a yes, or a station.
    Asked,
    /// The caller said no.
    Declined,
    /// The API or the station refused, or nothing was found to act on.
    Refused,
    /// The API did not answer.
    Failed,
    /// It was not understood.
    NotUnderstood,
}

impl Status {
    pub(crate) const ALL: [Self; 6] = [
        Self::Done,
        Self::Asked,
        Self::Declined,
        Self::Refused,
        Self::Failed,
        Self::NotUnderstood,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Asked => "asked",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::NotUnderstood => "not_understood",
        }
    }
}

/// What EVA answers, and what the conversation waits for then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) intent: Intent,
    pub(crate) confidence: f64,
    pub(crate) status: Status,
    pub(crate) text: String,
    pub(crate) result: Option<Value>,
    pub(crate) question: Option<Question>,
}

/// What one sentence leads to, before it is known whose intent it was.
struct Said {
    status: Status,
    text: String,
    result: Option<Value>,
    question: Option<Question>,
}

impl Said {
    fn new(status: Status, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            result: None,
            question: None,
        }
    }

    fn with(mut self, result: Value) -> Self {
        self.result = Some(result);
        self
    }

    fn asking(mut self, question: Question) -> Self {
        self.question = Some(question);
        self
    }
}

/// One caller.
pub(crate) struct Speaker<'a> {
    /// The API, asked with the caller's token.
    pub(crate) client: &'a Client,
    /// Where the caller is.
    pub(crate) near: Option<Place>,
    /// What a kilowatt-hour costs, `0.75`.
    pub(crate) price_per_kwh: Option<&'a str>,
}

impl Speaker<'_> {
    /// Answers a sentence of a conversation that waits for `question`.
    ///
    /// # Errors
    ///
    /// A [`ClientError`] only when the caller's token is not valid; every other one is told in words.
    pub(crate) async fn answer(
        &self,
        text: &str,
        question: Option<Question>,
    ) -> Result<Answer, ClientError> {
        let understood = nlu::understand(text);
        let named = Named::of(&understood);
        let (intent, confidence, said) = match question {
            Some(Question::Confirm(start)) if nlu::confirmation(text) == Reply::Yes => {
                (Intent::StartCharge, 1.0, self.start_confirmed(start).await)
            }
            Some(Question::Confirm(_)) if nlu::confirmation(text) == Reply::No => {
                let said = Said::new(Status::Declined, reply::DECLINED);
                (Intent::StartCharge, 1.0, Ok(said))
            }
            Some(Question::Station(wish))
                if understood.intent == Intent::Unknown && !named.is_empty() =>
            {
                (intent_of(&wish), 1.0, self.fulfil(wish, &named).await)
            }
            _ => match wish(&understood, text) {
                Some(wish) => {
                    let said = self.fulfil(wish, &named).await;
                    (understood.intent, understood.confidence, said)
                }
                None => {
                    let said = Said::new(Status::NotUnderstood, reply::NOT_UNDERSTOOD);
                    (Intent::Unknown, understood.confidence, Ok(said))
                }
            },
        };
        let said = said.or_else(told)?;
        Ok(Answer {
            intent,
            confidence,
            status: said.status,
            text: said.text,
            result: said.result,
            question: said.question,
        })
    }

    async fn fulfil(&self, wish: Wish, named: &Named) -> Result<Said, ClientError> {
        let device = if named.is_empty() {
            None
        } else {
            match stations::find(self.client, named).await? {
                Found::One(device) => Some(*device),
                Found::Many(devices) => return Ok(self.ask_which(devices, wish)),
                Found::Nothing => {
                    let said = Said::new(Status::Refused, reply::NO_STATION);
                    return Ok(said.asking(Question::Station(wish)));
                }
            }
        };
        match (wish, device) {
            (Wish::Start { connector }, Some(device)) => {
                Ok(self.ask_to_confirm(&device, connector))
            }
            (Wish::Report { category, text }, Some(device)) => {
                self.report(&device, category, text).await
            }
            (Wish::Status { .. }, Some(device)) => {
                let result = json!({ "device": device });
                Ok(Said::new(Status::Done, reply::station(&device)).with(result))
            }
            (Wish::Status { own_charge: false }, None) => self.availability().await,
            (Wish::Status { own_charge: true }, None) => self.progress(None).await,
            (Wish::Stop, device) => self.stop(device).await,
            (Wish::Cost, device) => self.cost(device).await,
            (wish @ (Wish::Start { .. } | Wish::Report { .. }), None) => {
                let said = Said::new(Status::Asked, reply::WHICH_STATION);
                Ok(said.asking(Question::Station(wish)))
            }
        }
    }

    fn ask_which(&self, mut devices: Vec<Device>, wish: Wish) -> Said {
        stations::sort_by_distance(&mut devices, self.near);
        let names = reply::names(devices.iter().map(|device| device.id.as_str()));
        let ids: Vec<_> = devices.iter().map(|device| &device.id).collect();
        let text =
            format!("Há mais de um posto com esse número: {names}. Diga o identificador completo.");
        let result = json!({ "candidates": ids });
        Said::new(Status::Asked, text)
            .with(result)
            .asking(Question::Station(wish))
    }

    /// The first half of a start: our own words name what a yes will do.
    fn ask_to_confirm(&self, device: &Device, connector: Option<u32>) -> Said {
        let id = &device.id;
        if !device.is_online {
            return Said::new(
                Status::Refused,
                format!("O posto {id} está offline; nada foi iniciado."),
            );
        }
        let free = |status: ConnectorStatus| {
            let connector = device.connectors.iter().find(|c| c.status == Some(status));
            connector.map(|connector| connector.id)
        };
        let connector_id = connector
            .or_else(|| free(ConnectorStatus::Available))
            .or_else(|| device.connectors.first().map(|connector| connector.id))
            .unwrap_or(1);
        let price = self
            .price_per_kwh
            .map(|price| format!(", a {} por kWh", reply::money(price, "BRL")))
            .unwrap_or_default();
        let start = Start {
            device_id: id.clone(),
            connector_id,
        };
        let result = json!({
            "needs_confirmation": true,
            "device_id": id,
            "connector_id": connector_id,
            "expires_in_seconds": PATIENCE.as_secs(),
        });
        let text = format!(
            "Vou iniciar o carregamento no posto {id}, conector {connector_id}{price}. Confirma? Diga sim ou não."
        );
        Said::new(Status::Asked, text)
            .with(result)
            .asking(Question::Confirm(start))
    }

    async fn start_confirmed(&self, start: Start) -> Result<Said, ClientError> {
        let Start {
            device_id,
            connector_id,
        } = start;
        let request = TransactionStart {
            device_id: device_id.clone(),
            connector_id,
            ..TransactionStart::default()
        };
        Ok(match self.client.start_transaction(&request, Some(STATION_WAIT)).await? {
            Outcome::Done(transaction) => Said::new(
                Status::Done,
                format!("Pronto, o carregamento começou no posto {device_id}, conector {connector_id}."),
            )
            .with(json!({ "transaction": transaction })),
            Outcome::Pending(command) => Said::new(
                Status::Done,
                format!("Pedi o início ao posto {device_id}; o carregamento ainda não começou. Consulte o status em instantes."),
            )
            .with(json!({ "command": command })),
        })
    }

    async fn stop(&self, device: Option<Device>) -> Result<Said, ClientError> {
        let running = self.running(device.as_ref()).await?;
        let transaction = match running.as_slice() {
            [] => return Ok(Said::new(Status::Refused, no_charge(device.as_ref()))),
            [one] => one,
            several => return Ok(ask_which_charge(several, Wish::Stop)),
        };
        let id = &transaction.device_id;
        Ok(
            match self
                .client
                .stop_transaction(&transaction.id, Some(STATION_WAIT))
                .await?
            {
                Outcome::Done(transaction) => {
                    let amounts = reply::amounts(&transaction).map(|text| format!(": {text}"));
                    let text = format!(
                        "Carregamento encerrado no posto {id}{}.",
                        amounts.unwrap_or_default()
                    );
                    Said::new(Status::Done, text).with(json!({ "transaction": transaction }))
                }
                Outcome::Pending(command) => {
                    let text =
                        format!("Pedi o fim ao posto {id}; o carregamento ainda não terminou.");
                    Said::new(Status::Done, text).with(json!({ "command": command }))
                }
            },
        )
    }

    async fn cost(&self, device: Option<Device>) -> Result<Said, ClientError> {
        let running = self.running(device.as_ref()).await?;
        let price = self
            .price_per_kwh
            .map(|price| format!("A energia custa {} por kWh.", reply::money(price, "BRL")));
        let (found, transaction) = match running.as_slice() {
            [] => (no_charge(device.as_ref()), None),
            [one] => {
                let id = &one.device_id;
                let text = match reply::amounts(one) {
                    Some(amounts) => format!("Até agora, no posto {id}: {amounts}."),
                    None => format!("O posto {id} ainda não informou o consumo."),
                };
                (text, Some(one))
            }
            several => return Ok(ask_which_charge(several, Wish::Cost)),
        };
        // What is not billed yet has no cost; its price says enough.
        let billed = transaction.is_some_and(|transaction| transaction.cost.is_some());
        let text = match price.filter(|_| !billed) {
            Some(price) => format!("{found} {price}"),
            None => found,
        };
        let said = Said::new(Status::Done, text);
        Ok(match transaction {
            Some(transaction) => said.with(json!({ "transaction": transaction })),
            None => said,
        })
    }

    /// How the running charge is.
    async fn progress(&self, device: Option<Device>) -> Result<Said, ClientError> {
        let running = self.running(device.as_ref()).await?;
        Ok(match running.as_slice() {
            [] => Said::new(Status::Done, no_charge(device.as_ref())),
            [one] => {
                let amounts = reply::amounts(one).map(|text| format!(": {text} até agora"));
                let text = format!(
                    "Seu carregamento no posto {} está em andamento{}.",
                    one.device_id,
                    amounts.unwrap_or_default()
                );
                Said::new(Status::Done, text).with(json!({ "transaction": one }))
            }
            several => {
                let names = reply::names(
                    several
                        .iter()
                        .map(|transaction| transaction.device_id.as_str()),
                );
                let text = format!(
                    "Há {} carregamentos ativos, nos postos {names}.",
                    several.len()
                );
                Said::new(Status::Done, text).with(json!({ "active": several.len() }))
            }
        })
    }

    /// Which stations are free.
    async fn availability(&self) -> Result<Said, ClientError> {
        let filter = DeviceFilter {
            status: Some(ConnectorStatus::Available),
            online: Some(true),
            limit: Some(500),
            ..DeviceFilter::default()
        };
        let page = self.client.devices(&filter).await?;
        let mut devices = page.items;
        stations::sort_by_distance(&mut devices, self.near);
        let names = reply::names(devices.iter().map(|device| device.id.as_str()));
        let text = match (devices.len(), page.next_cursor.is_some()) {
            (0, _) => "Nenhum posto está disponível agora.".to_owned(),
            (1, false) => format!("Um posto está disponível: {names}."),
            (count, false) => format!("{count} postos estão disponíveis: {names}."),
            (count, true) => {
                format!("Mais de {count} postos estão disponíveis, entre eles {names}.")
            }
        };
        let ids: Vec<_> = devices.iter().take(20).map(|device| &device.id).collect();
        Ok(Said::new(Status::Done, text).with(json!({ "available": ids })))
    }

    async fn report(
        &self,
        device: &Device,
        category: IssueCategory,
        text: String,
    ) -> Result<Said, ClientError> {
        let request = IssueRequest { category, text };
        let receipt = self.client.report_issue(&device.id, &request).await?;
        let text = format!(
            "Registrei o problema no posto {}. Obrigada por avisar.",
            device.id
        );
        Ok(Said::new(Status::Done, text).with(json!({ "issue": receipt })))
    }

    /// Charges that run, on one station or on all.
    async fn running(&self, device: Option<&Device>) -> Result<Vec<Transaction>, ClientError> {
        let mut running = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = self.client.active_transactions(cursor.as_deref()).await?;
            running.extend(page.items.into_iter().filter(|transaction| {
                device.is_none_or(|device| device.id == transaction.device_id)
            }));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(running)
    }
}

/// What the sentence asks for.
fn wish(understood: &Understood, text: &str) -> Option<Wish> {
    Some(match understood.intent {
        Intent::CheckStatus => Wish::Status {
            own_charge: understood.own_charge,
        },
        Intent::StartCharge => Wish::Start {
            connector: understood.connector,
        },
        Intent::StopCharge => Wish::Stop,
        Intent::CheckCost => Wish::Cost,
        Intent::ReportIssue => Wish::Report {
            category: nlu::category(text),
            text: redact(text, REPORT_CHARS_MAX),
        },
        Intent::Unknown => return None,
    })
}

fn intent_of(wish: &Wish) -> Intent {
    match wish {
        Wish::Status { .. } => Intent::CheckStatus,
        Wish::Start { .. } => Intent::StartCharge,
        Wish::Stop => Intent::StopCharge,
        Wish::Cost => Intent::CheckCost,
        Wish::Report { .. } => Intent::ReportIssue,
    }
}

fn no_charge(device: Option<&Device>) -> String {
    match device {
        Some(device) => format!("Não há carregamento ativo no posto {}.", device.id),
        None => reply::NO_CHARGE.to_owned(),
    }
}

fn ask_which_charge(running: &[Transaction], wish: Wish) -> Said {
    let mut ids: Vec<_> = running
        .iter()
        .map(|transaction| transaction.device_id.as_str())
        .collect();
    ids.dedup();
    let count = running.len();
    let names = reply::names(ids.iter().copied());
    if let [one] = ids.as_slice() {
        // Two connectors of one station: a voice cannot tell them apart safely.
        let text = format!(
            "Há {count} carregamentos ativos no posto {one}. Use o painel para escolher um deles."
        );
        return Said::new(Status::Refused, text);
    }
    let text = format!("Há {count} carregamentos ativos, nos postos {names}. Em qual posto?");
    Said::new(Status::Asked, text)
        .with(json!({ "candidates": ids }))
        .asking(Question::Station(wish))
}

/// A refusal of the API in words; the caller's own token is not ours to explain.
fn told(error: ClientError) -> Result<Said, ClientError> {
    let Some(problem) = error.problem() else {
        return Ok(Said::new(Status::Failed, reply::UNREACHABLE));
    };
    let station = problem
        .command
        .as_ref()
        .map_or("", |command| command.device_id.as_str());
    let (status, text) = match problem.slug() {
        "unauthorized" => return Err(error),
        "forbidden" => (Status::Refused, reply::FORBIDDEN.to_owned()),
        "offline" => (
            Status::Refused,
            format!("O posto {station} está offline; nada foi feito."),
        ),
        "rejected" => (
            Status::Refused,
            format!("O posto {station} recusou o pedido."),
        ),
        "queue_full" => (
            Status::Refused,
            format!("O posto {station} tem pedidos demais na fila. Tente de novo em instantes."),
        ),
        "not_found" => (Status::Refused, reply::NO_STATION.to_owned()),
        _ => (Status::Failed, reply::UNREACHABLE.to_owned()),
    };
    Ok(Said::new(status, text).with(json!({ "problem": problem.kind })))
}
