"""Masking: XOR with a repeated four-byte key."""

from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._wire._mask import apply_mask, xor
from tests.support.wire import masked

MASKS = st.binary(min_size=4, max_size=4)


@given(data=st.binary(max_size=300), mask=MASKS)
def test_masking_is_xor_with_the_repeated_key(data: bytes, mask: bytes) -> None:
    assert apply_mask(data, mask) == masked(data, mask)


@given(data=st.binary(max_size=300), mask=MASKS)
def test_without_the_c_routine_masking_gives_the_same(data: bytes, mask: bytes) -> None:
    assert xor(data, mask) == apply_mask(data, mask)
