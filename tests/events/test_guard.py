"""Where webhooks may lead: out of the house, by https, to the address that was checked."""

import asyncio
import ipaddress
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectors.events import sender
from crossdock.connectors.events.guard import Allowed, Forbidden, allowed_by, check, target_of
from crossdock.connectors.events.sender import HttpWebhookSender

from .receiving import receiving

STRICT = Allowed()

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "fd00:ec2::254",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused_alone_and_among_others(address: str) -> None:
    with pytest.raises(Forbidden):
        check([address], STRICT)
    with pytest.raises(Forbidden):
        check(["93.184.215.14", address], STRICT)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"])
def test_addresses_on_the_open_internet_are_called(address: str) -> None:
    assert check([address], STRICT) == address


@given(st.ip_addresses(v=4).map(str))
def test_an_ipv4_address_is_judged_the_same_in_every_disguise(address: str) -> None:
    def refused(text: str) -> bool:
        try:
            check([text], STRICT)
        except Forbidden:
            return True
        return False

    number = int(ipaddress.IPv4Address(address))
    assert refused(f"::ffff:{address}") == refused(address)
    assert refused(str(ipaddress.IPv6Address((0x64FF9B << 96) | number))) >= refused(address)
    if refused(address):
        assert refused(str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80))))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "only https"),
        ("gopher://hooks.example.com/", "only https"),
        ("https://ann:word@hooks.example.com/", "name and password"),
        ("https://hooks.example.com/#there", "fragment"),
        ("https:///nowhere", "no host"),
        ("https://0177.0.0.1/", "no address"),
        ("https://0x7f.0.0.0x1/", "no address"),
        ("https://2130706433/", "no address"),
        ("https://127.1/", "no address"),
        ("https://metadata.google.internal/", "private network"),
        ("https://printer.local/", "private network"),
        ("https://localhost./", "private network"),
        ("https://intranet/", "private network"),
        ("https://hooks.example.com:99999/", "no URL"),
        ("https://hooks.example.com/\r\nX: y", "blanks"),
        ("https://höoks.example.com/", "ASCII"),
        ("https://evil.example\\@127.0.0.1/", "blanks"),
    ],
)
def test_urls_that_lead_astray_are_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(Forbidden, match=why):
        target_of(url, STRICT)


_hosts = st.sampled_from(["a.example.com", "[::1]", "[", "1.2.3", "x..y", "xn--", "a:b", "%31", ""])


@given(
    st.text(max_size=40)
    | st.tuples(st.sampled_from(["https://", "http://", "//"]), _hosts, st.text(max_size=20)).map("".join)
)
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        target = target_of(text, STRICT)
    except Forbidden:
        return
    assert (target.scheme, target.path[0]) == ("https", "/")
    assert target.host


def test_a_url_is_taken_apart() -> None:
    target = target_of("https://Hooks.Example.com:8443/a/b?c=d", STRICT)
    assert (target.host, target.port, target.path) == ("hooks.example.com", 8443, "/a/b?c=d")


def test_the_environment_loosens_the_guard_only_where_it_says_so() -> None:
    assert allowed_by({}) == STRICT
    assert allowed_by({"CROSSDOCK_WEBHOOKS_ALLOW": "http, private"}) == Allowed(http=True, private=True)
    assert allowed_by({"CROSSDOCK_WEBHOOKS_ALLOW": "yes"}) == STRICT


async def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async def inside(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(sender, "resolve", inside)
    async with receiving() as receiver:
        answered = await HttpWebhookSender(Allowed(http=True)).send(
            f"http://hooks.example.com:{receiver.port}/", {}, b"x"
        )
    assert answered.status is None
    assert "no address on the open Internet" in answered.detail
    assert receiver.posts == []


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's side of TLS for a name."""
    key, crt = folder / "key.pem", folder / "crt.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(crt), "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(crt, key)
    return theirs, ssl.create_default_context(cafile=str(crt))


async def test_the_checked_address_is_called_under_the_name_and_resolved_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs, ours = certificate(tmp_path, "hooks.example.com")
    names: list[str | None] = []
    theirs.sni_callback = lambda connection, name, context: names.append(name)
    asked: list[str] = []

    async def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    monkeypatch.setattr(sender, "resolve", once)
    async with receiving(theirs) as receiver:
        url = f"https://hooks.example.com:{receiver.port}/in?a=b"
        answered = await HttpWebhookSender(Allowed(private=True), ours).send(url, {"webhook-id": "1"}, b"{}")
        other = await HttpWebhookSender(Allowed(private=True), ours).send(
            f"https://others.example.com:{receiver.port}/", {}, b"{}"
        )
    assert answered.status == 204
    assert names == ["hooks.example.com", "others.example.com"]
    assert asked == ["hooks.example.com", "others.example.com"]
    (post,) = receiver.posts
    assert (post.path, post.headers["host"]) == ("/in?a=b", f"hooks.example.com:{receiver.port}")
    assert other.status is None
    assert "ertificate" in other.detail


async def test_a_receiver_that_says_nothing_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "TIMEOUT_SECONDS", 0.2)
    async with receiving() as receiver:
        receiver.pause_seconds = 5
        answered = await HttpWebhookSender(Allowed(http=True, private=True)).send(receiver.url, {}, b"x")
    assert (answered.status, answered.detail) == (None, "no answer within 0.2 s")


async def test_a_long_answer_is_not_read_to_its_end() -> None:
    async with receiving() as receiver:
        receiver.answers = [(500, {}, b"x" * 5_000_000)]
        answered = await HttpWebhookSender(Allowed(http=True, private=True)).send(receiver.url, {}, b"x")
        await asyncio.sleep(0)
    assert answered.status == 500
    assert len(answered.detail) == 300
