from hypothesis import given
from hypothesis import strategies as st

from memory.packing import pack, unpack

NAMES = st.lists(st.integers(1, 20_000).map("e{:04d}".format))


@given(NAMES)
def test_what_is_packed_comes_out_in_its_order(names: list[str]) -> None:
    assert unpack(pack(names)) == tuple(names)


def test_a_row_of_experiments_is_written_short() -> None:
    assert pack(["e0009", "e0010", "e0011", "e0020"]) == '["e0009..e0011", "e0020"]'
    assert len(pack([f"e{number:04d}" for number in range(1, 10_001)])) < 30


def test_names_that_were_written_one_by_one_are_read_as_before() -> None:
    assert unpack('["e0001", "e0002"]') == ("e0001", "e0002")
