"""The edge as a whole: who is let through, what a refused call gets, and what the app is given of a call."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from lib_omost.studio.edge import LIMITS, Edge, Site
from lib_omost.studio.owner import COOKIE
from tests.studio.edge.conftest import Visit, app

JOIN, DATA = "/gradio_api/queue/join", "/gradio_api/queue/data"
EVIL = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
SMALL = replace(LIMITS, body=100, upload=1000, uploads_of_owner=1500, uploads_of_address=4000)


def test_a_browser_keeps_its_name_from_the_first_request_on(visit: Visit) -> None:
    browser = visit()
    first = browser.get("/").text
    assert first.startswith("visitor:")
    assert browser.get("/").text == first


def test_two_browsers_have_two_names(visit: Visit, edge: Edge) -> None:
    assert visit(edge).get("/").text != visit(edge).get("/").text


def test_scripts_and_other_sites_cannot_use_the_cookie(visit: Visit) -> None:
    line = visit().get("/").headers["set-cookie"].lower()
    assert "httponly" in line and "samesite=lax" in line and "secure" not in line


def test_a_name_that_we_did_not_give_is_replaced(visit: Visit) -> None:
    assert visit().get("/", headers={"cookie": f"{COOKIE}=admin; other=1"}).text != "visitor:admin"


def test_behind_https_cookies_are_secure(visit: Visit) -> None:
    browser = visit(base="https://omost.example", site=Site(names=("omost.example",)))
    assert "secure" in browser.get("/").headers["set-cookie"].lower()


def test_the_login_s_cookie_is_of_this_site_alone(visit: Visit) -> None:
    browser = visit()
    line = browser.post("/login", content=b"right").headers.get_list("set-cookie")[0].lower()
    assert "samesite=lax" in line and "samesite=none" not in line and "secure" not in line


def test_a_host_that_is_not_ours_is_refused_in_a_sentence_and_a_line(
    visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="lib_omost.studio.edge"):
        answer = visit().get("/", headers={"host": "rebound.example:7860", "accept": "text/html"})
    assert answer.status_code == 403
    assert answer.text == (
        "'rebound.example:7860' is not a name of this page. "
        "If it is to be one, start with --allow-host rebound.example."
    )
    assert [record.getMessage() for record in caplog.records] == [f"refused GET / from 127.0.0.1: {answer.text}"]


def test_a_refused_call_of_a_script_gets_json_and_no_cookie(visit: Visit) -> None:
    answer = visit().post(JOIN, json={}, headers=EVIL)
    assert answer.status_code == 403
    assert answer.json() == {"error": "This call comes from another site's page; only the page itself may make it."}
    assert "set-cookie" not in answer.headers and "access-control-allow-origin" not in answer.headers


def test_a_path_with_a_new_line_stays_one_line_of_the_log(visit: Visit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="lib_omost.studio.edge"):
        visit().get("/x%0AINFO forged?secret=1", headers=EVIL)
    (record,) = caplog.records
    assert "\n" not in record.getMessage() and "secret" not in record.getMessage()


def test_another_site_s_preflight_gets_no_leave(visit: Visit) -> None:
    answer = visit().options(JOIN, headers={**EVIL, "access-control-request-method": "POST"})
    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers


def test_a_program_that_is_no_browser_is_answered(visit: Visit) -> None:
    assert visit().post(JOIN, json={"session_hash": "mine"}).status_code == 200


def test_gradio_s_leave_for_any_site_is_taken_away(visit: Visit) -> None:
    answer = visit().get(DATA, headers={"origin": "http://localhost:7860", "sec-fetch-site": "same-origin"})
    assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers


def test_every_answer_keeps_other_pages_and_requests_out(visit: Visit) -> None:
    headers = visit().get("/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert "sandbox" in visit().get("/gradio_api/file=x.svg").headers["content-security-policy"]


def test_the_name_of_a_browser_s_tab_is_worth_nothing_in_another_browser(visit: Visit, edge: Edge) -> None:
    """Wherever gradio reads it: the body, the query, the path."""
    ann, bob, script = visit(edge), visit(edge), visit(edge)
    ann.get("/"), bob.get("/")

    def names(browser: object, cookies: bool = True) -> list[str]:
        client = ann if browser is ann else bob if browser is bob else script
        if not cookies:
            client.cookies.clear()
        body = client.post(JOIN, json={"data": [1], "session_hash": "tab"}).json()["body"]
        if not cookies:
            client.cookies.clear()
        query = client.get(f"{DATA}?a=%20b&session_hash=tab").json()["query"]
        if not cookies:
            client.cookies.clear()
        path = client.get("/gradio_api/heartbeat/tab").json()["path"]
        assert query.startswith("a=+b&session_hash=") and path.startswith("/gradio_api/heartbeat/")
        return [json.loads(body)["session_hash"], query.rpartition("=")[2], path.rpartition("/")[2]]

    of_ann, of_bob = set(names(ann)), set(names(bob))
    assert len(of_ann) == len(of_bob) == 1 and of_ann != of_bob
    assert all(name.endswith("-tab") and len(name) == 28 for name in of_ann | of_bob)
    assert set(names(script, cookies=False)) == {"tab"}


def test_a_login_has_its_tabs_in_every_browser(visit: Visit) -> None:
    edge = Edge(app(), Site(), user_of=lambda cookies: cookies.get("login", ""))
    bodies = [
        visit(edge).post(JOIN, json={"session_hash": "tab"}, headers={"cookie": f"login={name}"}).json()["body"]
        for name in ("ann", "ann", "bob")
    ]
    assert bodies[0] == bodies[1] != bodies[2]


@pytest.mark.parametrize("body", [b"{", b'{"session_hash": 5}', b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_is_refused(visit: Visit, body: bytes) -> None:
    answer = visit().post(JOIN, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and "not JSON" in answer.json()["error"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_may_be_as_long_as_the_table_says_and_not_a_byte_longer(visit: Visit, declared: bool) -> None:
    browser = visit(limits=SMALL)
    for size, status in ((100, 200), (101, 413)):
        content = b"x" * size
        answer = browser.post(JOIN, content=content if declared else iter([content[:50], content[50:]]))
        assert answer.status_code == status
    assert "too long" in answer.json()["error"]


def test_a_length_that_is_no_number_is_refused(visit: Visit) -> None:
    assert visit().post(JOIN, content=b"", headers={"content-length": "-1"}).status_code == 413


def test_uploads_of_a_day_have_an_end_for_each_owner_and_each_address(visit: Visit) -> None:
    edge = Edge(app(), Site(), limits=SMALL)
    browsers = [visit(edge) for _ in range(4)]
    statuses = []
    for browser in browsers:
        browser.get("/")
        statuses.append([browser.post("/gradio_api/upload", content=b"x" * 700).status_code for _ in range(3)])
    assert statuses == [[200, 200, 413], [200, 200, 413], [200, 413, 413], [413, 413, 413]]


def test_an_upload_longer_than_one_may_be_is_refused(visit: Visit) -> None:
    answer = visit(limits=SMALL).post("/gradio_api/upload", content=iter([b"x" * 600, b"x" * 600]))
    assert answer.status_code == 413


def test_wrong_logins_are_braked_and_a_right_one_is_not(visit: Visit) -> None:
    browser = visit()
    assert [browser.post("/login", content=b"wrong").status_code for _ in range(7)] == [400] * 5 + [429] * 2
    answer = browser.post("/login", content=b"right")
    assert answer.status_code == 429 and "try again in" in answer.json()["error"]
    assert int(answer.headers["retry-after"]) >= 1
    calm = visit()
    assert [calm.post("/login", content=b"right").status_code for _ in range(20)] == [200] * 20


def test_what_nobody_named_says_of_a_proxy_does_not_reach_the_app(visit: Visit) -> None:
    said = {"x-forwarded-host": "localhost", "x-forwarded-proto": "https", "x-gradio-server": "http://evil.example"}
    assert not said.keys() & visit().get(DATA, headers=said).json()["headers"].keys()
    proxied = visit(proxied=True).get(DATA, headers=said).json()["headers"]
    assert said.keys() & proxied.keys() == {"x-forwarded-host", "x-forwarded-proto"}


def test_a_strange_name_behind_a_proxy_is_refused_too(visit: Visit) -> None:
    assert visit(proxied=True).get("/", headers={"x-forwarded-host": "evil.example"}).status_code == 403
