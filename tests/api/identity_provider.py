"""An identity provider on this machine: a discovery document, keys that can be changed, and tokens signed with them, good and bad."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

AUDIENCE = "crossdock"


class IdentityProvider:
    """Use it as a context manager. `asked` counts how often its keys were fetched."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "first"})]
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/jwks":
                    provider.asked += 1
                    body: dict[str, Any] = {"keys": [key.as_dict(private=False) for key in provider.keys]}
                else:
                    body = {"issuer": provider.issuer, "jwks_uri": f"{provider.issuer}/jwks"}
                told = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "IdentityProvider":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, kid: str) -> None:
        """Another key stands in the place of the one before."""
        self.keys = [RSAKey.generate_key(2048, {"kid": kid})]

    def token(self, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of Ann's, good for five minutes, unless `claims` say otherwise; None leaves one out."""
        key = key or self.keys[-1]
        said = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "ann",
            "email": "ann@example.com",
            "exp": int(time.time()) + 300,
            "groups": ["warehouse-team"],
            **claims,
        }
        told = {name: value for name, value in said.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": getattr(key, "kid", "x"), **(header or {})}, told, key)

    def terms(self) -> str:
        """The workspace's [api.oidc]."""
        return (
            f'\n[api.oidc]\nissuer = "{self.issuer}"\naudience = "{AUDIENCE}"\nrole_claim = "groups"\npartner_claim = "company"\n'
            '[api.oidc.roles]\n"warehouse-team" = "operations"\n"buyers" = "partner"\n'
        )
