"""A language model behind an OpenAI-compatible server: vLLM, llama.cpp, Ollama, `transformers serve`, a hosted one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import openai

from lib_omost.composer.asking import asked_twice
from lib_omost.composer.counting import Count
from lib_omost.composer.grammar import canvas_gbnf
from lib_omost.composer.prompt import fitted, newest_program
from lib_omost.composer.settings import ComposeSettings, ComposeStats, Message, Profile
from lib_omost.errors import OmostError, RemoteError

CONNECT_S = 10.0
SILENCE_S = 600.0  # a first token may take minutes on a slow machine
STOP_POLL_S = 0.1
CHARACTERS_PER_TOKEN = 3  # canvas programs have 3.2 to 3.6; the server's tokenizer is not known

#: Who takes a grammar, by what the server's model list says owns the model, and in which field of the request.
GRAMMAR_FIELDS = {"llamacpp": "grammar", "vllm": "structured_outputs"}


class RemoteComposer:
    """Writes canvases with a model of a server. `model` empty: the first that the server lists."""

    def __init__(
        self, base_url: str, model: str, api_key: str, profile: Profile, *, silence_s: float = SILENCE_S
    ) -> None:
        """api_key may be empty for servers that want none. silence_s: how long the server may say nothing."""
        self.base_url, self.model, self.profile = base_url.rstrip("/"), model, profile
        self._silence_s = silence_s
        self._count = Count()
        self._client = openai.OpenAI(
            base_url=self.base_url,
            api_key=api_key or "none",
            timeout=openai.Timeout(silence_s, connect=min(CONNECT_S, silence_s)),
            max_retries=0,
        )

    @property
    def stats(self) -> ComposeStats:
        """Of the last run, or of the running one so far; a piece of the stream counts as a token."""
        return self._count.stats()

    def stream(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        """The reply to `messages` as the server sends it. `stop` closes the connection and ends the stream in silence.

        Raises `RemoteError` with a sentence for a refused key, an unknown model, silence, or a connection that broke;
        `ContextError` when the newest turn does not fit.
        """
        self._count = Count()

        def ask(messages: Sequence[Message]) -> Iterator[str]:
            return self._answer(messages, settings, stop)

        yield from asked_twice(ask, messages, stop) if self.profile.examples else ask(messages)
        self._count.expected = self._count.new

    def models(self) -> list[str]:
        """The names of the models that the server offers. Raises `RemoteError`."""
        return list(self._owners())

    def offered(self) -> list[str]:
        """As `models`, empty for a server that answers and has no list."""
        return list(self._listed())

    def test(self, offered: Sequence[str] | None = None) -> str:
        """A sentence that says that server, key and model are good. Raises `RemoteError` that says what is not.

        offered: what `offered` gave just now; without it the server is asked.
        """
        offered = self.offered() if offered is None else offered
        if self.model and not offered:
            self._say_one_word()
            return f"{self.base_url} answers; it does not list its models."
        if self.model and self.model not in offered:
            raise RemoteError(
                f"{self.base_url} has no model {self.model!r}; it offers: {', '.join(offered) or 'none'}."
            )
        return f"{self.base_url} answers; it offers: {', '.join(offered)}."

    def _owners(self) -> dict[str, str]:
        try:
            return {model.id: model.owned_by or "" for model in self._client.models.list()}
        except openai.OpenAIError as error:
            raise self._explained(error) from error

    def _say_one_word(self) -> None:
        request = {"model": self.model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}
        for _ in self._events(request, threading.Event()):
            pass

    def _listed(self) -> dict[str, str]:
        """The model list where it is only a help: some servers have none, and answer all the same."""
        try:
            return self._owners()
        except RemoteError:
            if self.model:
                return {}
            raise

    def _answer(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        reply_tokens = min(settings.max_new_tokens, self.profile.context_tokens // 4)
        chosen, self._count.notes = fitted(messages, self.profile, _tokens, reply_tokens)
        self._count.prompt = _tokens(chosen)
        program = newest_program(messages)
        expected = len(program) // CHARACTERS_PER_TOKEN if program else self.profile.reply_tokens
        self._count.expected = self._count.new + expected
        request = self._request(chosen, settings)
        finished = False
        for piece, finish in self._events(request, stop):
            finished = finished or finish is not None
            self._count.passes += 1
            self._count.new += 1
            self._count.mark()
            if piece:
                yield piece
        if not finished and not stop.is_set():
            raise RemoteError(f"{self.base_url} broke off in the middle of its answer. Try again.")

    def _request(self, messages: Sequence[Message], settings: ComposeSettings) -> dict[str, Any]:
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
            "max_tokens": settings.max_new_tokens,
            "seed": settings.seed,
            "extra_body": grammar,
        }

    def _events(self, request: dict[str, Any], stop: threading.Event) -> Iterator[tuple[str, str | None]]:
        """(text, why it finished or None) as they arrive. A thread of its own waits for the server: Stop need not."""
        arrived: queue.SimpleQueue[tuple[str, str | None] | BaseException | None] = queue.SimpleQueue()
        connection: list[Any] = []

        def wait() -> None:
            try:
                stream = self._client.chat.completions.create(stream=True, **request)
                connection.append(stream)
                for chunk in stream:
                    for choice in chunk.choices:
                        arrived.put((choice.delta.content or "", choice.finish_reason))
            except BaseException as error:
                arrived.put(error)
            arrived.put(None)

        threading.Thread(target=wait, name="remote-composer", daemon=True).start()
        try:
            yield from self._arrivals(arrived, stop)
        finally:
            for stream in connection:
                stream.close()

    def _arrivals(
        self, arrived: queue.SimpleQueue[tuple[str, str | None] | BaseException | None], stop: threading.Event
    ) -> Iterator[tuple[str, str | None]]:
        while not stop.is_set():
            try:
                event = arrived.get(timeout=STOP_POLL_S)
            except queue.Empty:
                continue
            if event is None:
                return
            if isinstance(event, BaseException):
                raise self._explained(event) from event
            yield event

    def _explained(self, error: BaseException) -> OmostError:
        """The sentence for a person that `error` comes down to."""
        where = self.base_url
        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                text = f"{where} refused the key ({error.status_code}). Give another on the page or in OPENAI_API_KEY."
            case openai.NotFoundError():
                text = f"{where} does not know the model {self.model!r}, or is not an OpenAI-compatible address (404)."
            case openai.RateLimitError():
                text = f"{where} takes no more requests now (429): wait, or look at your plan there."
            case openai.APIStatusError():
                text = f"{where} failed with {error.status_code}: {error.message}"
            case openai.APITimeoutError():
                text = f"{where} said nothing for {self._silence_s:.0f} s. Is the model loaded, and the machine up?"
            case openai.APIConnectionError():
                text = f"{where} cannot be reached. Is the server running, and is this its address?"
            case openai.APIError() if error.body:  # sent as a part of the stream
                told = error.body.get("message") if isinstance(error.body, dict) else error.body
                text = f"{where} failed while it answered: {told}"
            case _:
                text = f"{where} broke off in the middle of its answer ({error or type(error).__name__}). Try again."
        return RemoteError(text)


def _tokens(messages: Sequence[Message]) -> int:
    return sum(len(message["content"]) for message in messages) // CHARACTERS_PER_TOKEN + 8 * len(messages)
