"""Their words and ours: who sent this, which item is meant, how many of our units that is, which site, which route;
and JSON maps.

Everything here is a value made from one version of a workspace; looking something up never touches a database.
"""
