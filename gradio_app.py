"""Entry point of the page: command-line options, layout, wiring. What anything does is in chat_interface.py and
lib_omost/studio.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from chat_interface import CanvasChat, ChatWidgets
from lib_omost.errors import OmostError, SettingsError
from lib_omost.runtime import Engine
from lib_omost.runtime.jobs import Jobs
from lib_omost.studio import api
from lib_omost.studio.conversation import Chats
from lib_omost.studio.device_options import add_attention, add_device, on_device
from lib_omost.studio.edge import Site, around
from lib_omost.studio.edge.users import Check, Users, one_login
from lib_omost.studio.page import html_widgets
from lib_omost.studio.page.blocks import Page
from lib_omost.studio.page.events import QUIET, PictureSize, Update, View
from lib_omost.studio.page.export_box import ExportBox
from lib_omost.studio.page.machine_panel import MachinePanel
from lib_omost.studio.page.models_panel import ModelsPanel, models_text
from lib_omost.studio.page.owned import guard
from lib_omost.studio.page.picture_column import PictureColumn
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.sessions_column import SessionsColumn
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.page.tabs import tidied
from lib_omost.studio.page.theme import CSS_FILES, head, theme
from lib_omost.studio.runs import Runs
from lib_omost.studio.serving import DAY_S, Health, each_day, end_at_the_latest, end_now, sweep_temporary, told_to_end
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.pictures import Pictures, sweep
from lib_omost.studio.store.sessions import Sessions
from lib_omost.studio.work import job_service

# Everyone who watches a job takes a thread now and then; with gradio's 40, as many who wait would be all it serves.
MAX_THREADS = 256
DRAIN_S = 6.0
Login = tuple[str, str] | Check | None  # who may enter: one name and password, those of a file, or everybody


class Studio(NamedTuple):
    """What the page is a view of. `alone`: no other process works on it."""

    chats: Chats
    pictures: Pictures
    jobs: Jobs
    alone: bool


def studio(engine: Engine, folder: Path, clear: Callable[[bool], object] = lambda alone: None) -> Studio:
    """Sessions and pictures of `folder`, and their jobs, which begin with what an earlier process left. `clear(alone)`
    is called when that is swept up, and before the first of them runs.
    """
    chats, pictures = Chats(Sessions(folder / "sessions.sqlite")), Pictures(folder / "pictures")
    sweep(chats.sessions, pictures.folder)
    store = StoredJobs(chats.sessions)
    jobs = job_service(engine, chats, pictures, Path(get_upload_folder()), store)
    alone = store.alone()
    clear(alone)
    jobs.resume()
    return Studio(chats, pictures, jobs, alone)


def build(
    engine: Engine,
    folder: Path,
    *,
    local: bool = True,
    operator: Callable[[str], bool] = lambda user: False,
    of: Studio | None = None,
    auto: bool = False,
) -> gr.Blocks:
    """The page on this engine; sessions and pictures are kept in `folder`. `local`: only people of this machine see
    it; else its models are chosen by those users alone whom `operator` names. `of`: what `studio` made of them, where
    the caller did. `auto`: whether changes are painted at once, until a person switches it.
    """
    chats, pictures, jobs, _ = of or studio(engine, folder)
    sessions, runs = chats.sessions, Runs()
    # Served from where they are: a copy would want room, and outlive the picture.
    gr.set_static_paths([pictures.folder])
    with Page(title="Omost", fill_width=True, delete_cache=(600, 86400)) as demo:
        session = gr.Textbox("", visible="hidden", elem_id="session")  # of the tab, which may say anything: see guard
        models = gr.Markdown(models_text(engine), elem_id="models-line", render=False)
        words = html_widgets.words(elem_id="words-line", render=False)
        # The list of sessions shows all the rest of the page, so it is filled last.
        sessions_bar = gr.Sidebar(open=False, position="left", width=300, elem_id="sessions-bar")
        with gr.Sidebar(open=False, position="right", width=340, elem_id="settings-bar") as settings_bar:
            drawer = SettingsPanel(engine)
            panel = ModelsPanel(engine, drawer, settings_bar, models, words, local, operator)
            MachinePanel(engine, settings_bar)
        with gr.Row(elem_id="head"):
            gr.Markdown("# Omost")
            models.render()
            panel.way_in.render()
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=4, min_width=340, elem_id="chat-column"):
                widgets = ChatWidgets()
                words.render()
            with gr.Column(scale=8, min_width=340, elem_id="canvas-column"):
                with gr.Column(elem_id="plan-column"):
                    seen = (widgets.chatbot, widgets.cards, widgets.state_line, widgets.remarks)
                    plan = PlanColumn(chats, session, drawer.size, *seen)
                chat = CanvasChat(engine, chats, jobs, runs, session, widgets, plan, drawer)
                with gr.Column(elem_id="picture-column"):
                    picture = PictureColumn(engine, chats, jobs, runs, session, pictures, plan, drawer, chat.view, auto)
                    ExportBox(chats, session, picture.gallery, drawer.size)

        def show(session: str, size: PictureSize) -> Update:
            settings = dict(zip(drawer.outputs, drawer.view(sessions.settings(session)), strict=True))
            return {**chat.view.show(session, size), **picture.at_rest(session), **settings}

        whole = View([*chat.view.outputs, *picture.bar, *picture.outputs, *drawer.outputs], show)
        with sessions_bar:
            folder, stop = pictures.folder, jobs.forget
            told = (widgets.cards, widgets.state_line)
            column = SessionsColumn(sessions, session, folder, demo, sessions_bar, whole, drawer.size, stop, *told)
        chat.wire(column.opened)
        picture.wire(column.opened)
        drawer.wire(sessions, session, settings_bar)
        demo.load(panel.show, None, panel.outputs, **QUIET)
        api.add(engine, jobs)
    guard(demo, session, sessions, widgets.state_line)
    return demo


def launch(
    demo: gr.Blocks,
    folder: Path,
    host: str,
    port: int | None,
    auth: tuple[str, str] | Check | None,
    *,
    names: Sequence[str] = (),
    proxies: Sequence[str] = (),
    unready: Callable[[], str] = str,
    users: Users | None = None,
    **more: object,
) -> Any:
    """Serves the page; returns what gradio's launch returns. `names`: under which people reach it besides `host`;
    `proxies`: addresses of those that stand before it; `unready`: why it takes no work now, "" where it does;
    `users`: of `auth`, if it is a file's; who is removed from it is logged out.
    """
    site = Site(host, tuple(names))
    # the server believes these, and nobody else, on whom they speak for
    os.environ["FORWARDED_ALLOW_IPS"] = ",".join(proxies)
    return demo.queue(max_size=None, default_concurrency_limit=None).launch(
        max_threads=MAX_THREADS,
        server_name=host,
        server_port=port,
        auth=auth,
        theme=theme(),
        css_paths=CSS_FILES,
        head=head(),
        allowed_paths=[str(folder / "pictures")],
        app_kwargs={
            "middleware": [Middleware(Health, unready=unready)],
            "lifespan": tidied(around(site, proxied=bool(proxies), mark=users.mark if users else str)),
        },
        footer_links=["api", "settings"],
        run_history=False,
        ssr_mode=False,
        share=False,
        show_error=site.local,
        max_file_size="1gb",  # a session file holds all its pictures
        state_session_capacity=200,
        strict_cors=True,
        enable_monitoring=False,
        **more,
    )


def options(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The studio page: chat, plan, picture.")
    parser.add_argument(
        "--llm", help="language model: a name of `python -m lib_omost models`, a path, or a server's URL"
    )
    parser.add_argument("--sdxl", help="image model: a name, a folder or a file")
    add_device(parser)
    add_attention(parser)
    parser.add_argument(
        "--keep-llm", action="store_true", help="leave the language model on a card of up to 12 GB after a reply"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument(
        "--allow-host", metavar="NAME", action="append", default=[], help="a further name that the page is reached by"
    )
    parser.add_argument(
        "--proxy", metavar="ADDRESS", action="append", default=[], help="believe this proxy on whom it speaks for"
    )
    parser.add_argument(
        "--auth",
        metavar="USER:PASSWORD",
        help="ask for this login, which all share; @FILE reads it from a file, and so does the variable OMOST_AUTH",
    )
    parser.add_argument(
        "--users", metavar="FILE", type=Path, help="ask for a login of this file, each user with sessions of their own"
    )
    parser.add_argument("--mcp", action="store_true", help="offer the endpoints as MCP tools too, at /gradio_api/mcp/")
    parser.add_argument("--outputs", type=Path, default=Path("outputs"), help="where sessions and pictures are kept")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    start = time.monotonic()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    chosen = options(argv)
    if chosen.mcp and importlib.util.find_spec("mcp") is None:
        print("Cannot start: --mcp wants the package mcp. Run `pip install -r requirements-mcp.txt` and start again.")
        return 2
    folder = chosen.outputs.resolve()
    os.environ.setdefault("GRADIO_TEMP_DIR", str(folder / "temp"))
    try:
        auth, users = logins(chosen)
        engine = Engine(
            chosen.llm,
            chosen.sdxl,
            **on_device(chosen),
            attention=chosen.attention,
            keep_llm=chosen.keep_llm,
            remember=folder / "models.json",
        )
        print(*engine.notes, startup_line(engine, chosen), sep="\n")
        if engine.device_note:
            print(f"WARNING: {engine.device_note}")
        with told_to_end() as told:
            page = studio(engine, folder, lambda alone: _clear(folder, alone, told))
            demo, url = _serve(engine, folder, chosen, page, auth, users)
            print(f"Ready on {url} after {time.monotonic() - start:.1f} s. Ctrl+C ends it.")
            threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
            told.wait()
            _end(demo, page.jobs)
    except (OmostError, OSError) as error:
        print(f"Cannot start: {error}")
        return 2
    return 0


def _clear(folder: Path, alone: bool, told: threading.Event) -> None:
    """Deletes the temporary files that an earlier process left, now and daily."""
    temporary = Path(os.environ["GRADIO_TEMP_DIR"])
    own = alone and temporary.is_relative_to(folder)  # nobody else has a file there
    sweep_temporary(temporary, 0 if own else DAY_S)
    each_day(partial(sweep_temporary, temporary, DAY_S), told)


def _serve(
    engine: Engine, folder: Path, chosen: argparse.Namespace, page: Studio, auth: Login, users: Users | None
) -> tuple[gr.Blocks, str]:
    """The page as it is served, and its address."""
    local = Site(chosen.host, tuple(chosen.allow_host)).local
    if not local and not auth:
        print("WARNING: anyone who reaches this address can use the models. Add --users FILE or --auth @FILE.")
    operator = users.operator if users else lambda user: False
    small = engine.llm_entry.place == engine.sdxl_entry.place == "embedded"  # quick enough to paint each change
    demo = build(engine, folder, local=local, operator=operator, of=page, auto=small)
    _, url, _ = launch(
        demo,
        folder,
        chosen.host,
        chosen.port,
        auth,
        names=chosen.allow_host,
        proxies=chosen.proxy,
        unready=lambda: "" if page.jobs.ready else "about to stop",
        users=users,
        prevent_thread_lock=True,
        quiet=True,
        mcp_server=chosen.mcp,
    )
    if chosen.mcp:
        print(f"MCP tools: {url}gradio_api/mcp/ (streamable HTTP).")
    return demo, url


def _end(demo: gr.Blocks, jobs: Jobs) -> None:
    """Takes no more work, stops at the next step what is done, and leaves the rest to the next start."""
    end_at_the_latest()
    print("Bye." if jobs.drain(DRAIN_S) else "Bye; a run did not end in time, and is interrupted.", flush=True)
    demo.close(verbose=False)
    end_now()


def logins(chosen: argparse.Namespace) -> tuple[Login, Users | None]:
    """Who may log in, and the file of users if there is one. Raises SettingsError, StorageError."""
    if chosen.users and chosen.auth:
        raise SettingsError("--users and --auth are two ways to ask for a login; give one.")
    if chosen.users:
        users = Users(chosen.users)
        print(f"Users: {', '.join(users.names())}.")
        return users.check, users
    login = one_login(chosen.auth)
    if chosen.auth and not chosen.auth.startswith("@"):
        print("Note: a password after --auth is seen in the list of processes; --auth @FILE or OMOST_AUTH hides it.")
    return login, None


def startup_line(engine: Engine, chosen: argparse.Namespace) -> str:
    """Which models are at work, and why these."""
    llm, sdxl = engine.llm_entry, engine.sdxl_entry
    no_cuda = "the card of this machine is not used" if engine.device_note else "no CUDA device was found"
    whys = {
        "as asked for": bool(chosen.llm and chosen.sdxl),
        "as chosen in the page last time": engine.remembers,
        f"{no_cuda}, so the small models of this repository are used": "embedded" in (llm.place, sdxl.place),
        "the default on this machine": True,
    }
    why = next(reason for reason, holds in whys.items() if holds)
    return f"Language model {llm.name}, image model {sdxl.name}: {why}."


if __name__ == "__main__":
    raise SystemExit(main())
