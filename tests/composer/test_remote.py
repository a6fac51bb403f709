"""The remote composer against a real HTTP server on loopback that behaves in all the ways that servers do."""

from __future__ import annotations

import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
from llguidance import LLMatcher
from llguidance.gbnf_to_lark import any_to_lark
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from lib_omost.canvas import read_canvas
from lib_omost.composer import EXAMPLES, ComposeSettings, Message, Profile, RemoteComposer
from lib_omost.composer.grammar import canvas_gbnf
from lib_omost.composer.remote.server import SILENCE_S, TEST_S
from lib_omost.errors import RemoteError
from tests.composer.conftest import PROFILE, a_reply

ASK: list[Message] = [{"role": "user", "content": "a red apple"}]
REPLY = a_reply("red apple")
Answer = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


def event(handler: BaseHTTPRequestHandler, text: str, finish: str | None = None) -> None:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "tiny", "choices": [choice]}
    handler.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
    handler.wfile.flush()


def start(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()


def whole(text: str) -> Answer:
    """A server that says `text`, ten characters at a time."""

    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        start(handler)
        for at in range(0, len(text), 10):
            event(handler, text[at : at + 10])
        event(handler, "", "stop")
        handler.wfile.write(b"data: [DONE]\n\n")

    return answer


def send(handler: BaseHTTPRequestHandler, code: int, body: bytes, kind: str) -> None:
    handler.send_response(code)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def status(code: int, message: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        send(handler, code, json.dumps({"error": {"message": message}}).encode(), "application/json")

    return answer


def dropped(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    start(handler)
    event(handler, REPLY[:30])


def silent(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    start(handler)
    event(handler, REPLY[:10])
    time.sleep(3)


class Server:
    """Answers chat requests by the functions in `answers`, one after the other, the last one for ever.

    `owner`: of the one model that it lists; None: it has no list. A function answers in the list's place.
    """

    def __init__(self, *answers: Answer, owner: str | Answer | None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.accepted: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if owner is None:
                    return status(500, "no list")(self, {})
                if callable(owner):
                    return owner(self, {})
                listed = {"object": "list", "data": [{"id": "tiny", "object": "model", "owned_by": owner}]}
                send(self, 200, json.dumps(listed).encode(), "application/json")

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(request)
                server.keys.append(self.headers["Authorization"])
                server.accepted.append(self.headers["Accept-Encoding"])
                answers[min(len(server.requests), len(answers)) - 1](self, request)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._running = running(Handler)
        self.url = self._running.__enter__()

    def close(self) -> None:
        self._running.__exit__(None, None, None)


@contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL of a server with this handler, until the block is left."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def begin(*answers: Answer, owner: str | Answer | None = "someone") -> Server:
        servers.append(Server(*answers, owner=owner))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def reply(server: Server, profile: Profile = PROFILE, **options: Any) -> str:
    composer = RemoteComposer(server.url, "tiny", "secret", profile, **options)
    return "".join(composer.stream(ASK, ComposeSettings(), threading.Event()))


def test_the_text_arrives_piece_by_piece_as_it_was_sent(serve: Callable[..., Server]) -> None:
    server = serve(whole(REPLY))
    composer = RemoteComposer(server.url, "tiny", "secret", PROFILE)
    pieces = list(composer.stream(ASK, ComposeSettings(temperature=0.3, seed=7), threading.Event()))
    assert "".join(pieces) == REPLY and len(pieces) > 5
    sent = server.requests[0]
    assert sent["messages"] == [{"role": "system", "content": PROFILE.system_prompt}, *ASK]
    assert (sent["model"], sent["temperature"], sent["top_p"], sent["seed"]) == ("tiny", 0.3, 0.9, 7)
    assert server.keys == ["Bearer secret"]
    assert 0 < composer.stats.first_token_s <= composer.stats.seconds


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (status(401, "bad key"), r"refused the key \(401\)\. Give another"),
        (status(404, "no model"), r"does not know the model 'tiny'.*404"),
        (status(429, "slow down"), r"takes no more requests now \(429\)"),
        (status(500, "CUDA on fire"), r"failed with 500: .*CUDA on fire"),
        (dropped, "broke off in the middle of its answer"),
    ],
    ids=["401", "404", "429", "500", "dropped"],
)
def test_a_failure_is_a_plain_sentence(serve: Callable[..., Server], answer: Answer, sentence: str) -> None:
    with pytest.raises(RemoteError, match=sentence):
        reply(serve(answer))


def test_a_letter_that_comes_in_two_halves_is_one_and_a_half_alone_is_marked(serve: Callable[..., Server]) -> None:
    def halves(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        start(handler)
        for text in ("a \ud83d", "\ude00 and \ud83d"):
            event(handler, text)
        event(handler, "", "stop")

    assert reply(serve(halves)) == "a 😀 and \ufffd"


def test_silence_is_an_error_after_its_time(serve: Callable[..., Server]) -> None:
    with pytest.raises(RemoteError, match=r"said nothing|broke off"):
        reply(serve(silent), silence_s=0.5)


def test_a_server_that_is_not_there_is_named() -> None:
    composer = RemoteComposer("http://127.0.0.1:9/v1", "tiny", "", PROFILE)
    with pytest.raises(RemoteError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached"):
        composer.test()


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of a socket that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


def test_the_test_of_a_silent_server_ends_soon_with_a_sentence(deaf: str) -> None:
    began = time.monotonic()
    with pytest.raises(RemoteError, match=r"/v1 said nothing for 1 s\. Is the model loaded, and the machine up\?$"):
        RemoteComposer(deaf, "tiny", "", PROFILE, test_s=0.6).test()
    assert 0.5 < time.monotonic() - began < 2
    assert TEST_S <= 15 < 300 <= SILENCE_S  # a reply may take minutes to begin, and a test may not


def test_the_test_of_a_model_that_is_still_loading_ends_soon_and_says_so(serve: Callable[..., Server]) -> None:
    composer = RemoteComposer(serve(silent, owner=None).url, "tiny", "", PROFILE, test_s=0.6)
    began = time.monotonic()
    with pytest.raises(RemoteError, match=r"is there, but its model said nothing for 1 s; .*up to 10 minutes\."):
        composer.test()
    assert time.monotonic() - began < 2


def test_stop_does_not_wait_for_a_server_that_never_answers(deaf: str) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    assert list(RemoteComposer(deaf, "tiny", "", PROFILE).stream(ASK, ComposeSettings(), stop)) == []
    assert time.monotonic() - began < 1.5


def test_a_machine_that_takes_no_connection_cannot_be_reached() -> None:
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())  # the queue of one is full: what comes next gets no answer at all
        port = full.getsockname()[1]
        with pytest.raises(RemoteError, match="cannot be reached"):
            RemoteComposer(f"http://127.0.0.1:{port}/v1", "tiny", "", PROFILE, test_s=0.6).test()


@pytest.mark.parametrize("page", [b"<html>Welcome</html>", b"[1, 2]", b"not JSON"])
def test_an_address_that_is_no_such_server_s_is_told(serve: Callable[..., Server], page: bytes) -> None:
    def welcome(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        send(handler, 200, page, "text/html" if page.startswith(b"<") else "application/json")

    server = serve(welcome, owner=welcome)
    for model in ("", "tiny"):
        with pytest.raises(RemoteError, match=r"does not answer as an OpenAI-compatible server does\. .* /v1\.$"):
            RemoteComposer(server.url, model, "", PROFILE).test()


def test_a_connection_that_the_server_closes_unseen_after_an_answer_costs_nothing() -> None:
    """uvicorn does so after an application's error: the next request on a kept connection is lost."""
    asked: list[str] = []

    class OneRequestAConnection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        served = False

        def parse_request(self) -> bool:
            if self.served:
                self.close_connection = True  # and no answer
                return False
            self.served = True
            return super().parse_request()

        def do_GET(self) -> None:
            asked.append("list")
            status(500, "no list")(self, {})

        def do_POST(self) -> None:
            asked.append("reply")
            self.rfile.read(int(self.headers["Content-Length"]))
            whole(REPLY)(self, {})
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with running(OneRequestAConnection) as url:
        composer = RemoteComposer(url, "tiny", "", PROFILE)
        for _ in range(2):
            assert "".join(composer.stream(ASK, ComposeSettings(), threading.Event())) == REPLY
    assert asked == ["list", "reply"] * 2


@pytest.mark.parametrize("key", ["sk-very'secret/1", "secret"])
@pytest.mark.parametrize("code", [400, 500])
def test_a_key_that_the_server_echoes_is_not_repeated(serve: Callable[..., Server], key: str, code: int) -> None:
    echo = status(code, f"Bearer {key} may not do this; {quote(key, safe='')} {key!r}")
    with pytest.raises(RemoteError, match=rf"failed with {code}: Bearer \(the key\) may not do this") as failed:
        list(RemoteComposer(serve(echo).url, "tiny", key, PROFILE).stream(ASK, ComposeSettings(), threading.Event()))
    assert key not in "".join(traceback.format_exception(failed.value))
    assert quote(key, safe="") not in str(failed.value)
    with pytest.raises(RemoteError) as failed:
        RemoteComposer(serve(echo, owner=echo).url, "", key, PROFILE).test()
    assert key not in "".join(traceback.format_exception(failed.value))


def test_a_key_that_the_server_echoes_in_its_stream_is_not_repeated(serve: Callable[..., Server]) -> None:
    def echo(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        start(handler)
        handler.wfile.write(b'data: {"error": {"message": "secret is out of credit"}}\n\n')

    with pytest.raises(RemoteError, match=r"failed while it answered: \(the key\) is out of credit"):
        reply(serve(echo))


def test_a_page_that_a_proxy_puts_in_place_of_an_error_is_left_out(serve: Callable[..., Server]) -> None:
    def gateway(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        send(handler, 502, b"<html>" + b"Bad Gateway " * 1000, "text/html")

    with pytest.raises(RemoteError, match=r"failed with 502\.$"):
        reply(serve(gateway))


def test_stop_does_not_wait_for_a_silent_server(serve: Callable[..., Server]) -> None:
    stop = threading.Event()
    pieces = RemoteComposer(serve(silent).url, "tiny", "", PROFILE).stream(ASK, ComposeSettings(), stop)
    next(pieces)
    stop.set()
    began = time.monotonic()
    assert list(pieces) == []
    assert time.monotonic() - began < 1


def test_the_test_button_says_what_is_offered_and_what_is_not(serve: Callable[..., Server]) -> None:
    server = serve(whole(REPLY))
    assert RemoteComposer(server.url, "tiny", "", PROFILE).test() == (
        f"{server.url} answers; it offers: tiny.",
        ["tiny"],
    )
    text, offered = RemoteComposer(server.url, "unlisted", "", PROFILE).test()
    assert text.endswith("answers to 'unlisted'; it lists: tiny.") and offered == ["tiny"]
    with pytest.raises(RemoteError, match=r"no model 'huge'; it offers: tiny\.") as missing:
        RemoteComposer(serve(status(404, "what?")).url, "huge", "", PROFILE).test()
    assert missing.value.offered == ("tiny",)


def test_a_server_without_a_model_list_is_tried_and_answers(serve: Callable[..., Server]) -> None:
    server = serve(whole(REPLY), owner=None)
    assert RemoteComposer(server.url, "tiny", "", PROFILE).test()[0].endswith("it does not list its models.")
    assert reply(server) == REPLY
    with pytest.raises(RemoteError, match="no list"):
        RemoteComposer(server.url, "", "", PROFILE).test()


def test_without_a_name_the_first_model_is_asked(serve: Callable[..., Server]) -> None:
    server = serve(whole(REPLY))
    list(RemoteComposer(server.url, "", "", PROFILE).stream(ASK, ComposeSettings(), threading.Event()))
    assert server.requests[0]["model"] == "tiny"


@pytest.mark.parametrize(
    ("owner", "path"), [("llamacpp", ["grammar"]), ("vllm", ["structured_outputs", "grammar"]), ("someone", None)]
)
def test_servers_that_take_a_grammar_get_it(serve: Callable[..., Server], owner: str, path: list[str] | None) -> None:
    server = serve(whole(REPLY), owner=owner)
    reply(server)
    sent: Any = server.requests[0]
    for key in path or []:
        sent = sent[key]
    assert sent == (canvas_gbnf() if path else server.requests[0])
    assert path or not {"grammar", "structured_outputs"} & set(sent)


def test_the_grammar_for_servers_accepts_canvases_only(llama_tokenizer: PreTrainedTokenizerFast) -> None:
    vocabulary = from_tokenizer(llama_tokenizer)
    compiled = LLMatcher.grammar_from_lark(any_to_lark(canvas_gbnf()))
    for text, accepted in ((REPLY, True), (REPLY.replace("'", '"'), True), (REPLY.replace("'red'", "'rot'"), False)):
        matcher = LLMatcher(vocabulary, compiled)
        assert not matcher.get_error()
        # this converter makes one word of the program, which swallows the newline before the fence
        tokens = vocabulary.tokenize_str(text.removesuffix("\n```"))
        assert (matcher.try_consume_tokens(tokens) == len(tokens)) is accepted


def test_a_model_that_was_never_taught_is_asked_once_more(serve: Callable[..., Server]) -> None:
    taught_by_examples = Profile("Compose.", 8192, words_only=False, examples=EXAMPLES)
    server = serve(whole("Here is a nice apple."), whole(REPLY))
    assert reply(server, taught_by_examples) == f"Here is a nice apple.\n\n{REPLY}"
    first, second = (request["messages"] for request in server.requests)
    assert first == [{"role": "system", "content": "Compose."}, *EXAMPLES, *ASK]
    assert second[:-1] == [*first, {"role": "assistant", "content": "Here is a nice apple."}]
    assert "could not be used: There is no canvas" in second[-1]["content"]


def test_a_second_reply_is_read_after_a_reasoning_that_was_cut_short(serve: Callable[..., Server]) -> None:
    taught_by_examples = Profile("Compose.", 8192, words_only=False, examples=EXAMPLES)
    text = reply(serve(whole("<think>\nFirst, an apple"), whole(REPLY)), taught_by_examples)
    assert read_canvas(text).status == "accept"


def test_no_more_tokens_are_asked_for_than_there_is_room_for(serve: Callable[..., Server]) -> None:
    """vLLM refuses a request whose prompt and limit together pass the context."""
    server = serve(whole(REPLY))
    chat: list[Message] = [*ASK, {"role": "assistant", "content": "A " * 8000}, *ASK]
    composer = RemoteComposer(server.url, "tiny", "", PROFILE)
    list(composer.stream(chat, ComposeSettings(), threading.Event()))
    limit = server.requests[0]["max_tokens"]
    assert 2048 <= limit == PROFILE.context_tokens - composer.stats.prompt_tokens < 4096


def test_a_model_that_was_taught_may_answer_in_words(serve: Callable[..., Server]) -> None:
    server = serve(whole("Hello!"))
    assert reply(server) == "Hello!"
    assert len(server.requests) == 1


def test_a_reply_is_cut_where_nothing_more_of_it_is_read(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib_omost.composer.remote.server.MAX_TEXT", 25)
    pieces: list[str] = []
    with pytest.raises(RemoteError, match="wrote more than 25 characters; the rest of its reply was cut off"):
        for piece in RemoteComposer(serve(whole("x" * 40)).url, "tiny", "", PROFILE).stream(
            ASK, ComposeSettings(), threading.Event()
        ):
            pieces.append(piece)
    assert "".join(pieces) == "x" * 25
    assert reply(serve(whole("x" * 25))) == "x" * 25


def test_a_server_whose_reply_is_cut_is_let_go_at_once_though_the_error_is_kept(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib_omost.composer.remote.server.MAX_TEXT", 1000)
    gone = threading.Event()

    def endless(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        start(handler)
        with suppress(ConnectionError):
            while True:
                event(handler, "x" * 100_000)
        gone.set()

    for _ in range(10):  # in the middle of a write, mostly
        gone.clear()
        with pytest.raises(RemoteError, match="wrote more than 1000 characters") as kept:
            reply(serve(endless))
        assert gone.wait(10), kept


@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_without_an_end_is_left_before_it_fills_the_memory(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    monkeypatch.setattr("lib_omost.composer.remote.bounds.MAX_ANSWER_BYTES", 2**20)
    sent: list[int] = []

    def endless(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        start(handler)
        with suppress(ConnectionError):
            for _ in range(64):  # one line
                sent.append(handler.wfile.write(b"data: " if not sent else b"x" * 2**20))

    server = serve(endless, owner=endless)
    with pytest.raises(RemoteError, match="sent more than 1 MiB; the rest was not taken"):
        composer = RemoteComposer(server.url, "tiny" if streamed else "", "", PROFILE)
        if streamed:
            list(composer.stream(ASK, ComposeSettings(grammar=False), threading.Event()))
        else:
            composer.models()
    assert sum(sent) < 32 * 2**20


def test_a_packed_answer_is_not_unpacked(serve: Callable[..., Server]) -> None:
    def packed(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()

    server = serve(packed, owner=packed)
    with pytest.raises(RemoteError, match="sent a packed answer"):
        reply(server)
    assert "identity" in server.accepted
