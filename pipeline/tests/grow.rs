//! A lake that an older program wrote, with fewer columns: it gets the others, and its files are read as they are.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipeline::{Lake, LakeError, Stations, open_offline};
use serde_json::Value;

use crate::support::*;

const TABLE: &str = "meter_values";
/// Not known to the program of before.
const LATER: [&str; 2] = ["energy_wh", "temperature_c"];

fn commits(lake_dir: &Path, table: &str) -> Vec<PathBuf> {
    let mut commits: Vec<PathBuf> = std::fs::read_dir(lake_dir.join(table).join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    commits.sort();
    commits
}

/// The actions of a commit changed, one by one.
fn rewrite(commit: &Path, mut change: impl FnMut(&mut Value)) {
    let text = std::fs::read_to_string(commit).unwrap();
    let line = |line: &str| {
        let mut action: Value = serde_json::from_str(line).unwrap();
        change(&mut action);
        format!("{action}\n")
    };
    let text: String = text.lines().map(line).collect();
    std::fs::write(commit, text).unwrap();
}

fn change_schema(action: &mut Value, change: impl FnOnce(&mut Vec<Value>)) {
    let Some(text) = action.pointer_mut("/metaData/schemaString") else {
        return;
    };
    let mut schema: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    *text = schema.to_string().into();
}

/// Makes a table of a lake that is down what a program without `columns` would have written: no file has them, no commit
/// names them.
fn without(lake_dir: &Path, table: &str, columns: &[&str]) {
    let is_later = |name: &str| columns.contains(&name);
    let dir = lake_dir.join(table);
    for commit in commits(lake_dir, table) {
        rewrite(&commit, |action| {
            change_schema(action, |fields| {
                fields.retain(|field| !is_later(field["name"].as_str().unwrap()));
            });
            let Some(add) = action.get_mut("add") else {
                return;
            };
            let path = dir.join(add["path"].as_str().unwrap().replace("%3D", "="));
            add["size"] = reduced(&path, &is_later).into();
            let mut stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
            for bounds in ["minValues", "maxValues", "nullCount"] {
                let bounds = stats[bounds].as_object_mut().unwrap();
                bounds.retain(|name, _| !is_later(name));
            }
            add["stats"] = stats.to_string().into();
        });
    }
}

/// Leaves columns out of a file; its new length.
fn reduced(path: &Path, is_later: &dyn Fn(&str) -> bool) -> u64 {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    let kept = schema.fields().iter().enumerate();
    let kept: Vec<_> = kept
        .filter(|(_, field)| !is_later(field.name()))
        .map(|(index, _)| index)
        .collect();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let schema = Arc::new(schema.project(&kept).unwrap());
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, None).unwrap();
    for batch in batches {
        writer.write(&batch.project(&kept).unwrap()).unwrap();
    }
    writer.close().unwrap();
    std::fs::metadata(path).unwrap().len()
}

/// A lake with 40 rows in two files of a day that is over, whose table of meter values lacks [`LATER`].
async fn of_before(dir: &Path, log: &mut TestLog) {
    let lake = lake(dir, &[log]);
    for part in 0..2 {
        for n in 0..20 {
            let at = T0 - 400 * 24 * HOUR + n * MINUTE;
            log.append(
                "default/CP1",
                at,
                meter(None, 1, at, 1_000, 1.5 + part as f64),
            );
        }
        log.sync();
        until(
            &lake.sql(),
            "SELECT count(*) FROM meter_values",
            &((part + 1) * 20).to_string(),
        )
        .await;
        lake.flush().await.unwrap();
    }
    lake.shutdown().await.unwrap();
    without(&dir.join("lake"), TABLE, &LATER);
}

const CONTENT: &str = "SELECT count(*), count(energy_wh), sum(energy_wh), count(temperature_c), sum(power_w), \
                       count(DISTINCT seq) FROM meter_values";

/// Of the rows of [`of_before`]; the sum of nothing is NULL, which shows as no cell.
const OF_BEFORE: [&str; 5] = ["40", "0", "0", "80.0", "40"];

async fn content(lake: &Lake) -> Vec<String> {
    let table = table(&lake.sql(), CONTENT).await;
    let row = table.lines().nth(3).unwrap();
    row.split('|')
        .map(|cell| cell.trim().to_owned())
        .filter(|cell| !cell.is_empty())
        .collect()
}

#[tokio::test]
async fn a_table_with_fewer_columns_gets_the_others_and_its_files_have_null_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    of_before(dir.path(), &mut log).await;
    let (lake_dir, before) = (
        dir.path().join("lake"),
        commits(&dir.path().join("lake"), TABLE),
    );

    let grown = lake(dir.path(), &[&log]);
    let after = commits(&lake_dir, TABLE);
    assert_eq!(after.len(), before.len() + 1, "one commit for all columns");
    let text = std::fs::read_to_string(after.last().unwrap()).unwrap();
    assert!(
        text.contains("ALTER TABLE") && !text.contains("\"protocol\""),
        "{text}"
    );
    assert_eq!(content(&grown).await, OF_BEFORE);
    // A condition on the new column reaches the files too.
    for (condition, rows) in [
        ("energy_wh IS NULL", "40"),
        ("energy_wh > 0", "0"),
        ("coalesce(temperature_c, 0) = 0 AND power_w > 2", "20"),
    ] {
        let query = format!("SELECT count(*) FROM meter_values WHERE {condition}");
        assert_eq!(value(&grown.sql(), &query).await, rows, "{condition}");
    }

    // Rows of today beside them: in memory, in a file, merged with the old ones.
    let at = T0 - 400 * 24 * HOUR;
    log.put("default/CP1", at, meter(None, 1, at, 2_500, 1.0));
    until(&grown.sql(), "SELECT count(*) FROM meter_values", "41").await;
    let expected = ["41", "1", "2.500", "0", "81.0", "41"];
    assert_eq!(content(&grown).await, expected, "in memory");
    grown.flush().await.unwrap();
    assert_eq!(content(&grown).await, expected, "in a file");
    grown.maintain().await.unwrap();
    let files = grown.health().tables[pipeline::Table::MeterValues as usize].files;
    assert_eq!(
        (files, content(&grown).await),
        (1, expected.map(str::to_owned).to_vec()),
        "merged"
    );

    grown.shutdown().await.unwrap();
    let commits_before = commits(&lake_dir, TABLE).len();
    let again = lake(dir.path(), &[&log]);
    assert_eq!(content(&again).await, expected, "after a restart");
    assert_eq!(
        commits(&lake_dir, TABLE).len(),
        commits_before,
        "it has grown already"
    );
}

#[tokio::test]
async fn what_the_log_held_when_the_older_program_died_has_the_new_columns() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    of_before(dir.path(), &mut log).await;
    log.put("default/CP1", T0, meter(None, 1, T0, 7_000, 1.0));
    let expected = ["41", "1", "7.000", "0", "81.0", "41"];
    log.close();
    let offline = open_offline(&config(dir.path()), dir.path(), Stations::none()).unwrap();
    let count = "SELECT count(energy_wh) FROM meter_values";
    assert_eq!(value(&offline.sql(), count).await, "1", "read only");
    drop(offline);

    let before = commits(&dir.path().join("lake"), TABLE).len();
    for attempt in 0..3 {
        // Each dies before it writes a row: what it has is the log's.
        let log = TestLog::open(dir.path(), 0);
        let lake = lake(dir.path(), &[&log]);
        assert_eq!(content(&lake).await, expected, "{attempt}");
        assert_eq!(commits(&dir.path().join("lake"), TABLE).len(), before + 1);
        drop(lake);
        log.close();
    }
}

#[tokio::test]
async fn a_lake_of_a_newer_program_or_of_another_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    of_before(dir.path(), &mut log).await;
    let lake_dir = dir.path().join("lake");
    let first = commits(&lake_dir, "status_events").remove(0);
    let original = std::fs::read_to_string(&first).unwrap();
    let before = commits(&lake_dir, TABLE);
    let start = || Lake::start(config(dir.path()), vec![log.source()], Stations::none()).map(drop);

    rewrite(&first, |action| {
        change_schema(action, |fields| {
            let mut field = fields[0].clone();
            field["name"] = "weather".into();
            fields.push(field);
        });
    });
    let error = start().expect_err("a column of tomorrow");
    assert!(matches!(error, LakeError::Newer { .. }));
    assert_eq!(
        error.to_string(),
        "table status_events: the lake has columns that this program does not know (weather): a newer sigec wrote it; \
         start that version or a later one, or another data directory"
    );

    std::fs::write(&first, &original).unwrap();
    rewrite(&first, |action| {
        change_schema(action, |fields| {
            let field = fields.iter_mut().find(|field| field["name"] == "evse_id");
            field.unwrap()["type"] = "string".into();
        });
    });
    let error = start().expect_err("another type");
    assert_eq!(
        error.to_string(),
        "table status_events: column evse_id is of type string in the lake, this program writes integer: another program \
         wrote it; start that one, or move the table's folder out of the lake to begin it anew"
    );
    assert_eq!(
        commits(&lake_dir, TABLE),
        before,
        "no other table has grown"
    );

    std::fs::write(&first, &original).unwrap();
    let grown = lake(dir.path(), &[&log]);
    assert_eq!(content(&grown).await, OF_BEFORE);
}
