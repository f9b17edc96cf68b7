"""Replay: what reading messages again, or telling an order's facts again, would do; and doing it. Effects that were made are never made twice."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.problem import Problem
from crossdock.dashboard.acting import replay
from crossdock.dashboard.render import page
from crossdock.dashboard.session import to_page
from crossdock.facts.codec import type_of

MOST = 50


class Wanted(msgspec.Struct):
    """What is to be replayed: numbers of messages and keys of processes, apart by spaces. Without `sure` it is only previewed."""

    what: str = ""
    sure: str = ""
    csrf: str = ""


@get("/replay", guards=[allowed(Permission.REPLAY)])
async def form(request: Request[Any, Any, Any], what: str = "") -> Response[str]:
    """Asks what is to be replayed."""
    return page(request, "replay.html", what=what[:2000], preview=None, trouble="")


@post("/replay", guards=[allowed(Permission.REPLAY)], status_code=200)
async def run(
    request: Request[Any, Any, Any],
    hub: Hub,
    data: Annotated[Wanted, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Previews it; and does it once the preview was seen."""
    what = list(dict.fromkeys(data.what.replace(",", " ").split()))[:MOST]
    if not what:
        return page(request, "replay.html", what="", preview=None, trouble="Name a message or an order first.")
    try:
        shown = await replay(hub, request.user, what, not data.sure)
    except Problem as trouble:
        words = trouble.detail[:1].upper() + trouble.detail[1:] + "."
        return page(request, "replay.html", what=" ".join(what), preview=None, trouble=words)
    if data.sure:
        words = (
            f"{len(shown.fresh)} new facts are recorded." if shown.fresh else "Nothing was new, so nothing was done."
        )
        return to_page("/replay", words)
    verdicts = ("new", "conflict", "already-done")
    return page(
        request,
        "replay.html",
        what=" ".join(what),
        trouble="",
        preview=shown,
        fresh=[(type_of(fact.data)[0], fact.key, fact.id) for fact in shown.fresh],
        effects=sorted(shown.effects, key=lambda each: (verdicts.index(each.verdict), each.obligation)),
        counted={verdict: sum(each.verdict == verdict for each in shown.effects) for verdict in verdicts},
    )


router = Router("/", route_handlers=[form, run])
