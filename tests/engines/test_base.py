"""What engines share."""

from dimscope.engines.base import Closing


def test_a_with_block_closes_whatever_happens():
    class Counted(Closing):
        closed = 0

        def close(self):
            self.closed += 1

    engine = Counted()
    with engine as there:
        assert there is engine
    try:
        with engine:
            raise KeyError
    except KeyError:
        pass
    assert engine.closed == 2
    assert Closing().close() is None
