import pytest

from dimscope.errors import StoreError
from dimscope.paper.space import require_space


def test_room_is_asked_where_the_folder_will_be(tmp_path):
    require_space(tmp_path / "a" / "b", 1, "it")
    with pytest.raises(StoreError, match=r"all of it need 1e\+03 PB; the disk of .* has .* GB free\. Free some space"):
        require_space(tmp_path / "a" / "b", 10**18, "all of it")
    assert not (tmp_path / "a").exists()
