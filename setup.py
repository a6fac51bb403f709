"""What pyproject.toml has no words for: pinned dependencies without pip's own lines, and default_models, which lies
beside lib_omost here and inside it when installed.
"""

from pathlib import Path

from setuptools import find_packages, setup

MODELS = "lib_omost.default_models"


def pinned(file: str) -> list[str]:
    """The requirements in a file for pip, less comments and lines such as `-c constraints.txt`, which are pip's own."""
    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "-"))]


setup(
    packages=[*find_packages(include=["lib_omost", "lib_omost.*"]), MODELS],
    package_dir={MODELS: "default_models"},
    package_data={
        "lib_omost": ["py.typed"],
        "lib_omost.runtime": ["*.txt"],
        "lib_omost.studio.page": ["widgets/**/*"],
        MODELS: ["**/*"],
    },
    install_requires=pinned("requirements.txt"),
    extras_require={"mcp": pinned("requirements-mcp.txt")},
)
