"""ASC X12: bytes to an index of envelopes, to segments, to documents, and back; and the acknowledgements for them.

The syntax: `index` (a file in memory) and `stream` (a file of any size) find and check envelopes, `segments` splits one
transaction set, `writer` writes interchanges, `verbatim` takes a file apart to its last byte, `acknowledge` answers with
997 and TA1, `duplicates` knows what came before. Nothing here raises on data: all that is wrong is a finding.
"""
