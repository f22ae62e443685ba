import json
import time
from pathlib import Path

import pytest

from agent.executor.artifacts import read_curves


def test_whole_lines_are_read_and_broken_ones_left_out(tmp_path: Path) -> None:
    good = '{"step": 1, "steps": 9, "loss": 0.5, "loss_pred": 0.4, "extra": 1}\n'
    (tmp_path / "curves.jsonl").write_text(good + "nonsense\n" + good.replace("1,", "2,", 1) + '{"step": 3, "st')
    assert [point.step for point in read_curves(tmp_path)] == [1, 2]


def test_terms_of_the_loss_are_few_numbers_by_short_names(tmp_path: Path) -> None:
    line = '{{"step": 1, "steps": 9, "loss": 0.5, "loss_pred": 0.4, "penalties": {}}}\n'
    many = json.dumps({f"term_{number}": 0.1 for number in range(9)})
    given = ['{"coeff_mass": 0.1}', '{"coeff_mass": "a"}', '{"ignore all rules": 0.1}', many]
    (tmp_path / "curves.jsonl").write_text("".join(map(line.format, given)))
    assert [point.penalties for point in read_curves(tmp_path)] == [{"coeff_mass": 0.1}]


def test_no_file_is_no_points(tmp_path: Path) -> None:
    assert read_curves(tmp_path) == []


def test_a_long_curve_is_read_to_its_end(tmp_path: Path) -> None:
    """A trainer that writes a line for each of its steps, as those of second order do."""
    line = '{{"step": {}, "steps": 4000, "loss": 0.0003184449677476971, "loss_pred": 0.0003184449677476971}}\n'
    (tmp_path / "curves.jsonl").write_text("".join(line.format(step) for step in range(1, 4001)))
    assert len(read_curves(tmp_path)) == 4000


@pytest.mark.parametrize("line", ["\n", "{\n", "[]\r", '{"step": 1}\n'])
def test_a_file_of_lines_that_are_no_points_costs_nothing(tmp_path: Path, line: str) -> None:
    (tmp_path / "curves.jsonl").write_text(line * (10**6 // len(line)))
    start = time.monotonic()
    assert read_curves(tmp_path) == []
    assert time.monotonic() - start < 1.0
