//! Plots as inline SVG.

use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 210.0;
/// Left of the plot, for numbers; below it; above and right of it.
const LEFT: f64 = 52.0;
const BELOW: f64 = 24.0;
const EDGE: f64 = 10.0;

/// A line of a plot.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// Its colour: a, b or c.
    pub(super) class: &'a str,
    pub(super) values: Vec<f64>,
}

/// Lines over seconds, from 0; `mark` is a moment that matters.
pub(super) fn plot(title: &str, seconds: &[f64], lines: &[Line<'_>], mark: Option<f64>) -> String {
    let last = seconds.last().copied().unwrap_or(0.0).max(1e-3);
    let values = lines.iter().flat_map(|line| line.values.iter().copied());
    let (top, step) = scale(values.fold(0.0, f64::max));
    let (_, step_s) = scale(last);
    let x = |second: f64| LEFT + second / last * (WIDTH - LEFT - EDGE);
    let y = |value: f64| HEIGHT - BELOW - value / top * (HEIGHT - BELOW - EDGE);

    let mut svg = begin(title, lines);
    horizontal_grid(&mut svg, top, step, y);
    let mut second = 0.0;
    while second <= last {
        text(
            &mut svg,
            x(second),
            HEIGHT - 8.0,
            "middle",
            &format!("{} s", number(second)),
        );
        second += step_s;
    }
    if let Some(at) = mark.filter(|at| (0.0..=last).contains(at)) {
        let at = x(at);
        let bottom = HEIGHT - BELOW;
        push(
            &mut svg,
            format_args!(
                "<line class=\"mark\" x1=\"{at:.1}\" y1=\"{EDGE}\" x2=\"{at:.1}\" y2=\"{bottom}\"/>"
            ),
        );
    }
    for line in lines {
        svg.push_str("<polyline class=\"line ");
        svg.push_str(line.class);
        svg.push_str("\" points=\"");
        for (second, value) in seconds.iter().zip(&line.values) {
            push(
                &mut svg,
                format_args!("{:.1},{:.1} ", x(*second), y(*value)),
            );
        }
        svg.push_str("\"/>");
    }
    svg.push_str("</svg></figure>");
    svg
}

/// A bar for each name.
pub(super) fn bars(title: &str, values: &[(&str, f64)]) -> String {
    let (top, step) = scale(values.iter().map(|(_, value)| *value).fold(0.0, f64::max));
    let y = |value: f64| HEIGHT - BELOW - value / top * (HEIGHT - BELOW - EDGE);
    let width = (WIDTH - LEFT - EDGE) / values.len().max(1) as f64;
    let mut svg = begin(title, &[]);
    horizontal_grid(&mut svg, top, step, y);
    for (at, (name, value)) in values.iter().enumerate() {
        let (left, upper) = (LEFT + width * at as f64, y(*value));
        push(
            &mut svg,
            format_args!(
                "<rect class=\"bar\" x=\"{:.1}\" y=\"{upper:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{name}: \
             {value:.2}</title></rect>",
                left + 2.0,
                width - 4.0,
                HEIGHT - BELOW - upper
            ),
        );
        text(&mut svg, left + width / 2.0, HEIGHT - 8.0, "middle", name);
    }
    svg.push_str("</svg></figure>");
    svg
}

fn begin(title: &str, lines: &[Line<'_>]) -> String {
    let mut svg = format!("<figure><figcaption>{title}</figcaption>");
    if 1 < lines.len() {
        for Line { name, class, .. } in lines {
            push(
                &mut svg,
                format_args!("<span class=\"{class} key\">{name}</span> "),
            );
        }
    }
    push(
        &mut svg,
        format_args!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">"),
    );
    svg
}

fn horizontal_grid(svg: &mut String, top: f64, step: f64, y: impl Fn(f64) -> f64) {
    let mut value = 0.0;
    while value <= top * 1.001 {
        let (at, right) = (y(value), WIDTH - EDGE);
        push(
            svg,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\"/>"
            ),
        );
        text(svg, LEFT - 6.0, at + 4.0, "end", &number(value));
        value += step;
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    push(
        svg,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"),
    );
}

fn push(svg: &mut String, args: std::fmt::Arguments<'_>) {
    svg.write_fmt(args).expect("a String takes everything");
}

/// A round number at or above `max`, and a round step of which it is four to ten.
fn scale(max: f64) -> (f64, f64) {
    if !max.is_finite() || max <= 0.0 {
        return (1.0, 0.25);
    }
    let rough = max / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| rough <= *step)
        .unwrap_or(10.0 * power);
    ((max / step).ceil() * step, step)
}

fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if 1e6 <= value => format!("{}M", trimmed(value / 1e6)),
        _ if 1e4 <= value => format!("{}k", trimmed(value / 1e3)),
        _ => trimmed(value),
    }
}

/// To three places, without zeros at the end.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_round() {
        for (max, expected) in [
            (0.0, (1.0, 0.25)),
            (5.0, (5.0, 1.0)),
            (7.3, (8.0, 2.0)),
            (99.0, (100.0, 20.0)),
            (101.0, (125.0, 25.0)),
        ] {
            assert_eq!(scale(max), expected, "{max}");
        }
        let numbers = [0.0, 0.25, 7.5, 2_500.0, 12_500.0, 3e6].map(number);
        assert_eq!(numbers, ["0", "0.25", "7.5", "2500", "12.5k", "3M"]);
    }
}
