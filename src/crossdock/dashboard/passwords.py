"""Passwords, hashed with scrypt (RFC 7914) as `scrypt$log2n$r$p$salt$hash`. Pure but slow on purpose: some 60 ms, so it is called in a thread."""

import base64
import hashlib
import hmac

LOG2_N, R, P = 15, 8, 1
SHORTEST, LONGEST = 12, 200


def hashed(password: str, salt: bytes) -> str:
    """A password as it is kept. salt: 16 random bytes."""
    return f"scrypt${LOG2_N}${R}${P}${_text(salt)}${_text(_scrypt(password, salt, LOG2_N, R, P))}"


def matches(password: str, kept: str) -> bool:
    """Whether it is the password that was kept; compared in constant time. False for anything that is not a hash of ours."""
    try:
        kind, log2_n, r, p, salt, told = kept.split("$")
        if kind != "scrypt":
            return False
        made = _scrypt(password, base64.b64decode(salt), int(log2_n), int(r), int(p))
        return hmac.compare_digest(made, base64.b64decode(told))
    except ValueError:
        return False


def lacking(password: str) -> str:
    """What is wrong with a new password, in words; empty when nothing is."""
    if len(password) < SHORTEST:
        return f"A password has at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} characters."
    if len(set(password)) < 5:
        return "A password is more than a few characters over and over."
    return ""


def _scrypt(password: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=1 << log2_n, r=r, p=p, maxmem=(1 << log2_n) * r * 256, dklen=32
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


NOBODY = hashed("", b"\0" * 16)
"""What a password is held against when there is no such person, so that the answer takes as long."""
