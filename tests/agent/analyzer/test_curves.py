from pathlib import Path

from agent.analyzer.curves import read_curves


def test_whole_lines_are_read_and_broken_ones_left_out(tmp_path: Path) -> None:
    good = '{"step": 1, "steps": 9, "loss": 0.5, "loss_pred": 0.4, "extra": 1}\n'
    (tmp_path / "curves.jsonl").write_text(good + "nonsense\n" + good.replace("1,", "2,", 1) + '{"step": 3, "st')
    assert [point.step for point in read_curves(tmp_path)] == [1, 2]


def test_no_file_is_no_points(tmp_path: Path) -> None:
    assert read_curves(tmp_path) == []
