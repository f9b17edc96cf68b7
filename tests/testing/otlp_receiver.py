"""A collector of traces: what OTLP over HTTP brings it, as plain values."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from crossdock.ports.tracing import trace_of


class Span:
    """A span as it came over the wire."""

    def __init__(self, span: Any, service: str) -> None:
        self.name, self.service = span.name, service
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.links = {link.trace_id.hex() for link in span.links}
        self.began, self.ended = span.start_time_unix_nano, span.end_time_unix_nano
        self.failed = span.status.code == 2
        self.attributes = {each.key: _value(each.value) for each in span.attributes}

    def __repr__(self) -> str:
        return f"{self.name} {self.attributes}"


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(v) for v in value.array_value.values] if kind == "array_value" else getattr(value, kind or "", None)


class Receiver:
    """A collector that keeps what it is sent."""

    def __init__(self) -> None:
        spans = self.spans = list[Span]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    told = {each.key: _value(each.value) for each in resource.resource.attributes}
                    for scope in resource.scope_spans:
                        spans.extend(Span(span, told["service.name"]) for span in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, key: str) -> list[Span]:
        """What stands in a key's trace."""
        return [span for span in self.spans if span.trace == f"{trace_of(key):032x}"]
