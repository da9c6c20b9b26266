"""Reads the lake with DuckDB, Polars and delta-rs, and compares each with the truth of the fleet.

    lake_readers.py LAKE_DIR TRUTH.ndjson

The truth has one line per event that a station sent. Every acknowledged meter value must be in the table
exactly once with exactly its energy, and nothing may be there that was not sent. Prints one line of JSON per
reader; the exit code is 1 when one disagrees.
"""

import json
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import deltalake
import duckdb
import duckdb_extension_delta
import polars

QUERY = "SELECT station_id, energy_wh FROM {} WHERE energy_wh IS NOT NULL"


def of_duckdb(table):
    # The wheel carries the extension, so nothing is downloaded.
    package = Path(duckdb_extension_delta.__file__).parent
    extension = package / "extensions" / f"v{duckdb.__version__}" / "delta.duckdb_extension"
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")
    return connection.execute(QUERY.format(f"delta_scan('{table}')")).fetchall()


def of_polars(table):
    return polars.scan_delta(table).select("station_id", "energy_wh").drop_nulls().collect().rows()


def of_deltalake(table):
    query = deltalake.QueryBuilder().register("readings", deltalake.DeltaTable(table))
    return polars.DataFrame(query.execute(QUERY.format("readings")).read_all()).rows()


def readings(rows):
    """How often each (station, energy in milliwatt-hours) occurs; DECIMAL(18,3) of watt-hours is exact."""
    counts = Counter()
    for station, energy_wh in rows:
        energy_mwh = Decimal(energy_wh) * 1000
        assert energy_mwh == energy_mwh.to_integral_value(), energy_wh
        counts[(station, int(energy_mwh))] += 1
    return counts


def truth(path):
    acknowledged, sent = Counter(), Counter()
    with open(path) as lines:
        for line in lines:
            event = json.loads(line)
            if event["energy_mwh"] is None:
                continue
            key = (event["station"], event["energy_mwh"])
            sent[key] += 1
            if event["acked_at"] is not None:
                acknowledged[key] += 1
    return acknowledged, sent


def main(lake, truth_path):
    acknowledged, sent = truth(truth_path)
    agreed = True
    for reader in (of_duckdb, of_polars, of_deltalake):
        found = readings(reader(f"{lake}/meter_values"))
        missing, surplus = acknowledged - found, found - sent
        agreed = agreed and not missing and not surplus and bool(found)
        report = {
            "reader": reader.__name__.removeprefix("of_"),
            "rows": sum(found.values()),
            "energy_mwh": sum(energy * times for (_, energy), times in found.items()),
            "missing": [list(key) for key in list(missing)[:5]],
            "surplus": [list(key) for key in list(surplus)[:5]],
        }
        print(json.dumps(report), flush=True)
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
