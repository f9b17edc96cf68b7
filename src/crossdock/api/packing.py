"""Answers on their way out: packed for those who take it, where that is worth it; and ready ones, which cost next to nothing."""

from typing import Any

from litestar.config.compression import CompressionConfig
from litestar.response.base import ASGIResponse

COMPRESS_FROM_BYTES = 1400
"""What fits into a packet is not worth packing."""

PLAIN = "plain"
"""The opt of a route whose answers are small and asked for all day: looking whether to pack them costs more than it saves."""


def packing() -> CompressionConfig:
    """gzip, at a level that costs little."""
    return CompressionConfig(
        backend="gzip", minimum_size=COMPRESS_FROM_BYTES, gzip_compress_level=5, exclude_opt_key=PLAIN
    )


class Ready(ASGIResponse):
    """JSON that is bytes already, sent as it is. Litestar's own copies its headers three times over, which a route that is asked all day feels."""

    def __init__(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.body = body
        self.status_code = 200
        self._headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self._headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
