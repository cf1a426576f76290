"""Secrets with a login, and a provider (OpenID Connect) that lets in whomever the test names. No test of its own."""

import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

# A complete [auth] section; nobody answers there.
AUTH: dict[str, Any] = {
    "redirect_uri": "https://mnist.example.org/oauth2callback",
    "cookie_secret": "c" * 32,
    "client_id": "mnistnet",
    "client_secret": "hush",
    "server_metadata_url": "https://login.example.org/.well-known/openid-configuration",
}
# Those of its keys that each provider has for itself.
PROVIDER_KEYS = ("client_id", "client_secret", "server_metadata_url")


def written(secrets: Mapping[str, Mapping[str, Any]]) -> str:
    """The secrets as TOML; JSON's texts and lists of texts are."""
    return "\n".join(
        f"[{section}]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
        for section, values in secrets.items()
    )


@dataclass
class Provider:
    """`claims` is what it will say of the next person who logs in."""

    url: str
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Any]:
        """What it tells everyone about itself."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorized(self, asked: dict[str, str]) -> str:
        """Where the browser is sent with the code for a token."""
        code = secrets.token_urlsafe()
        self.codes[code] = {"nonce": asked["nonce"], **self.claims}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, code: str) -> dict[str, Any]:
        """The signed word for who it is, once."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUTH["client_id"], "iat": now, "exp": now + 600, **self.codes.pop(code)}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "id_token": signed}


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider that answers until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/authorize":
                self.send_response(302)
                asked = {name: values[0] for name, values in parse_qs(address.query).items()}
                self.send_header("Location", own.authorized(asked))
                self.end_headers()
            elif address.path == "/keys":
                self._answer({"keys": [own.key.as_dict(private=False)]})
            else:
                self._answer(own.metadata)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(own.token(form["code"][0]))

        def _answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name it has above
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        own = Provider(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield own
        server.shutdown()
        thread.join()
