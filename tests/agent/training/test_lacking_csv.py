"""What a trial found missing in the network, by name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.analyzer.scoring.estimate import Estimate, EstimateError
from agent.training.lacking_csv import Missing, described, missing_in, write_missing
from simulator.dataset import Dataset
from tests.agent.analyzer.scoring.estimates import true_estimate


def stating(data: Dataset) -> Estimate:
    """An estimate that states the effect of m7 on r4 and of exchange of m13."""
    lacking = np.zeros((data.graph.n_reactions + 1, data.graph.n_metabolites))
    lacking[4, 7], lacking[-1, 13] = 0.1, 0.3
    return replace(true_estimate(data), lacking=lacking)


def test_what_is_missing_is_named_with_the_largest_effect_first(tiny: Dataset) -> None:
    missing = missing_in(stating(tiny), tiny)
    assert [str(one) for one in missing] == [
        "exchange of m13 with the outside, 30% of what is observed of it",
        "m7 as a regulator of r4, 10% of its rate",
    ]
    assert missing_in(true_estimate(tiny), tiny) == []


def test_a_statement_on_species_that_do_not_exist_is_refused(tiny: Dataset) -> None:
    wide = replace(true_estimate(tiny), lacking=np.ones((tiny.graph.n_reactions + 1, tiny.graph.n_metabolites + 1)))
    with pytest.raises(EstimateError, match="'lacking' is not for 20 metabolites and 0 inputs"):
        missing_in(wide, tiny)


def test_a_table_that_the_trial_left_goes_where_nothing_is_missing(tmp_path: Path) -> None:
    (tmp_path / "lacking.csv").write_text("kind,reaction,species,effect\nexchange,,all,1.000\n")
    write_missing(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_a_table_lists_what_is_missing_and_follows_no_link(tiny: Dataset, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "lacking.csv").symlink_to(tmp_path / "elsewhere")
    write_missing(tmp_path, missing_in(stating(tiny), tiny))
    rows = "kind,reaction,species,effect\nexchange,,m13,0.300\nregulator,r4,m7,0.100\n"
    assert (tmp_path / "lacking.csv").read_text() == rows
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_terminal_shows_the_dozen_that_explain_the_most() -> None:
    lines = described([Missing(f"r{number}", "m0", 0.5) for number in range(14)])
    assert lines[0] == "The given network seems to lack"
    assert lines[1] == "  m0 as a regulator of r0, 50% of its rate"
    assert (len(lines), lines[-1]) == (14, "  and 2 more, in lacking.csv of --out FOLDER")
    assert described([]) == []
