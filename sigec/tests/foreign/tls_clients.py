"""Asks a server over TLS with Python's own HTTPS client and with PyPI `psycopg`, and in the clear where it must not answer.

    PGPASSWORD=… tls_clients.py HTTPS_ADDRESS POSTGRES_ADDRESS ROOT.pem offered|required
"""

import http.client
import json
import os
import ssl
import sys

import psycopg


def main(https, postgres, root, mode):
    host, port = https.rsplit(":", 1)
    trust = ssl.create_default_context(cafile=root)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trust.maximum_version = version
        connection = http.client.HTTPSConnection(host, int(port), context=trust, timeout=60)
        # Twice on one connection.
        for _ in range(2):
            connection.request("GET", "/health", headers={"Authorization": "Bearer " + os.environ["PGPASSWORD"]})
            answer = connection.getresponse()
            assert answer.status == 200, answer.status
            listeners = {listener["name"]: listener["plaintext"] for listener in json.load(answer)["listeners"]}
            expected = {"ocpp": True, "http": True, "https": False, "postgres": mode == "offered"}
            assert listeners == expected, listeners
        connection.close()

    try:
        connection = http.client.HTTPSConnection(host, int(port), timeout=60)
        connection.request("GET", "/health/live")
        raise AssertionError("a certificate that nobody knows was taken")
    except ssl.SSLCertVerificationError:
        pass

    plain = http.client.HTTPConnection(host, int(port), timeout=60)
    plain.request("GET", "/health/live")
    answer = plain.getresponse()
    assert answer.status == 400 and b"https://" in answer.read(), answer.status

    host, port = postgres.rsplit(":", 1)
    where = dict(host=host, port=port, user="admin", dbname="sigec", connect_timeout=60)
    for sslmode in ("verify-full", "verify-ca", "require", "prefer"):
        with psycopg.connect(**where, sslmode=sslmode, sslrootcert=root) as connection:
            assert connection.pgconn.ssl_in_use
            assert connection.execute("SELECT 1 + 1").fetchone()[0] == 2
            # More than one record of TLS.
            many = connection.execute("SELECT repeat('x', 100000) FROM generate_series(1, 20)").fetchall()
            assert len(many) == 20 and all(len(row[0]) == 100_000 for row in many)
    try:
        with psycopg.connect(**where, sslmode="disable") as connection:
            assert not connection.pgconn.ssl_in_use
            assert connection.execute("SELECT 1").fetchone()[0] == 1
        assert mode == "offered", "let in without TLS"
    except psycopg.OperationalError as refused:
        assert mode == "required" and "sslmode=require" in str(refused), refused
    try:
        psycopg.connect(**(where | {"user": "nobody"}), sslmode="require")
        raise AssertionError("a stranger came in")
    except psycopg.OperationalError as refused:
        assert "authentication failed" in str(refused), refused


if __name__ == "__main__":
    main(*sys.argv[1:])
