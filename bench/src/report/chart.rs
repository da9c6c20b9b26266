//! Bars as SVG.

use std::fmt::Write as _;

/// Pixels.
const WIDTH: usize = 760;
const LABELS: usize = 230;
const VALUES: usize = 90;
const ROW: usize = 22;
const HEAD: usize = 34;

/// A bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    /// As it is written behind the bar.
    pub(super) shown: String,
    /// Of ours, which is drawn in another colour.
    pub(super) ours: bool,
}

/// Bars below each other, from zero on, so that their lengths compare.
#[derive(Debug)]
pub(super) struct Chart {
    /// What the bars are, with the unit.
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
}

impl Chart {
    pub(super) fn svg(&self) -> String {
        let longest = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        let height = HEAD + ROW * self.bars.len() + ROW / 2;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <text x=\"8\" y=\"22\" font-weight=\"bold\">{}</text>\n",
            escaped(&self.title)
        );
        for (row, bar) in self.bars.iter().enumerate() {
            let top = HEAD + ROW * row;
            let (text_at, room) = (top + 15, (WIDTH - LABELS - VALUES) as f64);
            let length = if longest > 0.0 {
                bar.value / longest * room
            } else {
                0.0
            };
            let colour = if bar.ours { "#0b7285" } else { "#adb5bd" };
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{text_at}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LABELS}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{text_at}\">{}</text>",
                LABELS - 8,
                escaped(&bar.label),
                top + 2,
                ROW - 5,
                LABELS as f64 + length + 6.0,
                escaped(&bar.shown),
            )
            .expect("a String takes everything");
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
