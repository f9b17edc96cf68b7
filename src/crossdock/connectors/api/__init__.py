"""What was submitted to our own HTTP API: messages of the channel `api`, in canonical JSON. `ApiReader` reads them; the API's routes put them
there, and a worker or the server itself reads them as it reads any other channel's."""

from crossdock.connectors.api.reader import (
    CHANNEL,
    DOCUMENTS,
    ApiReader,
    Submission,
    ToldFact,
    ToldMovement,
    ToldSnapshot,
    fact_of,
    movement_of,
)

__all__ = [
    "CHANNEL",
    "DOCUMENTS",
    "ApiReader",
    "Submission",
    "ToldFact",
    "ToldMovement",
    "ToldSnapshot",
    "fact_of",
    "movement_of",
]
