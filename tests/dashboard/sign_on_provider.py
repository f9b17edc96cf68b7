"""A small OpenID Connect provider that really checks: authorization codes that are good once, PKCE, the client's secret, signed ID tokens. It lets everybody in as `sub`.

`sub`, `roles`, `nonce` and `audience` can be set by a test, to make it lie.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "crossdock-dashboard", "s3cret-of-the-client"


class Provider:
    """A running provider. `issuer` is its address."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.sub, self.roles = "olga@example.com", ["hub-operations"]
        self.nonce: str | None = None
        self.audience = CLIENT
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.token(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        path, asked = urlsplit(handler.path).path, _one(urlsplit(handler.path).query)
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            _answer(handler, 200, {"issuer": self.issuer, **{name: self.issuer + end for name, end in ends.items()}})
        elif path == "/keys":
            _answer(handler, 200, dict(KeySet([self.key]).as_dict(private=False)))
        elif path == "/authorize":
            good = asked.get("response_type") == "code" and asked.get("client_id") == CLIENT
            good = good and asked.get("code_challenge_method") == "S256" and bool(asked.get("code_challenge"))
            good = good and "openid" in asked.get("scope", "") and bool(asked.get("state")) and bool(asked.get("nonce"))
            if not good:
                self.refused.append("authorize")
                _answer(handler, 400, {"error": "invalid_request"})
                return
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
            handler.send_response(302)
            handler.send_header("Location", f"{asked['redirect_uri']}?{back}")
            handler.end_headers()
        else:
            _answer(handler, 404, {})

    def token(self, handler: BaseHTTPRequestHandler) -> None:
        form = _one(handler.rfile.read(int(handler.headers["Content-Length"])).decode())
        asked = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or handler.headers.get("Authorization") != f"Basic {basic}"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge.decode().rstrip("=") != asked["code_challenge"]
        ):
            self.refused.append("token")
            _answer(handler, 400, {"error": "invalid_grant"})
            return
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.sub,
            "email": self.sub,
            "iat": now,
            "exp": now + 300,
            "roles": self.roles,
            "nonce": self.nonce or asked["nonce"],
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        _answer(handler, 200, {"access_token": "unused", "token_type": "Bearer", "id_token": token})


def _one(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _answer(handler: BaseHTTPRequestHandler, status: int, body: Any) -> None:
    content = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
