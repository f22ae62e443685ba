"""The tables of a ledger as pandas data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agent.campaign.folder import CampaignFolder
from agent.export.tables import TIME_COLUMNS, read_tables
from stoichloop.errors import StoichloopError, UsageError
from stoichloop.extras import how_to_install

if TYPE_CHECKING:
    from pandas import DataFrame

TableName = Literal["experiments", "trials", "findings"]
_INDEX = {"experiments": "experiment", "trials": "trial"}
_NUMBERS = ("score", "effect", "low", "high", "p_value")  # NaN where there is none


def read_frame(campaign: CampaignFolder, table: TableName) -> DataFrame:
    """Return a table of a campaign, with the columns of the CSV files and Python values in them.

    Times are UTC timestamps. Of an experiment's configuration, each field is a column `configuration_NAME`.
    Experiments and trials are indexed by their ids. Raises `StoichloopError` without pandas.
    """
    try:
        import pandas
    except ImportError as error:
        missing = f"pandas, which holds data frames, is missing; {how_to_install('notebook')}"
        raise StoichloopError(f"{missing}, or use to_csv, which needs no package") from error
    tables = read_tables(campaign)
    if table not in tables:
        raise UsageError(f"there is no table '{table}'; tables are {', '.join(tables)}")
    frame = pandas.DataFrame.from_records(tables[table].rows, columns=list(tables[table].columns))
    for name in frame.columns.intersection(TIME_COLUMNS):
        frame[name] = pandas.to_datetime(frame[name], unit="s", utc=True)
    for name in frame.columns.intersection(_NUMBERS):
        frame[name] = frame[name].astype(float)
    if "configuration" in frame:
        fields = pandas.DataFrame(list(frame.pop("configuration"))).add_prefix("configuration_")
        frame = frame.join(fields)
    return frame.set_index(_INDEX[table]) if table in _INDEX else frame
