"""PostgreSQL, the one engine for state. All SQL lives here: `migrations/` makes the tables, `sql/` holds each query with a sentence that says what it promises.

`database.Database` is the one object; `inbox`, `log`, `outbox`, `lookup` and `versions` are its sides, as `ports.log` wants them.
"""
