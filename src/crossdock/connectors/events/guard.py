"""Where a subscriber's URL may lead: an https address on the open Internet. A subscriber is a stranger, and what it names must not make us call our own house (SSRF).

Pure: names are resolved by the caller, once, and what was checked is what is connected to.
Sources: IANA special-purpose address registries (RFC 6890) as `ipaddress` has them; RFC 4291, 2.5.5.2 (IPv4-mapped), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import msgspec

LONGEST_URL = 2000
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
_SPECIAL = tuple(
    ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "100::/64", "2001::/23", "3fff::/20", "5f00::/16", "fec0::/10")
)
"""Special-purpose networks that not every release of Python keeps apart."""

Address = IPv4Address | IPv6Address


class Forbidden(ValueError):
    """The URL may not be called; the text says why, to whoever named it."""


class Allowed(msgspec.Struct, frozen=True):
    """What this house lets webhooks call beyond https on the open Internet. http: addresses without TLS. private: loopback and private networks (never in production)."""

    http: bool = False
    private: bool = False


ALLOW = "CROSSDOCK_WEBHOOKS_ALLOW"
"""The variable of the environment that loosens the guard: `http`, `private`, or both with a comma. Whoever may edit subscriptions cannot."""


def allowed_by(environ: Mapping[str, str]) -> Allowed:
    """What the environment lets webhooks call."""
    words = {word.strip() for word in environ.get(ALLOW, "").split(",")}
    return Allowed(http="http" in words, private="private" in words)


class Target(msgspec.Struct, frozen=True):
    """A URL taken apart. path: with its query."""

    scheme: str
    host: str
    port: int
    path: str


def target_of(url: str, allowed: Allowed) -> Target:
    """The parts of `url`. Raises Forbidden for what may not be called, whatever its name resolves to."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or any(letter in url for letter in " \\"):
        raise Forbidden("the URL is too long, or holds blanks or letters beyond ASCII")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Forbidden(f"this is no URL: {error}") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allowed.http):
        raise Forbidden("only https is called" if parts.scheme == "http" else "only https URLs are called")
    if parts.username is not None or parts.password is not None:
        raise Forbidden("the URL must hold no name and password; a receiver checks the signature")
    if parts.fragment:
        raise Forbidden("the URL must hold no fragment")
    if not host:
        raise Forbidden("the URL names no host")
    literal = _literal(host)
    if literal is not None:
        check([literal], allowed)
    elif not allowed.private and (
        host.rstrip(".").rpartition(".")[2] in ("localhost", "local", "internal") or "." not in host.rstrip(".")
    ):
        raise Forbidden(f"{host} is a name of a private network")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def check(addresses: Iterable[str], allowed: Allowed) -> str:
    """The first of the addresses that a name resolves to. Raises Forbidden when any of them is not on the open Internet: a name that leads to both is a trap."""
    found = list(addresses)
    if not found:
        raise Forbidden("the name leads nowhere")
    for each in found:
        try:
            address = ip_address(each.partition("%")[0])
        except ValueError:
            raise Forbidden(f"{each} is no address") from None
        if not allowed.private and not _public(address):
            raise Forbidden(f"{each} is no address on the open Internet")
    return found[0]


def _public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return all(_public(inner) for inner in _embedded(address)) and _plain(address)
    return _plain(address)


def _plain(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or any(address in net for net in _NAT64)):
        return True  # its IPv4 address has been looked at
    if any(address in net for net in _SPECIAL):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
    )


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to."""
    found: list[IPv4Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if any(address in net for net in _NAT64) or address in _COMPATIBLE:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _literal(host: str) -> str | None:
    """`host` where it is an address. Odd ways to write one (octal, hexadecimal, one number) are names that end in a number, and are refused."""
    try:
        return str(ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2].lower()
        if last.isdigit() or (last.startswith("0x") and all(letter in "0123456789abcdef" for letter in last[2:])):
            raise Forbidden(f"{host} is no address, and no name either") from None
        return None
