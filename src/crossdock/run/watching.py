"""Who watches a process of ours, as its environment says: the journal always, figures where there is a port for them, traces where there is an endpoint. What is not asked for
is not even loaded."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from crossdock.run.logs import Journal
from crossdock.run.witness import Origins, Watch, Witness

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from crossdock.run.metrics import Given
    from crossdock.run.telemetry import Traces

_log = structlog.get_logger(__name__)

METRICS = "CROSSDOCK_METRICS"


def tracing(environ: Mapping[str, str]) -> bool:
    """Whether spans are to be exported, by OpenTelemetry's own variables."""
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER", "") == "none"
    return bool(endpoint) and not off


def seed_of(environ: Mapping[str, str]) -> str:
    """What tells this installation's traces from those of others with the same keys: the resource attributes that name its place."""
    told = dict(pair.split("=", 1) for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") if "=" in pair)
    wanted = ("service.namespace", "deployment.environment.name", "deployment.environment")
    return "/".join(told[name].strip() for name in wanted if name in told)


def check_address(environ: Mapping[str, str]) -> None:
    """Raises ValueError for a CROSSDOCK_METRICS that is not host:port."""
    if environ.get(METRICS):
        address_of(environ[METRICS], 0)


def address_of(address: str, index: int) -> tuple[str, int]:
    """Where worker `index` is to give its figures: port + index, a free one for port 0. Raises ValueError when `address` is not host:port."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 <= int(port) + index < 65536:
        raise ValueError(f"{METRICS} is {address!r}; it is to be host:port, such as 127.0.0.1:8720")
    return host.strip("[]"), int(port) + index if int(port) else 0


def traces_of(environ: Mapping[str, str], service: str) -> "tuple[Traces, TracerProvider] | None":
    """What makes spans, and what is to be shut down at the end; None where none are asked for."""
    if not tracing(environ):
        return None
    from crossdock.run.telemetry import Traces, exporting

    provider, processor = exporting(environ, service)
    return Traces(provider, processor, seed_of(environ)), provider


class Watching:
    """A worker's watch, and what it holds open until `close`."""

    def __init__(self, environ: Mapping[str, str], index: int = 0) -> None:
        """Raises ValueError for a CROSSDOCK_METRICS that is not host:port."""
        self._witnesses: list[Witness] = [Journal()]
        self._given: Given | None = None
        traced = traces_of(environ, "crossdock-worker")
        self._provider = traced[1] if traced is not None else None
        if traced is not None:
            self._witnesses.append(traced[0])
        if environ.get(METRICS):
            self._give_figures(environ, index)

    def watch(self, origins: Origins) -> Watch:
        """origins: asked only where traces are exported."""
        return Watch(self._witnesses, origins if self._provider is not None else None)

    @property
    def port(self) -> int | None:
        """Where this worker gives its figures."""
        return self._given.port if self._given is not None else None

    def close(self) -> None:
        """Sends the spans that wait, and closes the port. Takes some seconds where nobody takes them."""
        if self._provider is not None:
            self._provider.shutdown()
        if self._given is not None:
            self._given.close()

    def _give_figures(self, environ: Mapping[str, str], index: int) -> None:
        from prometheus_client import CollectorRegistry

        from crossdock.run.metrics import Figures, Given

        host, port = address_of(environ[METRICS], index)
        registry = CollectorRegistry()
        try:
            self._given = Given(host, port, registry)
        except OSError as error:
            # Work goes on without figures rather than not at all.
            _log.error("metrics have no port", host=host, port=port, error=f"{type(error).__name__}: {error}")
            return
        self._witnesses.append(Figures(registry, index))
