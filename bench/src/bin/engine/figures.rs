//! What the turns come to.

use bench::contender::{Contender, Foreign};
use bench::output::Figure;
use bench::servers::Rival;
use bench::stats::median;
use net::driver::DriverKind;

use super::Turn;
use super::plan::{CONTENDERS, Coming, FLOOR};

/// Ours, each with a layer more than the one before it; over epoll, and over io_uring.
const LAYERS: [(&str, Rival, Rival); 6] = [
    ("the driver, TCP", Rival::Driver, Rival::DriverUring),
    ("WebSocket frames", Rival::WebSocket, Rival::WebSocketUring),
    ("the envelope of OCPP-J", Rival::Codec, Rival::CodecUring),
    ("validation", Rival::Checked, Rival::CheckedUring),
    (
        "connections, stations, metrics",
        Rival::DataplaneUnlogged,
        Rival::DataplaneUringUnlogged,
    ),
    ("the log", Rival::Dataplane, Rival::DataplaneUring),
];

/// Others, and what the data plane is to take of theirs at most.
const OTHERS: [(Contender, &str); 4] = [
    (Contender::Foreign(Foreign::Bun), "1.00"),
    (Contender::Here(Rival::TungsteniteTuned), "0.90"),
    (Contender::Here(Rival::TungsteniteDefault), "0.50"),
    (Contender::Foreign(Foreign::Mobilityhouse), "0.05"),
];
/// Heartbeats per second whose latency has a goal.
const GOAL_RATE: u64 = 20_000;
/// Connections from which on there is a goal: one alone waits out every round trip.
const GOALS_SOCKETS: usize = 100;

pub(super) fn figures(data: &[Turn], sockets: &[usize]) -> Vec<Figure> {
    let mut comings: Vec<Coming> = Vec::new();
    for turn in data {
        if !comings.contains(&turn.coming) {
            comings.push(turn.coming);
        }
    }
    let mut figures = Vec::new();
    for &coming in &comings {
        for &count in sockets {
            for rival in CONTENDERS {
                figures.extend(figure(data, rival, count, coming));
            }
        }
    }
    for &count in sockets {
        figures.extend(layers(data, count));
    }
    for &count in sockets {
        figures.extend(beside(data, count));
    }
    figures
}

fn of(data: &[Turn], rival: Contender, sockets: usize, coming: Coming) -> Vec<&Turn> {
    let is_it = |turn: &&Turn| (turn.server, turn.sockets, turn.coming) == (rival, sockets, coming);
    data.iter().filter(is_it).collect()
}

/// One contender's, if it was asked.
fn figure(data: &[Turn], rival: Contender, sockets: usize, coming: Coming) -> Option<Figure> {
    let turns = of(data, rival, sockets, coming);
    if turns.is_empty() {
        return None;
    }
    let floor = of(data, FLOOR, sockets, coming);
    let ratios = turns
        .iter()
        .zip(&floor)
        .map(|(turn, echo)| turn.server_ns / echo.server_ns);
    let cpu = format!(
        "{:.2} × echo; {:.2} µs",
        median(ratios.collect()),
        median(turns.iter().map(|turn| turn.server_ns).collect()) / 1e3
    );
    let latency = |of: fn(&Turn) -> f64| median(turns.iter().map(|turn| of(turn)).collect());
    let name = format!("{}, {sockets} sockets", rival.name());
    let (name, value, reach) = match coming {
        Coming::Together(1) => (name, cpu, reach(rival, sockets)),
        Coming::Together(deep) => (format!("{name}, bursts of {deep}"), cpu, None),
        Coming::Rate(rate) => (
            format!("{name}, {rate}/s"),
            format!(
                "{cpu}; p50 {:.0} µs, p99 {:.0} µs",
                latency(|turn| turn.round.latency.p50_us),
                latency(|turn| turn.round.latency.p99_us)
            ),
            (rate == GOAL_RATE && is_dataplane(rival)).then(|| "p99 ≤ 1 ms".to_owned()),
        ),
    };
    Some(Figure { name, value, reach })
}

fn is_dataplane(rival: Contender) -> bool {
    matches!(
        rival,
        Contender::Here(
            Rival::Dataplane
                | Rival::DataplaneUnlogged
                | Rival::DataplaneUring
                | Rival::DataplaneUringUnlogged
        )
    )
}

/// What each of our layers adds, on either driver: the difference to the one below it within a turn.
fn layers(data: &[Turn], sockets: usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    for driver in [DriverKind::Epoll, DriverKind::IoUring] {
        let rival = |layer: &(&str, Rival, Rival)| match driver {
            DriverKind::Epoll => layer.1,
            DriverKind::IoUring => layer.2,
        };
        let turns = |rival: Rival| of(data, Contender::Here(rival), sockets, Coming::Together(1));
        // TCP itself is what stands under them.
        for (below, layer) in LAYERS.iter().zip(&LAYERS[1..]) {
            let (below, above) = (turns(rival(below)), turns(rival(layer)));
            // With so many connections not all of them are measured.
            if below.is_empty() || above.is_empty() {
                continue;
            }
            let added = above
                .iter()
                .zip(&below)
                .map(|(above, below)| above.server_ns - below.server_ns);
            figures.push(Figure {
                name: format!("{} adds, {sockets} sockets, {}", layer.0, driver.name()),
                value: format!("{:.0} ns", median(added.collect())),
                reach: None,
            });
        }
    }
    figures
}

/// What the data plane takes of what others do in the same turns, with its log and without: theirs have none.
fn beside(data: &[Turn], sockets: usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    for ours in [Rival::Dataplane, Rival::DataplaneUnlogged] {
        for (other, most) in OTHERS {
            let turns = |of_whom| of(data, of_whom, sockets, Coming::Together(1));
            let (here, there) = (turns(Contender::Here(ours)), turns(other));
            if here.is_empty() || there.is_empty() {
                continue;
            }
            let ratios = here.iter().zip(&there);
            let ratios = ratios.map(|(ours, theirs)| ours.server_ns / theirs.server_ns);
            figures.push(Figure {
                name: format!("{} beside {}, {sockets} sockets", ours.name(), other.name()),
                value: format!("{:.2} ×", median(ratios.collect())),
                reach: (GOALS_SOCKETS <= sockets).then(|| format!("≤ {most} ×")),
            });
        }
    }
    figures
}

/// Of the whole data plane, by the driver's floor at so many sockets.
fn reach(rival: Contender, sockets: usize) -> Option<String> {
    if sockets < GOALS_SOCKETS {
        return None;
    }
    let factor = match rival {
        Contender::Here(Rival::Dataplane | Rival::DataplaneUnlogged) => "1.10",
        Contender::Here(Rival::DataplaneUring | Rival::DataplaneUringUnlogged) => match sockets {
            ..1_000 => "0.95",
            1_000..10_000 => "1.00",
            10_000.. => "1.05",
        },
        Contender::Here(_) | Contender::Foreign(_) => return None,
    };
    Some(format!("≤ {factor} × echo"))
}
