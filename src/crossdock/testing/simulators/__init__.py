"""The counterparties' programs: `python -m crossdock.testing.simulators.retailer --config FILE.json`; warehouse, erp
and tax alike.

Each prints one JSON line on stdout when ready (`{"ready": true, "port": ...}`), keeps its tally file fresh, and stops
on SIGTERM.
"""
