"""Quotas and the brake, with a clock of their own."""

from __future__ import annotations

from lib_omost.studio.edge.meters import Brake, Quota, address_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_quota_is_used_up_and_comes_back_when_its_time_is_over() -> None:
    clock = Clock()
    quota = Quota(100, 60, 10, clock)
    quota.take("ann", 70)
    clock.now += 30
    quota.take("ann", 20)
    assert (quota.left("ann"), quota.left("bob")) == (10, 100)
    clock.now += 31
    assert quota.left("ann") == 80


def test_the_oldest_of_too_many_is_forgotten() -> None:
    quota, brake = Quota(100, 60, 2, Clock()), Brake(0, 1, 9, 60, 2, Clock())
    for name in ("ann", "bob", "eve"):
        quota.take(name, 50)
        brake.tried(name)
    assert [quota.left(name) for name in ("ann", "bob", "eve")] == [100, 50, 50]
    assert brake.wait_s("ann") == 0 < brake.wait_s("eve")


def test_each_wrong_try_beyond_the_free_ones_doubles_the_pause_up_to_the_longest() -> None:
    clock = Clock()
    brake, pauses = Brake(3, 2, 60, 600, 10, clock), []
    for _ in range(10):
        brake.tried("ann")
        pauses.append(brake.wait_s("ann"))
        clock.now += pauses[-1]
    assert pauses == [0, 0, 2, 4, 8, 16, 32, 60, 60, 60]
    assert brake.wait_s("bob") == 0


def test_a_right_try_is_not_counted_and_takes_back_none_of_the_wrong_ones() -> None:
    clock = Clock()
    brake = Brake(2, 2, 60, 600, 10, clock)
    for _ in range(5):
        brake.tried("calm")
        brake.passed("calm")
    assert brake.wait_s("calm") == 0
    pauses = []
    for _ in range(4):  # one password that is known, one that is guessed at
        brake.tried("eve")
        brake.passed("eve")
        clock.now += brake.wait_s("eve")
        brake.tried("eve")
        pauses.append(brake.wait_s("eve"))
        clock.now += pauses[-1]
    assert pauses == [0, 2, 4, 8]


def test_wrong_tries_are_forgotten_when_none_came_for_a_while() -> None:
    clock = Clock()
    brake = Brake(1, 2, 60, 600, 10, clock)
    brake.tried("ann")
    brake.tried("ann")
    assert brake.wait_s("ann") == 4
    clock.now += 601
    brake.tried("ann")
    assert brake.wait_s("ann") == 2


def test_a_household_of_ipv6_counts_as_one() -> None:
    assert address_of(("2001:db8:1:2:3:4:5:6", 1)) == address_of(("2001:db8:1:2::9", 1)) == "2001:db8:1:2::"
    assert address_of(("192.0.2.7", 1)) == "192.0.2.7"
    assert address_of(None) == address_of(("testclient", 1)) == "unknown"
