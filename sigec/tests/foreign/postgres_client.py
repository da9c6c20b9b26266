"""Asks a server with PyPI `psycopg` as an application does: prepared, bound, in text and in binary.

    PGPASSWORD=… postgres_client.py HOST PORT USER
"""

import sys
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg


def main(host, port, user):
    with psycopg.connect(host=host, port=port, user=user, dbname="sigec", connect_timeout=60) as connection:
        total = connection.execute("SELECT count(*) FROM meter_values").fetchone()[0]
        assert isinstance(total, int) and total > 0, total

        query = "SELECT station_id, energy_wh, measured_at FROM meter_values WHERE station_id = %s AND energy_wh > %s"
        rows = connection.execute("SELECT DISTINCT station_id FROM meter_values ORDER BY 1").fetchall()
        station = rows[0][0]
        for binary in (False, True):
            with connection.cursor(binary=binary) as cursor:
                # Three times, so that psycopg prepares it on the way.
                for _ in range(3):
                    found = cursor.execute(query, (station, Decimal("0.5")), prepare=True).fetchall()
                assert found, (station, binary)
                for name, energy_wh, measured_at in found:
                    assert name == station
                    assert isinstance(energy_wh, Decimal) and energy_wh.as_tuple().exponent == -3, energy_wh
                    assert isinstance(measured_at, datetime), measured_at

        # Python's own numbers: psycopg declares them smallint, integer, bigint and double precision.
        for condition, values in [
            ("energy_wh > %s", (0,)),
            ("energy_wh <> %s", (70_000,)),
            ("energy_wh < %s", (3_000_000_000_000,)),
            ("energy_wh > %s", (0.5,)),
            ("energy_wh BETWEEN %s AND %s", (0, 1e12)),
            ("energy_wh NOT IN (%s, %s)", (1, 2)),
            ("energy_wh / %s > %s", (1000, 0.0001)),
            ("evse_id < %s", (99.5,)),
            ("measured_at < now() + %s", (timedelta(hours=5),)),
        ]:
            for binary in (False, True):
                with connection.cursor(binary=binary) as cursor:
                    counted = f"SELECT count(*) FROM meter_values WHERE energy_wh IS NOT NULL AND {condition}"
                    found = cursor.execute(counted, values, binary=binary).fetchone()[0]
                assert found > 0, (condition, values, binary)
        charged = connection.execute("SELECT sum(energy_wh), sum(energy_wh * %s) FROM meter_values", (2,)).fetchone()
        assert charged[0] * 2 == charged[1], charged

        names = [column.name for column in connection.execute("SELECT count(*), 1 AS one FROM meter_values").description]
        assert names == ["count", "one"], names

        try:
            connection.execute("INSERT INTO meter_values (station_id) VALUES ('x')")
        except psycopg.Error as error:
            assert error.sqlstate == "25006", (error.sqlstate, error)
        else:
            raise AssertionError("INSERT was taken")

    with psycopg.connect(host=host, port=port, user=user, dbname="sigec", autocommit=True) as connection:
        connection.execute("SET statement_timeout = 200")
        endless = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c"
        try:
            connection.execute(endless)
        except psycopg.errors.QueryCanceled:
            pass
        else:
            raise AssertionError("the query outlived its timeout")
        assert connection.execute("SELECT 1").fetchone() == (1,), "the connection is usable afterwards"


if __name__ == "__main__":
    main(*sys.argv[1:])
