"""Makes a table what a program that did not know some columns would have written: no file has them, no commit names them.

    lake_of_before.py TABLE_DIR COLUMN [COLUMN …]

For a table of a server that is down, without a checkpoint.
"""

import json
import sys
from pathlib import Path
from urllib.parse import unquote

import polars


def reduced(path, columns):
    """Leaves the columns out of a data file; its new length."""
    polars.read_parquet(path, hive_partitioning=False).drop(columns).write_parquet(path)
    return path.stat().st_size


def rewrite(action, table, columns):
    if metadata := action.get("metaData"):
        schema = json.loads(metadata["schemaString"])
        schema["fields"] = [field for field in schema["fields"] if field["name"] not in columns]
        metadata["schemaString"] = json.dumps(schema)
    if add := action.get("add"):
        add["size"] = reduced(table / unquote(add["path"]), columns)
        stats = json.loads(add["stats"])
        for bounds in ("minValues", "maxValues", "nullCount"):
            for column in columns:
                stats[bounds].pop(column, None)
        add["stats"] = json.dumps(stats)
    return action


def main(table, *columns):
    table = Path(table)
    for commit in sorted((table / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        actions = [rewrite(action, table, columns) for action in actions]
        commit.write_text("".join(json.dumps(action) + "\n" for action in actions))


if __name__ == "__main__":
    main(*sys.argv[1:])
