"""The remote composer against a real HTTP server on loopback that behaves in all the ways that servers do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from llguidance import LLMatcher
from llguidance.gbnf_to_lark import any_to_lark
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from lib_omost.composer import EXAMPLES, ComposeSettings, Message, Profile, RemoteComposer
from lib_omost.composer.grammar import canvas_gbnf
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


def status(code: int, message: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        body = json.dumps({"error": {"message": message}}).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def dropped(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    start(handler)
    event(handler, REPLY[:30])


def silent(handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
    start(handler)
    event(handler, REPLY[:10])
    time.sleep(3)


class Server:
    """Answers chat requests by the functions in `answers`, one after the other, the last one for ever."""

    def __init__(self, *answers: Answer, owner: str | None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if owner is None:
                    return status(500, "no list")(self, {})
                status_200 = {"object": "list", "data": [{"id": "tiny", "object": "model", "owned_by": owner}]}
                body = json.dumps(status_200).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(request)
                server.keys.append(self.headers["Authorization"])
                answers[min(len(server.requests), len(answers)) - 1](self, request)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def begin(*answers: Answer, owner: str | None = "someone") -> Server:
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


def test_silence_is_an_error_after_its_time(serve: Callable[..., Server]) -> None:
    with pytest.raises(RemoteError, match=r"said nothing|broke off"):
        reply(serve(silent), silence_s=0.5)


def test_a_server_that_is_not_there_is_named() -> None:
    composer = RemoteComposer("http://127.0.0.1:9/v1", "tiny", "", PROFILE)
    with pytest.raises(RemoteError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached"):
        composer.test()


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
    assert RemoteComposer(server.url, "tiny", "", PROFILE).test().endswith("it offers: tiny.")
    with pytest.raises(RemoteError, match=r"no model 'huge'; it offers: tiny\."):
        RemoteComposer(server.url, "huge", "", PROFILE).test()


def test_a_server_without_a_model_list_is_tried_and_answers(serve: Callable[..., Server]) -> None:
    server = serve(whole(REPLY), owner=None)
    assert RemoteComposer(server.url, "tiny", "", PROFILE).test().endswith("it does not list its models.")
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


def test_a_model_that_was_taught_may_answer_in_words(serve: Callable[..., Server]) -> None:
    server = serve(whole("Hello!"))
    assert reply(server) == "Hello!"
    assert len(server.requests) == 1
