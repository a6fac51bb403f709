"""The one version number: pyproject.toml, the command line and the diagnostics read it here."""

__version__ = "0.2.0"
