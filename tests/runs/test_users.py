"""Who may stop, resume or delete a run."""

import pytest

from mnistnet.runs.run import DamagedRun
from mnistnet.runs.users import NotOwner, User, require_may_change
from tests.runs.test_run import a_run

ADA, BOB, ROOT = User("ada"), User("bob"), User("root", is_administrator=True)


@pytest.mark.parametrize("user", [None, ADA, ROOT])
def test_the_owner_an_administrator_and_whoever_is_there_without_logins_may(user: User | None) -> None:
    require_may_change(user, a_run(owner="ada"))


@pytest.mark.parametrize(("owner", "named"), [("ada", "ada"), ("", "someone without a name")])
def test_no_other_user_may(owner: str, named: str) -> None:
    with pytest.raises(NotOwner, match=f"^run 0123abcd: started by {named}: only they or an administrator may"):
        require_may_change(BOB, a_run(owner=owner))


def test_of_a_damaged_run_nobody_knows_the_owner() -> None:
    damaged = DamagedRun(1, "0123abcd", "owner=1: allowed is a text")
    require_may_change(None, damaged)
    require_may_change(ROOT, damaged)
    with pytest.raises(NotOwner, match=r"^run 0123abcd: damaged: only an administrator may delete it$"):
        require_may_change(ADA, damaged)


def test_a_user_without_a_name_owns_nothing() -> None:
    assert not User("").may_change(a_run(owner=""))
