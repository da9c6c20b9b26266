"""What three foreign readers find in `meter_values`: one JSON object per line.

    python lake_readers.py LAKE_DIR

Needs the packages deltalake, duckdb==1.5.5 with duckdb-extension-delta==1.5.5, and polars. Each reader counts the rows,
adds up the energy in milliwatt-hours, and counts the distinct events; all three must agree with each other and with the
server.
"""

import glob
import json
import os
import sys
import sysconfig

QUERY = "SELECT count(*), CAST(sum(energy_wh) * 1000 AS BIGINT), count(DISTINCT (log_id, seq, ordinal)) FROM {}"


def with_deltalake(path):
    import deltalake

    builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path))
    query = "SELECT count(*) AS n, CAST(sum(energy_wh) * 1000 AS BIGINT) AS e FROM t"
    distinct = "SELECT count(*) AS d FROM (SELECT DISTINCT log_id, seq, ordinal FROM t)"
    totals = builder.execute(query).read_all()
    events = builder.execute(distinct).read_all()
    return totals["n"][0].as_py(), totals["e"][0].as_py(), events["d"][0].as_py()


def with_duckdb(path):
    import duckdb

    packages = sysconfig.get_paths()["purelib"]
    extension = glob.glob(os.path.join(packages, "**", "delta.duckdb_extension*"), recursive=True)
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{extension[0]}'" if extension else "LOAD delta")
    return connection.execute(QUERY.format(f"delta_scan('{path}')")).fetchone()


def with_polars(path):
    import polars as pl

    frame = pl.scan_delta(path)
    totals = frame.select(pl.len(), (pl.col("energy_wh").sum() * 1000).cast(pl.Int64)).collect()
    events = frame.select("log_id", "seq", "ordinal").unique().select(pl.len()).collect()
    return *totals.row(0), events.item()


def main():
    path = os.path.abspath(os.path.join(sys.argv[1], "meter_values"))
    for read in (with_deltalake, with_duckdb, with_polars):
        rows, energy_mwh, events = read(path)
        name = read.__name__.removeprefix("with_")
        print(json.dumps({"reader": name, "rows": rows, "energy_mwh": energy_mwh, "events": events}))


if __name__ == "__main__":
    main()
