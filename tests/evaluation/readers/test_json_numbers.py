"""Numbers read from JSON bytes are those that Python's own float() reads."""

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from matchrcnn.evaluation.readers.json_numbers import number_end, numbers


def read(values: list[str], skip: int = 0) -> list[float]:
    text = np.frombuffer(f"[{', '.join(values)}]".encode(), np.uint8)
    return numbers(text, np.array([0]), len(values) - skip, skip)[0].tolist()


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_every_double_survives_its_repr(values: list[float]) -> None:
    assert read([repr(value) for value in values]) == values


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=8))
def test_every_single_survives_its_double_repr(values: list[float]) -> None:
    assert read([repr(value) for value in values]) == values


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 10**24), st.integers(-30, 30), st.booleans())
@example(9007199254740993, 0, False)
@example(90071992547409915, 1, True)
@example(18446744073709551616, 0, False)
@example(10 * 18446744073709551616, 1, True)
def test_any_digits_round_as_python_rounds(digits: int, scale: int, negative: bool) -> None:
    text = f"{'-' if negative else ''}{digits}e{-scale}"
    assert read([text]) == [float(text)]


@settings(deadline=None)  # the first call compiles
@given(st.decimals(-1000, 1000, places=18))
@example(Decimal("18.446744073709551616"))  # 2**64 is 0 in 64 bits
def test_long_fractions_round_as_python_rounds(value: Decimal) -> None:
    assert read([f"{value:f}"]) == [float(value)]


def test_numbers_before_the_wanted_ones_are_skipped() -> None:
    assert read(["1", "2.5", "-3e1", "4"], skip=2) == [-30.0, 4.0]


@pytest.mark.parametrize(
    "token", ["0", "-0.5", "12.25", "1e5", "1E+5", "2.5e-3", "01", ".5", "1.", "-", "1e", "+1", "x"]
)
def test_json_numbers_and_only_these_are_accepted(token: str) -> None:
    text = np.frombuffer(f"{token}]".encode(), np.uint8)
    try:
        json.loads(token)
    except json.JSONDecodeError:
        assert number_end(text, 0) != len(token)
    else:
        assert number_end(text, 0) == len(token)
