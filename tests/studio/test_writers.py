"""A reply that streams, a message that is sent and pictures that are done, written to one chat at once: by threads of
one program, and by two programs. None of them takes anything of another.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib_omost.studio.conversation import Chats
from lib_omost.studio.store.sessions import Sessions, Turn

ROUNDS = 200
REPLY = "a reply that was written to its end"
PICTURES = ["/p/1.png", "/p/2.png"]
PAINTER = """
import sys
from pathlib import Path
from lib_omost.studio.store.sessions import Sessions
sessions = Sessions(Path(sys.argv[1]))
for line in sys.stdin:
    for picture in sys.argv[2:]:
        sessions.add_picture(line.strip(), "code", {}, picture)
    print("done", flush=True)
"""
Paint = Callable[[str], Callable[[], None]]  # begins to add pictures to a session; what it returns waits for the end


@contextmanager
def a_thread(chats: Chats) -> Iterator[Paint]:
    def paint(session: str) -> Callable[[], None]:
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for picture in PICTURES:
                    chats.sessions.add_picture(session, "code", {}, picture)
            except BaseException as error:
                failures.append(error)

        def done() -> None:
            thread.join()
            assert failures == []

        thread = threading.Thread(target=work)
        thread.start()
        return done

    yield paint


@contextmanager
def a_process(chats: Chats) -> Iterator[Paint]:
    start = [sys.executable, "-c", PAINTER, str(chats.sessions.path), *PICTURES]
    with subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def done() -> None:
            assert answers.readline() == "done\n"

        def paint(session: str) -> Callable[[], None]:
            asked.write(f"{session}\n")
            asked.flush()
            return done

        paint(chats.sessions.create("nobody"))()  # until it runs
        yield paint
        asked.close()


@pytest.fixture
def chats(tmp_path: Path) -> Iterator[Chats]:
    """In memory where the system has a folder there: thousands of writes would wait for a disk that others use too."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Chats(Sessions(Path(folder) / "sessions.sqlite"))


def stream(chats: Chats, session: str) -> None:
    """A reply as a run writes it: the first words, more of them, all."""
    turn = None
    for share in (0.3, 0.6, 1.0):
        turn = chats.keep_reply(session, turn, REPLY[: round(share * len(REPLY))], {"stopped": True})
    chats.keep_reply(session, turn, REPLY, {"whole": True})


@pytest.mark.parametrize("painter", [a_thread, a_process])
def test_a_picture_that_is_done_cuts_nothing_off_a_reply_that_streams(
    chats: Chats, painter: Callable[[Chats], Iterator[Paint]]
) -> None:
    question = Turn("user", "an apple")
    with painter(chats) as paint:  # type: ignore[attr-defined]
        for _ in range(ROUNDS):
            session = chats.sessions.create("ann")
            chats.say(session, question.text)
            done = paint(session)
            stream(chats, session)
            done()
            turns = chats.open(session).turns
            assert [turn.text for turn in turns if turn.text] == [question.text, REPLY]
            assert [turn.about for turn in turns if turn.text == REPLY] == [{"whole": True}]
            assert [turn.picture for turn in turns if turn.picture] == PICTURES
            assert len(chats.sessions.renders(session)) == len(PICTURES)


@pytest.mark.parametrize("painter", [a_thread, a_process])
def test_a_message_that_is_sent_while_pictures_are_painted_takes_none_of_them_away_and_is_answered(
    chats: Chats, painter: Callable[[Chats], Iterator[Paint]]
) -> None:
    with painter(chats) as paint:  # type: ignore[attr-defined]
        for _ in range(ROUNDS):
            session = chats.sessions.create("ann")
            done = paint(session)
            chats.say(session, "an apple")
            chats.keep_reply(session, None, REPLY, {})
            chats.say(session, "make it red")
            chats.keep_reply(session, None, REPLY, {})
            done()
            turns = chats.open(session).turns
            assert [turn.text for turn in turns if turn.text] == ["an apple", REPLY, "make it red", REPLY]
            assert [turn.picture for turn in turns if turn.picture] == PICTURES
