"""Where the real data for benches lies, and how it is read. It is never part of the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLACE = "../shared/data"
FOLDER = Path(__file__).resolve().parent.parent / PLACE


def path(name: str) -> Path:
    """Give the file of a data set by its name without the ending."""
    return FOLDER / f"{name}.parquet"


def query(sql: str, **files: str) -> list[tuple[Any, ...]]:
    """Run a query in which {name} stands for a data set, as in query("select * from {t}", t="telco_churn")."""
    import duckdb  # a development library: the benches that read no data run without it

    return duckdb.sql(sql.format(**{key: f"'{path(name)}'" for key, name in files.items()})).fetchall()
