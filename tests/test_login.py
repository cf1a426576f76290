"""What a login must be configured with, and whom it names."""

import importlib.util
from typing import Any

import pytest

from mnistnet import login
from tests.support.logins import AUTH, PROVIDER_KEYS

SHARED = {name: value for name, value in AUTH.items() if name not in PROVIDER_KEYS}
NAMED = {name: AUTH[name] for name in PROVIDER_KEYS}


def test_a_complete_section_has_no_problem() -> None:
    assert login.problem({"auth": AUTH}) is None
    assert login.problem({"auth": SHARED | {"okta": NAMED}}) is None
    assert login.problem({"auth": SHARED | {"default": NAMED}}) is None


def test_a_redirect_to_this_machine_may_be_plain_http_with_streamlits_own_port() -> None:
    assert login.problem({"auth": AUTH | {"redirect_uri": "http://localhost:{port}/oauth2callback"}}) is None


@pytest.mark.parametrize("key", sorted(AUTH))
@pytest.mark.parametrize("value", [None, "", " ", 7])
def test_every_key_is_needed(key: str, value: object) -> None:
    assert f"has no {key}" in str(login.problem({"auth": AUTH | {key: value}}))


@pytest.mark.parametrize(
    ("auth", "problem"),
    [
        (None, r"there is no [auth] section"),
        ("yes", r"there is no [auth] section"),
        ({}, "[auth] has no redirect_uri and no cookie_secret"),
        (SHARED, "[auth] has no client_id and no client_secret and no server_metadata_url"),
        (SHARED | {"okta": {}}, "[auth.okta] has no client_id and no client_secret and no server_metadata_url"),
        (SHARED | {"okta": NAMED, "google": {}}, "[auth.google] has no client_id"),
        (SHARED | {"my_idp": NAMED}, "[auth.my_idp]: Streamlit takes no name with an underscore"),
        (AUTH | {"cookie_secret": "xxx"}, "cookie_secret has fewer than 32 letters"),
        (AUTH | {"redirect_uri": "https://mnist.example.org/"}, "redirect_uri is not https://HOST/oauth2callback"),
        (AUTH | {"redirect_uri": "http://mnist.example.org/oauth2callback"}, "redirect_uri is not https"),
        (AUTH | {"redirect_uri": "https://[/oauth2callback"}, "redirect_uri is not https"),
        (AUTH | {"server_metadata_url": "http://login.example.org/"}, "server_metadata_url of [auth] is not an https"),
    ],
)
def test_what_is_missing_or_unsafe_is_named(auth: object, problem: str) -> None:
    assert str(login.problem({"auth": auth})).startswith(problem)


def test_a_missing_package_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert login.problem({"auth": AUTH}) == (
        "Authlib==1.9.8 and httpx==0.28.1 must be installed: pip install Authlib==1.9.8 httpx==0.28.1"
    )


@pytest.mark.parametrize("named", ["ann@example.org", [1], [""], {"ann@example.org": True}])
def test_administrators_are_a_list_of_names_or_nobody(named: object) -> None:
    secrets = {"auth": AUTH, "mnistnet": {"administrators": named}}
    assert str(login.problem(secrets)).startswith("administrators of [mnistnet] is not a list of names")
    assert login.administrators(secrets) == frozenset()


def test_administrators_are_named_as_people_are() -> None:
    secrets = {"mnistnet": {"administrators": ["Root@Example.org", "https://login.example.org 42"]}}
    assert login.administrators(secrets) == {"root@example.org", "https://login.example.org 42"}
    assert login.administrators({}) == frozenset()


@pytest.mark.parametrize(
    ("auth", "names"),
    [
        (AUTH, ["default"]),
        (AUTH | {"client_kwargs": {"prompt": "login"}}, ["default"]),
        (SHARED | {"okta": NAMED, "google": NAMED}, ["okta", "google"]),
        (AUTH | {"okta": NAMED}, ["default", "okta"]),
    ],
)
def test_every_provider_can_be_chosen(auth: dict[str, Any], names: list[str]) -> None:
    assert login.providers({"auth": auth}) == names


ISSUED = {"iss": "https://login.example.org", "sub": "42"}


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "Ann@Example.org"}, "ann@example.org"),
        ({"email": "ann@example.org", "email_verified": True}, "ann@example.org"),
        ({"email": "ann@example.org", "email_verified": "true"}, "ann@example.org"),
        ({"email": "ann@example.org", "email_verified": False}, "https://login.example.org 42"),
        ({"email": "ann@example.org", "email_verified": "false"}, "https://login.example.org 42"),
        ({"email": "ann@example.org", "email_verified": None}, "https://login.example.org 42"),
        ({"email": "https://login.example.org 43@"}, "https://login.example.org 42"),
        ({"email": ["ann@example.org"]}, "https://login.example.org 42"),
        ({"email": ""}, "https://login.example.org 42"),
        ({"name": "ann@example.org", "preferred_username": "ann@example.org"}, "https://login.example.org 42"),
        ({"email": "\N{KELVIN SIGN}arl@example.org"}, "\N{KELVIN SIGN}arl@example.org"),
        ({"sub": ""}, ""),
        ({"iss": None}, ""),
    ],
)
def test_someone_is_their_verified_address_else_issuer_and_subject(claims: dict[str, Any], name: str) -> None:
    assert login.identity(ISSUED | claims) == name
