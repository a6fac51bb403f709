"""Hosts and origins: the names that are ours, and the calls that other sites' pages make."""

from __future__ import annotations

import pytest

from lib_omost.studio.edge.origins import Site, foreign, split, unknown_host

HERE = {"host": "localhost:7860"}
HOME, LAN, EVERYWHERE = Site(), Site("192.168.1.5"), Site("0.0.0.0")
NAMED = Site("127.0.0.1", ("Omost.example",))


@pytest.mark.parametrize(
    ("site", "host"),
    [
        (Site(), "localhost:7860"), (Site(), "127.0.0.1"), (Site(), "[::1]:7860"), (Site(), "LOCALHOST."),
        (LAN, "192.168.1.5:7860"), (LAN, "localhost"), (NAMED, "omost.example"), (NAMED, "omost.example:8443"),
        (EVERYWHERE, "10.0.0.7:7860"), (EVERYWHERE, "[fe80::1]"),
    ],
)  # fmt: skip
def test_our_names_are_known(site: Site, host: str) -> None:
    assert unknown_host({"host": host}, site) == ""


@pytest.mark.parametrize(
    ("site", "host"),
    [
        (Site(), "rebound.example:7860"), (Site(), ""), (Site(), "localhost.evil.example"), (Site(), "192.168.1.5"),
        (Site(), "localhost@evil.example"), (Site(), "localhost:x"), (Site(), "[::1"), (Site(), "localhost/evil"),
        (EVERYWHERE, "rebound.example"), (NAMED, "sub.omost.example"), (Site(), "x" * 300), (Site(), "evil\nexample"),
    ],
)  # fmt: skip
def test_other_names_are_refused_by_name(site: Site, host: str) -> None:
    assert "is not a name of this page." in unknown_host({"host": host}, site)


def test_a_page_is_local_until_it_listens_elsewhere_or_has_another_name() -> None:
    assert Site().local and Site("localhost").local
    assert not LAN.local and not EVERYWHERE.local and not NAMED.local


def test_a_host_is_split_into_name_and_port() -> None:
    assert split("Host.:80") == ("host", 80)
    assert split("[::1]") == ("::1", None)


def called(site: Site = HOME, *, method: str = "POST", path: str = "/x", scheme: str = "http", **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return foreign({**HERE, **named}, method, path, scheme, site)


def test_the_page_s_own_calls_and_those_of_programs_are_not_foreign() -> None:
    assert not called(origin="http://localhost:7860", sec_fetch_site="same-origin")
    assert not called(host="localhost", origin="http://localhost:80")
    assert not called(host="omost.example", origin="https://omost.example", scheme="https")
    assert not called()
    assert not called(method="GET", sec_fetch_site="none")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:7861", "http://127.0.0.1:7860", "file://", "http://", "x", ""],
)
def test_another_origin_is_foreign(origin: str) -> None:
    assert called(origin=origin)


def test_behind_https_a_page_without_it_is_foreign() -> None:
    assert called(host="omost.example", origin="http://omost.example", scheme="https")


def test_a_proxy_may_change_the_host_where_the_name_was_given() -> None:
    assert not called(NAMED, host="127.0.0.1:7860", origin="https://omost.example")
    assert called(NAMED, host="127.0.0.1:7860", origin="https://omost.example:8443")
    assert called(Site(), host="127.0.0.1:7860", origin="https://omost.example")


@pytest.mark.parametrize("where", ["cross-site", "same-site", "odd"])
def test_another_site_may_link_to_the_page_and_do_nothing_else(where: str) -> None:
    link = {"sec_fetch_site": where, "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert not called(method="GET", path="/", **link)
    assert called(method="GET", path="/logout", **link)
    assert called(method="GET", path="/gradio_api/file=x", **link)
    assert called(method="POST", path="/", **link)
    assert called(method="GET", path="/", **{**link, "sec_fetch_dest": "iframe"})
    assert called(method="GET", path="/", **{**link, "sec_fetch_mode": "no-cors"})
