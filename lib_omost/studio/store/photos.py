"""JPEG and WebP files that carry their canvas and settings in XMP, and in EXIF what other programs read; and reading a
picture of any kind that carries one, as untrusted input.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zlib
from pathlib import Path
from typing import Literal

from PIL import Image

from lib_omost.errors import StorageError
from lib_omost.studio.store.images import (
    MAX_CHUNK_CHARS,
    ONLY_OURS,
    Saved,
    checked_size,
    parameters_line,
    read_pixels,
    read_png,
    record_text,
    saved,
)

PhotoKind = Literal["jpeg", "webp"]
FORMATS = ("PNG", "JPEG", "WEBP")
QUALITY = 92
EXIF_IFD, USER_COMMENT, SOFTWARE = 0x8769, 0x9286, 0x0131
MAX_COMMENT = 8000  # characters; EXIF has 64 KiB
MAX_XMP = 65_000  # bytes that one JPEG segment has room for
_RECORD = re.compile(rb'omost:record="([A-Za-z0-9+/=]*)"')
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
<rdf:Description rdf:about="" xmlns:omost="urn:omost" omost:record="{record}"/></rdf:RDF></x:xmpmeta>\
<?xpacket end="r"?>"""


def photo_bytes(image: Image.Image, of: Saved, kind: PhotoKind) -> bytes:
    """The picture as a JPEG or WebP file with what `of` says of it. Raises StorageError where it has no room for
    that.
    """
    text = record_text(of.canvas, of.settings, code=of.code, model=of.model, notes=of.notes)
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")
    xmp = _PACKET.format(record=packed).encode()
    if kind == "jpeg" and len(xmp) > MAX_XMP:
        raise StorageError(f"The plan takes {len(xmp)} bytes, a JPEG holds {MAX_XMP}: export it as WebP or PNG.")
    more = {"subsampling": 0} if kind == "jpeg" else {"method": 4}
    file = io.BytesIO()
    image.convert("RGB").save(file, format=kind.upper(), quality=QUALITY, exif=_exif(image.size, of), xmp=xmp, **more)
    return file.getvalue()


def read_picture(path: Path | str) -> Saved:
    """What a PNG, JPEG or WebP file that was made here says about itself; nothing in it is believed. Raises
    StorageError with what to do instead, CanvasError.
    """
    path = Path(path)
    found = _kind(path)
    if found == "PNG":
        return read_png(path)
    try:
        checked_size(path)
        with Image.open(path, formats=FORMATS) as image:
            xmp, pixels = image.info.get("xmp"), image.width * image.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StorageError(
            f"{path.name} is not a picture that can be read: PNG, JPEG and WebP can. {path.name} was not opened."
        ) from error
    return saved(path.name, _unpacked(path.name, xmp), pixels)


def read_photo(path: Path | str) -> Image.Image:
    """The pixels of a PNG, JPEG or WebP file in RGB. Raises StorageError where it is damaged."""
    return read_pixels(path, FORMATS)


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        return "PNG" if file.read(8) == b"\x89PNG\r\n\x1a\n" else ""


def _unpacked(name: str, xmp: object) -> str | None:
    """The record in XMP, None where there is none of ours."""
    match = _RECORD.search(xmp if isinstance(xmp, bytes) else b"")
    if match is None:
        return None
    try:
        unzip = zlib.decompressobj()
        data = unzip.decompress(base64.b64decode(match[1], validate=True), 4 * MAX_CHUNK_CHARS)
        if not unzip.eof:
            raise ValueError("it is cut, or unpacks to more than is read")
        return data.decode()
    except (ValueError, binascii.Error, zlib.error) as error:
        raise StorageError(f"{name} carries a plan that is damaged ({error}); {ONLY_OURS}") from error


def _exif(size: tuple[int, int], of: Saved) -> bytes:
    line = parameters_line(of.canvas, of.settings, size, of.model)[:MAX_COMMENT]
    exif = Image.Exif()
    exif[SOFTWARE] = "omost"
    exif.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + line.encode("utf-16-be", "replace")
    return exif.tobytes()
