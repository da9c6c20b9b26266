//! What EVA says, in Brazilian Portuguese.

use sdk::{ConnectorStatus, Device, Transaction};

/// Stations that one sentence names at most.
const NAMES_MAX: usize = 5;

pub(crate) const NOT_UNDERSTOOD: &str = "Não entendi. Pode repetir?";
pub(crate) const NO_SPEECH: &str = "Recebi o áudio, mas o reconhecimento de fala não está configurado. Envie o texto do seu pedido.";
pub(crate) const WHICH_STATION: &str = "Em qual posto?";
pub(crate) const DECLINED: &str = "Tudo bem, não iniciei o carregamento.";
pub(crate) const NO_CHARGE: &str = "Não há carregamento ativo.";
pub(crate) const NO_STATION: &str = "Não encontrei esse posto. Diga o identificador completo dele.";
pub(crate) const UNREACHABLE: &str =
    "Não consegui falar com o sistema agora. Tente de novo em instantes.";
pub(crate) const FORBIDDEN: &str = "Seu acesso não permite fazer isso.";

/// `0.75` as `R$ 0,75`.
pub(crate) fn money(amount: &str, currency: &str) -> String {
    let amount = amount.replace('.', ",");
    if currency == "BRL" {
        format!("R$ {amount}")
    } else {
        format!("{currency} {amount}")
    }
}

/// Kilowatt-hours with two decimals: `7,04 kWh`.
pub(crate) fn energy(kwh: f64) -> String {
    format!("{kwh:.2} kWh").replace('.', ",")
}

/// "CP001, CP002 e CP003", shortened.
pub(crate) fn names<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let ids: Vec<_> = ids.collect();
    let shown = &ids[..ids.len().min(NAMES_MAX)];
    match (shown, ids.len() - shown.len()) {
        ([], _) => String::new(),
        ([one], 0) => (*one).to_owned(),
        ([first @ .., last], 0) => format!("{} e {last}", first.join(", ")),
        (shown, more) => format!("{} e mais {more}", shown.join(", ")),
    }
}

/// "O posto CP001 está online. Conector 1: disponível; conector 2: ocupado."
pub(crate) fn station(device: &Device) -> String {
    let id = &device.id;
    if !device.is_online {
        return format!("O posto {id} está offline.");
    }
    let connectors: Vec<_> = device
        .connectors
        .iter()
        .map(|connector| {
            let status = connector.status.map_or("sem informação", status);
            format!("conector {}: {status}", connector.id)
        })
        .collect();
    if connectors.is_empty() {
        return format!("O posto {id} está online e ainda não informou seus conectores.");
    }
    format!("O posto {id} está online; {}.", connectors.join("; "))
}

fn status(status: ConnectorStatus) -> &'static str {
    match status {
        ConnectorStatus::Available => "disponível",
        ConnectorStatus::Occupied => "ocupado",
        ConnectorStatus::Reserved => "reservado",
        ConnectorStatus::Unavailable => "fora de serviço",
        ConnectorStatus::Faulted => "com falha",
    }
}

/// "3,20 kWh, R$ 2,40", as far as both are known.
pub(crate) fn amounts(transaction: &Transaction) -> Option<String> {
    let energy = transaction.total_energy.map(energy);
    let cost = transaction
        .cost
        .as_deref()
        .map(|cost| money(cost, &transaction.currency));
    match (energy, cost) {
        (Some(energy), Some(cost)) => Some(format!("{energy}, {cost}")),
        (energy, cost) => energy.or(cost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spoken_the_brazilian_way() {
        assert_eq!(money("1234.50", "BRL"), "R$ 1234,50");
        assert_eq!(money("2.00", "EUR"), "EUR 2,00");
        assert_eq!(energy(7.0425), "7,04 kWh");
    }

    #[test]
    fn lists_are_short() {
        let list = |n: usize| names(["A", "B", "C", "D", "E", "F", "G"].into_iter().take(n));
        for (n, expected) in [
            (0, ""),
            (1, "A"),
            (2, "A e B"),
            (5, "A, B, C, D e E"),
            (7, "A, B, C, D, E e mais 2"),
        ] {
            assert_eq!(list(n), expected);
        }
    }
}
