use arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionConfig;

use super::*;

async fn answer(query: &str) -> Result<String, String> {
    let mut config = SessionConfig::new();
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    let session = SessionContext::new_with_config(config);
    apply(&session);
    let rows = session.sql(query).await.map_err(|e| e.to_string())?;
    let rows = rows.collect().await.map_err(|e| e.to_string())?;
    array_value_to_string(rows[0].column(0), 0).map_err(|e| e.to_string())
}

/// A Sunday, in the afternoon.
const AT: &str = "TIMESTAMP '2026-11-22 15:04:05.678901'";

/// The answers are those of PostgreSQL 15.
#[tokio::test]
async fn times_are_written_by_postgres_templates() {
    for (template, expected) in [
        ("YYYY-MM-DD HH24:MI", "2026-11-22 15:04"),
        (
            "YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"",
            "2026-11-22T15:04:05.678Z",
        ),
        ("DD/MM/YYYY HH12:MI:SS AM", "22/11/2026 03:04:05 PM"),
        ("HH:MI p.m.", "03:04 p.m."),
        ("US FF1 FF2 FF3 FF6", "678901 6 67 678 678901"),
        ("SSSS", "54245"),
        ("Day, DD Month YYYY", "Sunday   , 22 November  2026"),
        ("FMDay, FMDD FMMonth YYYY", "Sunday, 22 November 2026"),
        ("DAY day Dy DY dy", "SUNDAY    sunday    Sun SUN sun"),
        ("Mon MON mon MONTH", "Nov NOV nov NOVEMBER "),
        ("YYYY YYY YY Y Y,YYY", "2026 026 26 6 2,026"),
        ("IYYY-IW-ID IDDD", "2026-47-7 329"),
        ("WW W DDD D Q CC", "47 4 326 1 4 21"),
        ("J RM rm|", "2461367 XI   xi  |"),
        ("BC A.D.", "AD A.D."),
        ("FMMM/FMDD DDth MMTH", "11/22 22nd 11TH"),
        ("yyyy-mm-dd hh24:mi:ss", "2026-11-22 15:04:05"),
        ("\"week\" IW \\\"x\\\"", "week 47 \"x\""),
        // No patterns: 'h' of "hours" begins none, 'd' and 'y' of "days" do, as they do in PostgreSQL.
        ("HH24h00", "15h00"),
        ("dx", "1x"),
        ("", ""),
    ] {
        let query = format!("SELECT to_char({AT}, '{template}')");
        assert_eq!(answer(&query).await.as_deref(), Ok(expected), "{template}");
    }
}

#[tokio::test]
async fn a_time_is_written_as_the_clock_of_its_zone_shows_it() {
    for (time, template, expected) in [
        (
            "AT TIME ZONE 'America/Sao_Paulo'",
            "YYYY-MM-DD HH24:MI OF",
            "2026-11-21 23:30 -03",
        ),
        (
            "AT TIME ZONE 'Asia/Kolkata'",
            "HH24:MI TZH:TZM OF",
            "08:00 +05:30 +05:30",
        ),
        ("", "HH24:MI TZ tz OF", "02:30 UTC utc +00"),
    ] {
        let query =
            format!("SELECT to_char(TIMESTAMPTZ '2026-11-22 02:30:00Z' {time}, '{template}')");
        assert_eq!(answer(&query).await.as_deref(), Ok(expected), "{query}");
    }
}

#[tokio::test]
async fn dates_lengths_and_strftime_are_written_too() {
    for (call, expected) in [
        (
            "to_char(DATE '2026-01-05', 'FMDD.MM.YY HH24')",
            "5.01.26 00",
        ),
        ("to_char(INTERVAL '36 hours 5 minutes', 'HH24:MI')", "36:05"),
        (
            "to_char(INTERVAL '1 year 2 months 3 days', 'YYYY-MM-DD')",
            "0001-02-03",
        ),
        (
            "to_char(TIMESTAMP '2026-11-22 15:04:05', '%Y-%m-%d %H:%M')",
            "2026-11-22 15:04",
        ),
        ("date_format(DATE '2026-11-22', '%d/%m')", "22/11"),
        ("to_char(NULL, 'YYYY')", ""),
        ("to_char(TIMESTAMP '2026-11-22 15:04:05', NULL)", ""),
    ] {
        let query = format!("SELECT {call}");
        assert_eq!(answer(&query).await.as_deref(), Ok(expected), "{call}");
    }
    let error = answer("SELECT to_char(INTERVAL '1 hour', 'Day')").await;
    assert!(error.is_err_and(|error| error.contains("a length of time has no DayName")));
}

/// A template of each row, some of them strftime's.
#[tokio::test]
async fn each_row_may_bring_its_own_template() {
    let query = "SELECT string_agg(to_char(t, f), '|' ORDER BY f) FROM (VALUES \
                 (TIMESTAMP '2026-11-22 15:04:05', '%H'), (TIMESTAMP '2026-11-22 15:04:05', 'MI')) AS v(t, f)";
    assert_eq!(answer(query).await.as_deref(), Ok("15|04"));
}

/// From the table of examples in PostgreSQL's chapter on formatting, where a locale has no part in them.
#[tokio::test]
async fn numbers_are_written_by_postgres_templates() {
    for (number, template, expected) in [
        ("-0.1", "99.99", "  -.10"),
        ("-0.1", "FM9.99", "-.1"),
        ("0.1", "0.9", " 0.1"),
        ("12", "9990999.9", "    0012.0"),
        ("12", "FM9990999.9", "0012."),
        ("485", "999", " 485"),
        ("-485", "999", "-485"),
        ("485", "9 9 9", " 4 8 5"),
        ("1485", "9,999", " 1,485"),
        ("148.5", "999.999", " 148.500"),
        ("148.5", "FM999.999", "148.5"),
        ("148.5", "FM999.990", "148.500"),
        ("3148.5", "9G999D999", " 3,148.500"),
        ("-485", "999S", "485-"),
        ("-485", "999MI", "485-"),
        ("485", "999MI", "485 "),
        ("485", "FM999MI", "485"),
        ("485", "PL999", "+485"),
        ("485", "SG999", "+485"),
        ("-485", "SG999", "-485"),
        ("-485", "9SG99", "4-85"),
        ("-485", "999PR", "<485>"),
        ("485", "\"Good number:\"999", "Good number: 485"),
        ("485.8", "\"Pre:\"999\" Post:\" .999", "Pre: 485 Post: .800"),
        ("0", "999", "   0"),
        ("1234", "999", " ###"),
        ("1234567.891", "FM999,999,990.00", "1,234,567.89"),
        ("CAST(7.005 AS DECIMAL(18,3))", "FM990.00", "7.01"),
        ("CAST(12 AS BIGINT)", "00000", " 00012"),
    ] {
        let query = format!("SELECT to_char({number}, '{template}')");
        assert_eq!(answer(&query).await.as_deref(), Ok(expected), "{query}");
    }
    let error = answer("SELECT to_char(1, 'RN')").await;
    assert!(error.is_err_and(|error| error.contains("RN is not answered here")));
}

#[tokio::test]
async fn an_age_is_counted_by_the_calendar() {
    for (later, earlier, expected) in [
        ("2026-11-22 00:00", "2026-10-20 00:00", "1 mons 2 days"),
        ("2001-04-10 00:00", "1957-06-13 00:00", "525 mons 27 days"),
        ("2026-03-01 01:00", "2026-01-31 02:00", "1 mons 23 hours"),
        ("2026-10-20 00:00", "2026-11-22 00:00", "-1 mons -2 days"),
    ] {
        let query = format!("SELECT age(TIMESTAMP '{later}:00', TIMESTAMP '{earlier}:00')");
        assert_eq!(answer(&query).await.as_deref(), Ok(expected), "{query}");
    }
}

#[tokio::test]
async fn names_of_postgres_are_known() {
    for (query, expected) in [
        (
            "SELECT format('%s of %I: %L %%', 1, 'My Table', 'it''s')",
            "1 of \"My Table\": 'it''s' %",
        ),
        (
            "SELECT time_bucket(INTERVAL '15 minutes', TIMESTAMP '2026-11-22 10:07:00')",
            "2026-11-22T10:00:00",
        ),
        (
            "SELECT every(v) FROM (VALUES (true), (false)) AS t(v)",
            "false",
        ),
        ("SELECT clock_timestamp() = now()", "true"),
    ] {
        assert_eq!(answer(query).await.as_deref(), Ok(expected), "{query}");
    }
    let session = SessionContext::new();
    apply(&session);
    assert!(
        session
            .state()
            .scalar_functions()
            .contains_key("gen_random_uuid")
    );
}
