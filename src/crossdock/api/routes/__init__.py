"""A module a noun. Each exports `router`, and stands in `api.routers`."""
