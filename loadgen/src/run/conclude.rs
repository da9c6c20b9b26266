//! The end of a run: its report, as text and as files, and the verdict.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use loadgen::report::{File, Threshold};

use super::print;
use crate::options;

/// Where a report goes and what it must keep.
pub(super) struct Conclusion<'a> {
    pub(super) report_json: Option<&'a Path>,
    pub(super) report_html: Option<&'a Path>,
    pub(super) limits: Vec<Threshold>,
    /// Without limits, whether every station of a storm has to be back.
    pub(super) all_back: bool,
}

impl Conclusion<'_> {
    /// Shows and writes `file`, and looks at its limits.
    pub(super) fn of(&self, file: &File) -> anyhow::Result<ExitCode> {
        let summary = file.report.summary(file.run.clone(), file.elapsed);
        print(&summary.text())?;
        if let Some(path) = self.report_json {
            write(path, file)?;
        }
        let mut failures: Vec<String> = self
            .limits
            .iter()
            .filter_map(|limit| limit.failure(&summary))
            .collect();
        if summary.connections.opened == 0 && summary.peers.is_empty() {
            failures.push("no station ever connected; is the server at --url up?".to_owned());
        }
        if let Some(storm) = summary
            .storm
            .as_ref()
            .filter(|storm| self.all_back && self.limits.is_empty() && 0 < storm.missing)
        {
            failures.push(format!("{} stations were not back in time", storm.missing));
        }
        if let Some(path) = self.report_html {
            let page = file.html(&summary, self.limits.len(), &failures);
            fs::write(path, page).with_context(|| format!("writing {}", path.display()))?;
        }
        for failure in &failures {
            print(&format!("FAILED: {failure}\n"))?;
        }
        Ok(ExitCode::from(u8::from(!failures.is_empty())))
    }
}

/// Writes a report as JSON.
pub(super) fn write(path: &Path, file: &File) -> anyhow::Result<()> {
    let written = file
        .report
        .written(file.run.clone(), file.elapsed)
        .context("writing the report")?;
    let json = serde_json::to_string_pretty(&written).context("writing the report")?;
    fs::write(path, json + "\n").with_context(|| format!("writing {}", path.display()))
}

/// Reads a report that [`write`] wrote.
pub(super) fn read(path: &Path) -> anyhow::Result<File> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    File::read(&text).with_context(|| {
        format!(
            "{} is no report; `loadgen fleet --report-json` and `loadgen storm --report-json` write one",
            path.display()
        )
    })
}

/// Puts parts of one run together.
///
/// # Panics
///
/// When there is none.
pub(super) fn together(parts: impl IntoIterator<Item = File>) -> File {
    parts
        .into_iter()
        .reduce(|mut whole, part| {
            whole.run.join(&part.run);
            whole.elapsed = whole.elapsed.max(part.elapsed);
            whole.report.merge(&part.report);
            whole
        })
        .expect("a run has at least one part")
}

/// Joins reports.
///
/// # Errors
///
/// A file cannot be read, is no report, or cannot be written.
pub(crate) fn join(options: &options::Join) -> anyhow::Result<ExitCode> {
    let parts: Vec<File> = options
        .reports
        .iter()
        .map(|path| read(path))
        .collect::<anyhow::Result<_>>()?;
    let conclusion = Conclusion {
        report_json: options.report_json.as_deref(),
        report_html: options.report_html.as_deref(),
        limits: options.fail_if.clone(),
        all_back: true,
    };
    conclusion.of(&together(parts))
}
