"""What Streamlit's own login (OpenID Connect) needs before it may guard a dashboard, and who it says someone is.

Reads the sections `[auth]` and `[mnistnet]` of Streamlit's secrets, already parsed. Knows no Streamlit and no file.
"""

import importlib.util
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

DEFAULT = "default"  # what Streamlit calls the provider that stands in [auth] itself
PACKAGES = {"authlib": "Authlib==1.9.8", "httpx": "httpx==0.28.1"}  # Streamlit's login needs both, and brings neither
CALLBACK = "/oauth2callback"
_PROVIDER_KEYS = ("client_id", "client_secret", "server_metadata_url")
_LEAST_SECRET = 32  # letters; whoever guesses it can sign a cookie that says they are anyone
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def problem(secrets: Mapping[str, Any]) -> str | None:
    """Why nobody could log in safely with these secrets, in a few words; None where they can.

    Holds them against what streamlit 1.67 asks for (`auth_util.validate_auth_credentials`): redirect_uri and
    cookie_secret, and for each provider, in [auth] or in [auth.NAME], client_id, client_secret and
    server_metadata_url. Beyond that: no plain http but on this machine, and no short cookie_secret.
    """
    auth = secrets.get("auth")
    if not isinstance(auth, Mapping):
        return "there is no [auth] section"
    missing = [key for key in ("redirect_uri", "cookie_secret") if not _is_text(auth.get(key))]
    if missing:
        return f"[auth] has no {' and no '.join(missing)}"
    if not _is_safe(auth["redirect_uri"]) or not auth["redirect_uri"].endswith(CALLBACK):
        return f"redirect_uri is not https://HOST{CALLBACK}"
    if len(auth["cookie_secret"]) < _LEAST_SECRET:
        return f"cookie_secret has fewer than {_LEAST_SECRET} letters"
    return _provider_problem(secrets) or _package_problem() or _administrator_problem(secrets)


def _provider_problem(secrets: Mapping[str, Any]) -> str | None:
    for name in providers(secrets):
        auth = secrets["auth"]
        section = auth if name == DEFAULT and DEFAULT not in auth else auth[name]
        place = "[auth]" if section is auth else f"[auth.{name}]"
        missing = [key for key in _PROVIDER_KEYS if not _is_text(section.get(key))]
        if missing:
            return f"{place} has no {' and no '.join(missing)}"
        if not _is_safe(section["server_metadata_url"]):
            return f"server_metadata_url of {place} is not an https address"
        if "_" in name:
            return f"{place}: Streamlit takes no name with an underscore"
    return None


def _package_problem() -> str | None:
    missing = [pinned for module, pinned in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        return f"{' and '.join(missing)} must be installed: pip install {' '.join(PACKAGES.values())}"
    return None


def _administrator_problem(secrets: Mapping[str, Any]) -> str | None:
    own = secrets.get("mnistnet", {})
    named = own.get("administrators", []) if isinstance(own, Mapping) else None
    if not isinstance(named, list) or not all(_is_text(name) for name in named):
        return 'administrators of [mnistnet] is not a list of names, as in ["a@example.org"]'
    return None


def providers(secrets: Mapping[str, Any]) -> list[str]:
    """The names of the providers to log in with; DEFAULT for the one that stands in [auth] itself."""
    auth = secrets["auth"]
    named = [name for name, value in auth.items() if isinstance(value, Mapping) and name != "client_kwargs"]
    in_auth_itself = not named or any(key in auth for key in _PROVIDER_KEYS)
    return [DEFAULT, *named] if in_auth_itself and DEFAULT not in named else named


def redirect_host(secrets: Mapping[str, Any]) -> str:
    """The host to which the provider sends people back: the only one under which a login works."""
    return urlsplit(secrets["auth"]["redirect_uri"]).hostname or ""


def administrators(secrets: Mapping[str, Any]) -> frozenset[str]:
    """Who may stop, resume and delete everybody's runs: `administrators` of [mnistnet], named as `identity` does."""
    if _administrator_problem(secrets):
        return frozenset()
    return frozenset(_same_case(name.strip()) for name in secrets.get("mnistnet", {}).get("administrators", []))


def identity(claims: Mapping[str, Any]) -> str:
    """Whom the provider's signed claims name; empty where they name nobody.

    The e-mail address unless the provider says it is not verified, else issuer and subject with a space between
    them, which no address contains.
    """
    email = claims.get("email")
    verified = str(claims.get("email_verified", True)).lower() == "true"  # some providers send it as a text
    if verified and isinstance(email, str) and "@" in email and not any(letter.isspace() for letter in email):
        return _same_case(email)
    issuer, subject = claims.get("iss"), claims.get("sub")
    return f"{issuer} {subject}" if _is_text(issuer) and _is_text(subject) else ""


def _same_case(name: str) -> str:
    # Letters beyond ASCII may become another's when lowered (the Kelvin sign is a k): such names stay as they are.
    return name.lower() if name.isascii() else name


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    )
