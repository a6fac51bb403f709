"""A language model behind a server: its requests and its stream (`server`), connections that can be cut (`wire`),
how much may come (`bounds`), and what went wrong, in a sentence (`failures`)."""

from lib_omost._lazy import lazy_names
from lib_omost.composer.remote.failures import MAX_KEY, checked_key

__all__ = ["MAX_KEY", "RemoteComposer", "checked_key"]

__getattr__ = lazy_names(__name__, {"RemoteComposer": "server"})
