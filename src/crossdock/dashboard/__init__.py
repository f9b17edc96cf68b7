"""The dashboard: pages that a server renders from the read models, for people who look after orders all day.

`app.faces(hub)` is what `crossdock serve` mounts beside the API. A page is a module of `pages/` that exports `router`, a template of `templates/`
and nothing else: no SQL, no business rule, no script of its own. What a role may not do is not shown, and is refused when it is tried all the same.
"""
