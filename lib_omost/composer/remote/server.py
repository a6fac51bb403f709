"""A language model behind an OpenAI-compatible server: vLLM, llama.cpp, Ollama, `transformers serve`, a hosted one."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import openai

from lib_omost.canvas.reader import MAX_TEXT
from lib_omost.characters import whole_pieces
from lib_omost.composer.grammar import canvas_gbnf
from lib_omost.composer.prompt import fit_to_context, with_retry
from lib_omost.composer.remote.bounds import bounded
from lib_omost.composer.remote.failures import Failures, checked_key
from lib_omost.composer.remote.wire import Wire, note_connections
from lib_omost.composer.settings import ComposeSettings, ComposeStats, Count, Message, Profile
from lib_omost.errors import RemoteError

CONNECT_S = 10.0
SILENCE_S = 600.0  # a first token may take minutes on a slow machine
TEST_S = 12.0  # a person waits for the answer to a test, and a list of models takes no thought
STOP_POLL_S = 0.1
CHARACTERS_PER_TOKEN = 3  # canvas programs have 3.2 to 3.6; the server's tokenizer is not known

#: Who takes a grammar, by what the server's model list says owns the model, and in which field of the request.
GRAMMAR_FIELDS = {"llamacpp": "grammar", "vllm": "structured_outputs"}

Event = tuple[str, str | None]
Request = dict[str, Any]


class RemoteComposer:
    """Generates canvases with a model of a server. `model` empty: the first that the server lists."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str,
        profile: Profile,
        *,
        silence_s: float = SILENCE_S,
        test_s: float = TEST_S,
    ) -> None:
        """api_key may be empty for servers that want none. silence_s: how long the server may say nothing while it
        answers; test_s: while it is tested, or asked for its list of models. Raises SettingsError for a bad key.
        """
        self.base_url, self.model, self.profile = base_url.rstrip("/"), model, profile
        self._silence_s, self._test_s = silence_s, test_s
        self._count = Count()
        key = checked_key(api_key)
        self._failures = Failures(self.base_url, model, key)
        self._client = openai.OpenAI(
            base_url=self.base_url,
            api_key=key or "none",
            timeout=_patience(silence_s),
            max_retries=0,
            # Servers close kept connections without a word (uvicorn after each error of the application): the next
            # request on one is lost at times. Ours are seconds long and few, so each gets a connection of its own.
            default_headers={"Connection": "close", "Accept-Encoding": "identity"},
            http_client=openai.DefaultHttpxClient(
                follow_redirects=False, event_hooks={"request": [note_connections], "response": [bounded]}
            ),
        )

    @property
    def stats(self) -> ComposeStats:
        """Of the last run, or of the running one so far; a piece counts as a token, passes are not known."""
        return self._count.stats()

    def stream(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        """The reply to `messages` as the server sends it. `stop` closes the connection and ends the stream in silence.

        Raises `RemoteError` with a sentence for a refused key, an unknown model, silence, or a connection that broke;
        `ContextError` when the newest turn does not fit.
        """
        self._count = Count()

        def generate(messages: Sequence[Message]) -> Iterator[str]:
            return self._reply(messages, settings, stop)

        yield from whole_pieces(
            with_retry(generate, messages, stop) if self.profile.examples else generate(messages)
        )  # JSON may cut a character in two

    def models(self) -> list[str]:
        """The names of the models that the server offers. Raises `RemoteError`."""
        try:
            return list(self._owners())
        except openai.OpenAIError as error:
            raise self._failures.explained(error, self._test_s) from None  # its own text may hold the key

    def test(self) -> tuple[str, list[str]]:
        """A sentence that says that server, key and model are good, and the models that the server offers.

        Raises `RemoteError` that says what is not good, with the models that are offered. Waits `test_s` for the list
        and, where the model is not in it, as long once more for a word of the model: llama.cpp answers to any name, and
        `transformers serve` loads what it does not list.
        """
        loading = RemoteError(
            f"{self.base_url} is there, but its model said nothing for {self._test_s:.0f} s; it may still be loading. "
            f"Test again in a while; a reply is waited for up to {self._silence_s / 60:.0f} minutes."
        )
        try:
            offered = list(self._owners())
        except (openai.OpenAIError, RemoteError) as error:
            if isinstance(error, openai.APIConnectionError) or not self.model:  # time-outs are a kind of these
                raise self._failures.explained(error, self._test_s) from None
            self._probe(loading)
            return f"{self.base_url} answers; it does not list its models.", []
        names = ", ".join(offered) or "none"
        if not self.model or self.model in offered:
            return f"{self.base_url} answers; it offers: {names}.", offered
        try:
            self._probe(loading)
        except RemoteError as error:
            if error is loading:
                raise
            raise RemoteError(f"{self.base_url} has no model {self.model!r}; it offers: {names}.", offered) from None
        return f"{self.base_url} answers to {self.model!r}; it lists: {names}.", offered

    def _owners(self) -> dict[str, str]:
        """The models that the server lists, and who owns each. Raises openai's errors, or `RemoteError`."""
        try:
            listed = self._client.with_options(timeout=_patience(self._test_s)).models.list()
            return {str(model.id): model.owned_by or "" for model in listed}
        except (AttributeError, TypeError, ValueError):  # a web page, or JSON of another kind
            raise self._failures.not_a_server() from None

    def _probe(self, silent: RemoteError) -> None:
        """Asks the model for one token. Raises `silent` after `test_s`."""
        request = {"model": self.model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}
        if not any(finish for _, finish in self._events(lambda: request, threading.Event(), self._test_s, silent)):
            raise self._failures.not_a_server()

    def _reply(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        reply_tokens = min(settings.max_new_tokens, self.profile.context_tokens // 4)
        chosen, self._count.notes = fit_to_context(messages, self.profile, _tokens, reply_tokens)
        self._count.prompt = _tokens(chosen)
        room = self.profile.context_tokens - self._count.prompt  # some servers refuse what could not fit
        limit = min(settings.max_new_tokens, room)
        request, silent = partial(self._request, chosen, settings, limit), self._failures.silence(self._silence_s)
        finished, room_left = False, MAX_TEXT  # no more is read of a reply
        late_at = time.monotonic() + settings.deadline_s
        # closed here: an error keeps what raised it alive, and the server would be heard until it is forgotten
        with closing(self._events(request, stop, self._silence_s, silent, late_at)) as events:
            for piece, finish in events:
                if time.monotonic() > late_at:
                    raise self._failures.deadline(settings.deadline_s)
                finished = finished or finish is not None
                if piece:
                    self._count.new += 1
                    self._count.mark()
                    yield piece[:room_left]
                    room_left -= len(piece)
                    if room_left < 0:
                        raise self._failures.too_long(MAX_TEXT)
        if not finished and not stop.is_set():
            raise self._failures.broke_off()

    def _request(self, messages: Sequence[Message], settings: ComposeSettings, limit: int) -> Request:
        owners = self._listed() if settings.grammar or not self.model else {}
        model = self.model or next(iter(owners), "")
        field = GRAMMAR_FIELDS.get(owners.get(model, "")) if settings.grammar else None
        grammar = (
            {field: canvas_gbnf()} if field == "grammar" else {field: {"grammar": canvas_gbnf()}} if field else None
        )
        return {
            "model": model,
            "messages": list(messages),
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": limit,
            "seed": settings.seed,
            "extra_body": grammar,
        }

    def _listed(self) -> dict[str, str]:
        """The model list where it is only a help: some servers have none, and answer all the same."""
        try:
            return self._owners()
        except (openai.OpenAIError, RemoteError) as error:
            if self.model:
                return {}
            raise self._failures.explained(error, self._test_s) from None

    def _events(
        self,
        request: Callable[[], Request],
        stop: threading.Event,
        silence_s: float,
        silent: RemoteError,
        late_at: float = math.inf,
    ) -> Generator[Event, None, None]:
        """(text, why it finished or None) as they arrive; `silent` is raised after `silence_s` without any. One more
        comes at `late_at` of the monotonic clock, with nothing in it, so that whoever waits may give up.

        `request` makes what is sent. A thread of its own makes it and waits for the server: Stop need not.
        """
        arrived: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        wire = Wire()

        def wait() -> None:
            try:
                # who reads the queue notices the silence; the socket's own limit comes later and ends this thread
                with (
                    wire.held(),
                    self._client.chat.completions.create(
                        stream=True, timeout=_patience(silence_s + 1), **request()
                    ) as stream,
                ):
                    for chunk in stream:
                        for choice in chunk.choices or ():  # some send null with their last count
                            arrived.put((choice.delta.content or "", choice.finish_reason))
            except BaseException as error:
                arrived.put(error)
            arrived.put(None)

        threading.Thread(target=wait, name="remote-composer", daemon=True).start()
        try:
            yield from self._arrivals(arrived, stop, silence_s, silent, late_at)
        finally:
            wire.cut()

    def _arrivals(
        self,
        arrived: queue.SimpleQueue[Event | BaseException | None],
        stop: threading.Event,
        silence_s: float,
        silent: RemoteError,
        late_at: float,
    ) -> Iterator[Event]:
        last_event = time.monotonic()
        while not stop.is_set():
            try:
                event = arrived.get(timeout=STOP_POLL_S)
            except queue.Empty:
                if time.monotonic() > late_at:
                    yield "", None
                if time.monotonic() - last_event > silence_s:
                    raise silent from None
                continue
            if event is None:
                return
            if isinstance(event, BaseException):
                raise self._failures.explained(event, silence_s) from None
            yield event
            last_event = time.monotonic()


def _patience(silence_s: float) -> openai.Timeout:
    return openai.Timeout(silence_s, connect=min(CONNECT_S, silence_s))


def _tokens(messages: Sequence[Message]) -> int:
    return sum(len(message["content"]) for message in messages) // CHARACTERS_PER_TOKEN + 8 * len(messages)
