"""One folder per counterpart or transport: its settings (`spec`), what goes over the wire, the network itself.
`settings` is how each reads its own table.

A transport knows no format and no process: `folder`, `http` and `webhook` carry bytes; `json` and `x12` make bytes of
documents and facts of bytes.
"""
