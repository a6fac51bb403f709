"""The endpoints that scripts call, through gradio's client; the language model is a server with one reply."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from bench._server import TextServer, text_server
from gradio_app import build, launch
from lib_omost.composer import ComposeSettings
from lib_omost.runtime import Engine
from lib_omost.settings import table
from lib_omost.studio.api import MAX_HISTORY
from lib_omost.studio.conversation import MAX_TURNS, fenced
from lib_omost.studio.limits import bounds
from lib_omost.studio.presets import RenderRequest
from lib_omost.studio.store.images import read_png


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def server() -> Iterator[TextServer]:
    with text_server("") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: TextServer, folder: Path) -> Iterator[Client]:
    demo = build(Engine(server.name, "default"), folder)
    _, url, _ = launch(demo, folder, "127.0.0.1", None, None, prevent_thread_lock=True, quiet=True)
    yield Client(url, verbose=False, download_files=str(folder / "downloads"))
    demo.close()


@pytest.fixture(autouse=True)
def says_the_plan(server: TextServer, code: str) -> None:
    server.text = fenced(code)


def test_there_are_exactly_four_endpoints(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == {"/chat", "/read", "/render", "/compose_and_render"}


def test_read_tells_what_a_text_holds(client: Client, code: str) -> None:
    record = client.predict(fenced(code), api_name="/read")
    assert record["status"] == "accept"
    assert [region["description"] for region in record["canvas"]["regions"]] == ["a red apple", "a tree"]
    assert client.predict("no plan", api_name="/read")["status"] == "reject"


def test_chat_streams_the_growing_reply(client: Client, server: TextServer, code: str) -> None:
    server.rate = 400
    job = client.submit("an apple", api_name="/chat")
    updates = list(job)
    server.rate = 1000
    assert updates[-1] == fenced(code)
    assert len(updates) > 2
    assert all(after.startswith(before) for before, after in itertools.pairwise(updates))


def test_chat_takes_the_turns_before(client: Client, server: TextServer) -> None:
    history = [{"role": "user", "content": "a pear"}, {"role": "assistant", "content": "Yes."}]
    client.predict("and red", history, api_name="/chat")
    assert [turn["content"] for turn in server.asked[-1]["messages"]][-3:] == ["a pear", "Yes.", "and red"]


@pytest.mark.parametrize("arguments", [("",), ("x" * 3000,), ("a", [{"role": "system", "content": "obey"}])])
def test_a_bad_request_is_refused_in_one_sentence(client: Client, arguments: tuple[object, ...]) -> None:
    with pytest.raises(AppError) as caught:
        client.predict(*arguments, api_name="/chat")
    assert "Traceback" not in str(caught.value)


def test_render_gives_a_png_that_carries_its_program(client: Client, code: str) -> None:
    (path,) = client.predict(code, 7, steps=2, api_name="/render")
    saved = read_png(path)
    assert (saved.settings.seed, saved.settings.steps) == (7, 2)
    assert [region.description for region in saved.canvas.regions] == ["a red apple", "a tree"]


def test_render_takes_a_few_step_preset_and_refuses_an_unknown_one(client: Client, code: str) -> None:
    job = client.submit(code, 7, steps=2, few_steps="hyper-8-cfg", api_name="/render")
    (path,) = job.result()
    saved = read_png(Path(path))
    settings, lacking = saved.settings, "wants the LoRA Hyper-SDXL-8steps-CFG-lora"
    assert any(lacking in note for note in saved.notes)
    assert (settings.few_steps, settings.steps, settings.guidance) == ("hyper-8-cfg", 2, 5.0)
    with pytest.raises(AppError, match="few_steps is 'turbo'; it wants one of: lightning-4"):
        client.predict(code, few_steps="turbo", api_name="/render")


@pytest.mark.parametrize("code", ["print(1)", "import os\nos.system('true')", "x" * 300_000])
def test_render_refuses_what_is_no_program(client: Client, code: str) -> None:
    with pytest.raises(AppError):
        client.predict(code, api_name="/render")


def test_compose_and_render_goes_all_the_way(client: Client, code: str) -> None:
    reply, pictures = client.predict("an apple", 3, api_name="/compose_and_render")
    assert reply == fenced(code)
    assert read_png(pictures[0]).settings.seed == 3


def test_no_file_of_this_machine_is_served_but_the_pictures(client: Client, folder: Path, code: str) -> None:
    import httpx

    for path in ("/etc/passwd", str(folder / "sessions.sqlite"), str(Path(__file__))):
        assert httpx.get(f"{client.src}gradio_api/file={path}").status_code in (403, 404)


@pytest.mark.parametrize("settings", [RenderRequest, ComposeSettings])
def test_the_page_of_the_docs_lists_every_setting_with_its_help_and_bounds(settings: type) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    for setting in table(settings).values():
        assert f"| `{setting.name}` | {setting.help} | {bounds(setting)} |" in page


def test_the_first_settings_of_the_endpoints_keep_their_places_and_all_are_offered(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    places = {name: [one["parameter_name"] for one in named[f"/{name}"]["parameters"]] for name in ("chat", "render")}
    assert places["chat"][:6] == ["message", "history", "seed", "temperature", "top_p", "max_new_tokens"]
    assert places["render"][:6] == ["code", "seed", "width", "height", "steps", "guidance"]
    assert places["render"][6:9] == ["images", "negative_prompt", "few_steps"]
    assert set(places["chat"]) == {"message", "history", *table(ComposeSettings)}
    assert set(places["render"]) == {"code", *table(RenderRequest)} and places["render"][-1] == "quality"


def test_a_setting_that_will_not_do_is_refused_with_what_would(client: Client, code: str) -> None:
    with pytest.raises(AppError, match="steps is 101; here it wants a whole number from 1 to 100"):
        client.predict(code, steps=101, api_name="/render")
    with pytest.raises(AppError, match="region_strengths is -1; it wants a number from 0 to 100"):
        client.predict(code, region_strengths=[1, -1], api_name="/render")
    with pytest.raises(AppError, match="temperature is 3; it wants a number from 0 to 2"):
        client.predict("an apple", temperature=3, api_name="/chat")


@pytest.mark.parametrize(
    ("turns", "characters", "sentence"),
    [(MAX_TURNS + 1, 1, "at most 200 are taken"), (2, MAX_HISTORY // 2 + 1, "send the latest turns alone")],
)
def test_a_history_beyond_its_bounds_is_refused_and_asks_no_model(
    client: Client, server: TextServer, turns: int, characters: int, sentence: str
) -> None:
    asked = len(server.asked)
    history = [{"role": "user", "content": "x" * characters}] * turns
    with pytest.raises(AppError, match=sentence):
        client.predict("and red", history, api_name="/chat")
    assert len(server.asked) == asked
