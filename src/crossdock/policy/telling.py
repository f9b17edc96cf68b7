"""How long what others were told is kept."""

import msgspec


class EventTerms(msgspec.Struct, frozen=True, kw_only=True):
    """kept_days: how long events stay in the feed after they were announced, with what was sent of them."""

    kept_days: int = 90
