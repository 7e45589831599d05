import numpy as np
import pytest

from bundles import slow_crc32c
from dimscope.paper.checksums import crc32c, masked


def test_published_check_values():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(b"") == 0


@pytest.mark.parametrize("length", [1, 7, 8, 9, 63, 64, 1000])
def test_equal_to_the_definition_at_every_length(length):
    content = np.random.default_rng(length).integers(0, 256, length, dtype=np.uint8)
    assert crc32c(content) == slow_crc32c(content.tobytes())


def test_mask_turns_back():
    checksum = crc32c(b"foo")
    moved = (masked(checksum) - 0xA282EAD8) & 0xFFFFFFFF
    assert ((moved >> 17) | (moved << 15)) & 0xFFFFFFFF == checksum
