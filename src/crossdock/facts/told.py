"""What every fact's data is: frozen, told in JSON with its type as tag."""

import msgspec


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"):
    """Common base of fact data: frozen, keyword-only, its tag in `type`."""
