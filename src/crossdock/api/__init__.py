"""The HTTP API, under /v1: Litestar on Granian, OpenAPI 3.1. It reads read models and records facts; no rule of the business lives here.

`app.make_app` is the application; `gate` stands before every route (who asks, how often, once only); `routes/` has a module a noun.
"""
