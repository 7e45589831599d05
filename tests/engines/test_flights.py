"""Which task is with which worker, on a clock of our own."""

from dimscope.engines.flights import Flight, Flights

THREADS = {"a": 1, "b": 1}


def started(flights, number, address, now):
    flight = Flight(number, address, None)
    flights.start(number, f"task {number}", flight, now)
    return flight


def test_tasks_go_to_whoever_has_most_room():
    flights = Flights(60)
    given = []
    for number in range(4):
        address = flights.freest(THREADS, (), 0.0)
        given.append(address)
        started(flights, number, address, 0.0)
    assert sorted(given) == ["a", "a", "b", "b"]
    assert given[0] != given[1]
    assert flights.freest(THREADS, (), 0.0) is None
    assert flights.freest({"a": 1, "b": 3}, (), 0.0) == "b"
    assert flights.freest({"a": 1, "b": 3}, ("b",), 0.0) is None
    assert flights.freest(THREADS, (), 0.0, ahead=3) is not None
    assert flights.freest({}, (), 0.0) is None


def test_a_task_is_finished_once():
    flights = Flights(60)
    first, second = started(flights, 7, "a", 0.0), started(flights, 7, "b", 1.0)
    assert flights.is_open(7)
    assert flights.task(7) == "task 7"
    assert flights.finish(7) == [first, second]
    assert not flights.is_open(7)
    assert len(flights) == flights.load("a") == flights.load("b") == 0


def test_a_worker_that_does_not_answer_is_silent_and_its_tasks_are_stranded():
    flights = Flights(60)
    started(flights, 0, "a", 0.0)
    started(flights, 1, "b", 0.0)
    flights.hear("b", 50.0, 40.0)
    assert not flights.is_silent("a", 60.0)
    assert flights.stranded((), 60.0) == []
    # the task of b took 40 s, so 160 s are allowed from now on
    assert flights.limit == 160
    assert not flights.is_silent("a", 160.0)
    assert flights.is_silent("a", 161.0)
    assert not flights.is_silent("b", 161.0)
    assert flights.stranded((), 161.0) == [0]
    assert flights.freest(THREADS, (), 161.0) == "b"
    started(flights, 0, "b", 161.0)
    assert flights.stranded((), 162.0) == []
    flights.hear("a", 190.0, 1.0)
    assert not flights.is_silent("a", 191.0)


def test_a_silent_worker_is_doubted_by_all_until_it_answers():
    first = Flights(60)
    started(first, 0, "a", 0.0)
    assert first.is_silent("a", 61.0)
    second = Flights(60, first.doubted)
    assert second.freest({"a": 1}, (), 100.0) is None
    second.hear("a", 101.0, 1.0)
    assert first.doubted == set()
    assert second.freest({"a": 1}, (), 102.0) == "a"


def test_the_clock_of_an_idle_worker_starts_with_its_first_task():
    flights = Flights(60)
    started(flights, 0, "a", 0.0)
    flights.hear("a", 1.0, 1.0)
    flights.finish(0)
    assert not flights.is_silent("a", 1000.0)
    started(flights, 1, "a", 1000.0)
    assert not flights.is_silent("a", 1059.0)
    assert flights.is_silent("a", 1061.0)


def test_tasks_of_barred_workers_and_landed_flights_are_stranded():
    flights = Flights(60)
    flight = started(flights, 0, "a", 0.0)
    started(flights, 1, "b", 0.0)
    assert flights.stranded(("b",), 1.0) == [1]
    flights.land(flight)
    assert flights.stranded((), 1.0) == [0]
    assert flights.load("a") == 0
    assert flights.is_open(0)
    assert [other.number for other in flights.everything()] == [1]
