"""What systems that speak X12 tell us and are told: stored messages into facts, deliveries into interchanges.

The syntax is `crossdock.edi.x12`'s, the transport another connector's; here the two meet the workspace's words.
`X12Reader` serves every channel of one version of the workspace, an `X12Writer` one system.
"""

from crossdock.connectors.x12.guides import Guides
from crossdock.connectors.x12.reader import X12Reader
from crossdock.connectors.x12.writer import X12Writer

__all__ = ["Guides", "X12Reader", "X12Writer"]
