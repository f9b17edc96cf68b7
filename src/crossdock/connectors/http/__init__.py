"""Requests over HTTP/1.1 to a system of ours: `HttpSink` sends what a JSON writer made, maps the answer to an Outcome,
and looks up what nobody knows."""

from crossdock.connectors.http.sink import HttpSink
from crossdock.connectors.http.spec import HttpSpec, http_spec

__all__ = ["HttpSink", "HttpSpec", "http_spec"]
