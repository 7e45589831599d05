import pytest

from dimscope.errors import StoreError
from dimscope.paper.space import readable, require_space


def test_room_is_asked_where_the_folder_will_be(tmp_path):
    require_space(tmp_path / "a" / "b", 1, "it")
    with pytest.raises(StoreError, match=r"all of it need 1000000000\.0 GB; the disk of .* has .* GB free\. Free some space"):
        require_space(tmp_path / "a" / "b", 10**18, "all of it")
    assert not (tmp_path / "a").exists()


def test_sizes_are_readable():
    found = [readable(size) for size in (0, 999, 1_000, 999_999, 1_000_000, 894_000_000, 15_500_000_000)]
    assert found == ["0.0 kB", "1.0 kB", "1.0 kB", "1000.0 kB", "1.0 MB", "894.0 MB", "15.5 GB"]
