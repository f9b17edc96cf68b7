"""The sockets: what the flow needs from the outside, as Protocols and frozen values. Adapters live in `connectors` and `store`; `wiring` joins them.

`inbound` is how messages come to us, `outbound` how deliveries leave us, `translation` how content becomes bytes and bytes become facts.
"""
