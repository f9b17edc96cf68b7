"""CSV files that tell of stock, by the maps of the workspace: a row a movement, or a row a line of a snapshot."""

from crossdock.connectors.csv.reader import CsvReader

__all__ = ["CsvReader"]
