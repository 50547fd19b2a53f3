import threading
import time

from labkit.latest import Latest

PATIENCE = 10.0


def test_of_quick_requests_only_the_last_is_done():
    done = []
    latest = Latest(lambda request, stale: done.append(request), delay=0.05)
    for request in range(20):
        latest.ask(request)
    assert latest.idle.wait(PATIENCE) and done == [19]


def test_a_running_request_learns_that_it_is_stale_and_nothing_queues():
    began, seen, done = threading.Event(), [], []

    def work(request, stale):
        if request == "slow":
            began.set()
            while not stale():
                time.sleep(0.005)
            seen.append(request)
            return
        done.append((request, stale()))

    latest = Latest(work, delay=0.02)
    latest.ask("slow")
    assert began.wait(PATIENCE)
    for request in ("a", "b", "c"):
        latest.ask(request)
    assert latest.idle.wait(PATIENCE)
    assert seen == ["slow"] and done == [("c", False)]


def test_a_stubborn_request_is_followed_by_the_newest_alone():
    began, go_on, running, most, done = threading.Event(), threading.Event(), [], [], []

    def work(request, stale):
        running.append(request)
        most.append(len(running))
        began.set()
        if request == "stubborn":
            go_on.wait(PATIENCE)
        done.append(request)
        running.remove(request)

    latest = Latest(work, delay=0.01)
    latest.ask("stubborn")
    assert began.wait(PATIENCE)
    for request in ("a", "b"):
        latest.ask(request)
        time.sleep(0.1)  # its moment comes while the other still runs
    go_on.set()
    assert latest.idle.wait(PATIENCE)
    assert done == ["stubborn", "b"] and max(most) == 1, "one at a time"


def test_asking_does_not_wait():
    go_on = threading.Event()
    latest = Latest(lambda request, stale: go_on.wait(PATIENCE), delay=0.01)
    latest.ask(1)
    time.sleep(0.1)
    start = time.monotonic()
    latest.ask(2)
    assert time.monotonic() - start < 1
    go_on.set()
    assert latest.idle.wait(PATIENCE)
