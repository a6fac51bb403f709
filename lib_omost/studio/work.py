"""What the jobs of the page and of the endpoints do: write a reply, paint pictures. Shows nothing; what a watcher can
see of a job are the values `Writing` and `Painting`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from lib_omost.canvas import Canvas, CanvasReader, read_program
from lib_omost.composer import ComposeSettings, Message
from lib_omost.errors import SettingsError, Stopped, StorageError
from lib_omost.renderer import Previous, RenderSettings
from lib_omost.runtime import Engine
from lib_omost.runtime.job import Job, Tell
from lib_omost.runtime.jobs import DEVICE, ELSEWHERE, Jobs
from lib_omost.runtime.known_words import words_of
from lib_omost.settings import read
from lib_omost.studio import history, keeping, reply_stats
from lib_omost.studio.conversation import Chats, Conversation, messages
from lib_omost.studio.finished import settled
from lib_omost.studio.patches import Patch, Written, patch
from lib_omost.studio.presets import style_of
from lib_omost.studio.rendering import Step, Waiting, render_steps
from lib_omost.studio.replies import NOTHING_YET, Reply, stream_reply
from lib_omost.studio.sentences import sentence
from lib_omost.studio.store.images import new_path, png_bytes, read_pixels, write_png
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.pictures import Pictures
from lib_omost.studio.store.room import DiskFullError
from lib_omost.studio.store.sessions import Data, Turn

REPLY, CHAT, RENDER = "reply", "chat", "render"  # to a session's message; to any messages; pictures
REPORT_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Writing:
    """A reply as far as it is. `chat`: what it answers; `expected`: how many characters it will have, at a guess;
    `plans` counts how often the plan changed; `turn`: where it is kept, None while it is not.
    """

    chat: Conversation
    expected: int
    reply: Reply = NOTHING_YET
    plans: int = 0
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class Painting:
    """Pictures as far as they are: the `picture`-th of `pictures` is at work. `ahead`: runs before it, while there is
    no `step`. `preview`: the newest one, the `previews`-th. `done`: pictures that are done, `files` those that could
    be kept; `unkept`: the newest one that could not.
    """

    pictures: int
    picture: int = 1
    ahead: int = 0
    step: Step | None = None
    preview: Image.Image | None = None
    previews: int = 0
    done: int = 0
    files: tuple[str, ...] = ()
    unkept: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a render job asks for. `code` is the canvas as the person wrote it, `shown` what is painted of it, with
    the `strengths` of that; `after`: the turn that its pictures come behind in the chat.
    """

    code: str
    canvas: Canvas
    shown: Canvas
    strengths: tuple[float, ...]
    settings: RenderSettings
    pictures: int
    previous: Previous | None
    after: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Where pictures are kept. Of a job without a session `path` names the n-th one, and `spare` is the folder for
    those that a full disk has no room for; without one the job fails then.
    """

    pictures: Pictures
    spare: Path | None
    path: Callable[[int], Path] | None = None


def job_service(engine: Engine, chats: Chats, pictures: Pictures, spare: Path, store: StoredJobs) -> Jobs:
    """The jobs of these sessions on this engine. `spare`: where the pictures of an endpoint go that the disk of the
    others has no room for. `resume()` takes up what was left.
    """
    works = {
        REPLY: partial(write_reply, engine, chats),
        CHAT: partial(write, engine),
        RENDER: partial(paint, engine, chats, Keep(pictures, spare)),
    }

    def lane(job: Job) -> str:
        return ELSEWHERE if job.what != RENDER and engine.llm_entry.place == "server" else DEVICE

    return Jobs(works, store, lane, sentence)


def command_service(
    engine: Engine, path: Callable[[int], Path], told: Callable[[BaseException], str] = sentence
) -> Jobs:
    """The same for the command line: one client, no session, nothing of a job outlives the program. `path`: of the n-th
    picture, from 1 on.
    """
    keep = Keep(Pictures(path(1).parent), None, path)
    return Jobs({CHAT: partial(write, engine), RENDER: partial(paint, engine, None, keep)}, told=told)


def chat_request(said: Sequence[Message], settings: ComposeSettings) -> Data:
    return {"messages": list(said), "settings": asdict(settings)}


def reply_request(question: Turn, settings: ComposeSettings) -> Data:
    return {"turn": question.id, "settings": asdict(settings)}


def render_request(
    code: str,
    settings: RenderSettings,
    *,
    keep: str = "",
    after: str = "",
    live: bool = False,
    vary: int | None = None,
) -> Data:
    """`settings.images` pictures, each with a seed one above that of the one before. `keep`: the render of the session
    that stays where nothing changed; `after`: the turn that the pictures come behind; `live`: a newer change ends it;
    `vary`: the region that is painted anew though nothing of it changed.
    """
    varied = {} if vary is None else {"vary": vary}
    return {"code": code, "settings": asdict(settings), "keep": keep, "after": after, "live": live, **varied}


def write(engine: Engine, job: Job, tell: Tell, stop: threading.Event) -> Data:
    """A reply to the messages of the request, as text."""
    text, told_at = "", 0.0
    for piece in engine.compose(job.request["messages"], read(ComposeSettings, job.request["settings"]), stop):
        text += piece
        if time.monotonic() - told_at >= REPORT_PAUSE_S:
            told_at = time.monotonic()
            tell(text, {"characters": len(text)})
    if stop.is_set():
        raise Stopped("stopped")
    return {"text": text}


# --- a reply in a session ---


def write_reply(engine: Engine, chats: Chats, job: Job, tell: Tell, stop: threading.Event) -> Data:
    """A reply to a message of the session, kept behind it as it grows; whatever ends it, all that was written stays."""
    session = job.session
    chat, question = _asked(chats, job)
    entry = engine.llm_entry
    expected = reply_stats.expected_length(chat, chats.sessions.reply_lengths(entry.name), entry)
    replaced = history.before_last(chats, session, chat)
    now, reader, failure = Writing(chat, expected), CanvasReader(), None
    tell(now, {})
    try:
        settings = read(ComposeSettings, job.request["settings"])
        for reply in stream_reply(engine.compose(messages(chat.turns), settings, stop), reader):
            try:
                turn = chats.keep_reply(session, now.turn, reply.text, {"stopped": True}, question.id)
            except StorageError:  # the reply goes on; it is kept at its end, or said then that it is not
                turn = now.turn
            now = Writing(chat, expected, reply, now.plans + reply.plan_changed, turn)
            tell(now, {"characters": len(reply.text)})
    except Exception as error:  # what the model wrote until then stays
        failure = error
    cut = stop.is_set() or now.reply.reading is None
    about = reply_stats.record(now.reply, engine.compose_stats, entry, stopped=cut)
    written = Written(reader.text, reader.canvas, None if cut else now.reply.reading)
    made = _ended(engine, chats, session, chat, written, replaced, about)
    turn = chats.keep_reply(session, now.turn, made.text, made.about, question.id)
    if turn is not None and any(one.id == turn.id for one in chats.open(session).turns):  # nobody took it back
        chats.tell(session, made.told)
    if failure is not None:
        raise failure
    if stop.is_set():
        raise Stopped("stopped")
    return {"characters": len(made.text)}


def _asked(chats: Chats, job: Job) -> tuple[Conversation, Turn]:
    """The conversation up to the message that is to be answered. Raises Stopped where that one is gone meanwhile."""
    turns = chats.open(job.session).turns
    at = next((at for at, turn in enumerate(turns) if turn.id == job.request["turn"]), None)
    if at is None:
        raise Stopped("the message was taken back")
    return Conversation(turns[: at + 1]), turns[at]


def _ended(
    engine: Engine, chats: Chats, session: str, chat: Conversation, reply: Written, replaced: Conversation, about: Data
) -> Patch:
    """A reply at its end, with all that is kept with it; the default model's is settled first."""
    if reply.reading is not None and engine.llm_entry.place == "embedded":
        before = chat.newest.reading.canvas if chat.newest else None
        text, reading, notes = settled(reply.text, reply.reading, before)
        reply = reply._replace(text=text, reading=reading)
        about = {**about, "notes": [*about.get("notes", ()), *notes]}
    made = patch(chats, session, chat, reply, replaced, words_of(engine.sdxl_entry))
    return made._replace(about={**about, **made.about})


# --- pictures ---


def paint(engine: Engine, chats: Chats | None, keep: Keep, job: Job, tell: Tell, stop: threading.Event) -> Data:
    """The pictures of the request, one after the other; each is on disk, and in the session, before it is reported.
    A job that was interrupted goes on with the picture that it was at. `chats`: None where no job has a session.
    """
    order, before = _order(chats, job), job.progress
    notes: list[str] = list(before.get("notes", ()))
    now = Painting(order.pictures, done=before.get("done", 0), files=tuple(before.get("files", ())))
    while now.done < order.pictures:
        now = replace(now, picture=now.done + 1, ahead=0, step=None)
        settings = replace(order.settings, seed=order.settings.seed + now.done)
        painted = replace(settings, region_strengths=order.strengths)
        render = partial(engine.render, order.shown, painted, keep=order.previous, on_note=notes.append)
        image = None
        for news in render_steps(render, stop):
            if isinstance(news, list):
                (image,) = news
                continue
            now = _further(now, news)
            tell(now, _progress(now, notes))
        if image is None:
            raise Stopped("stopped")
        now = replace(now, done=now.done + 1, unkept=None)
        try:
            told = [*dict.fromkeys(notes)]
            model = engine.sdxl_entry.name
            png = png_bytes(image, order.canvas, settings, code=order.code, model=model, notes=told)
            if chats is not None and job.session:
                file = _in_session(chats, keep, job.session, order, settings, png)
            else:
                file = _alone(keep, now.done, png, notes)
            now = replace(now, files=(*now.files, str(file)))
        except StorageError as error:
            if not job.session:
                raise
            notes.append(f"{error} The picture is shown, but it is not kept.")
            now = replace(now, unkept=image)
        tell(now, _progress(now, notes), at_once=True)
    return {**_progress(now, notes), "seed": order.settings.seed}


def _further(now: Painting, news: Waiting | Step) -> Painting:
    if isinstance(news, Waiting):
        return replace(now, ahead=news.ahead)
    if news.preview is None:
        return replace(now, step=news)
    return replace(now, step=news, preview=news.preview, previews=now.previews + 1)


def _progress(now: Painting, notes: Sequence[str]) -> Data:
    step = {"step": now.step.step, "steps": now.step.steps} if now.step else {}
    counts = {"picture": now.picture, "pictures": now.pictures, "done": now.done}
    return {**counts, **step, "files": list(now.files), "notes": [*dict.fromkeys(notes)]}


def _order(chats: Chats | None, job: Job) -> Order:
    """Raises SettingsError for a request that cannot be painted."""
    request = job.request
    settings, canvas = read(RenderSettings, request["settings"]), read_program(request["code"]).canvas
    if canvas is None:
        raise SettingsError("The code of this render holds no canvas. Render the plan anew.")
    found = _previous(chats, job.session, request["keep"]) if chats is not None and request["keep"] else None
    shown, strengths = keeping.shown(canvas, settings.region_strengths)
    previous = None
    if found is not None:
        was, before = found
        vary = request.get("vary")
        anew = None if vary is None or vary >= len(canvas.regions) else canvas.regions[vary]
        unchanged = keeping.unchanged(before.canvas, was, shown, strengths, anew)
        previous = replace(before, canvas=unchanged)
    one = replace(settings, images=1)
    return Order(request["code"], canvas, shown, strengths, one, settings.images, previous, request["after"])


def _previous(chats: Chats, session: str, chosen: str) -> tuple[tuple[float, ...], Previous] | None:
    """The picture that stays where nothing changed, with the canvas that it was painted from and its strengths."""
    found = (one for one in chats.sessions.renders(session) if one.id == chosen and Path(one.picture).is_file())
    render = next(found, None)
    canvas = read_program(render.code).canvas if render else None
    if render is None or canvas is None:
        return None
    strengths = tuple(render.settings.get("region_strengths", ()))
    return strengths, Previous(canvas, (read_pixels(render.picture),), style_of(render.settings))


def _in_session(chats: Chats, keep: Keep, session: str, order: Order, settings: RenderSettings, png: bytes) -> Path:
    """Puts a picture into its gallery and its chat; both may wait for room. Raises StorageError."""
    path = new_path(keep.pictures.folder)
    note = partial(chats.sessions.add_picture, session, order.code, asdict(settings), str(path), order.after)
    keep.pictures.keep(session, path, png, note)
    return path


def _alone(keep: Keep, number: int, png: bytes, notes: list[str]) -> Path:
    """Where a picture of no session lies, the `number`-th. Raises StorageError."""
    path = keep.path(number) if keep.path else new_path(keep.pictures.folder)
    try:
        write_png(path, png)
    except DiskFullError as error:
        if keep.spare is None:
            raise
        notes.append(f"{error} The picture is kept for a day only.")
        path = keep.spare / path.name
        write_png(path, png)
    return path
