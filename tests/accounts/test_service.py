from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from riskcontrol.accounts import passwords, service
from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.attempts import HERE, NAME, NETWORK, REGISTER
from riskcontrol.accounts.passwords import Cost, Passwords
from riskcontrol.accounts.service import Accounts
from riskcontrol.accounts.sessions import LIFETIME_SECONDS
from riskcontrol.errors import AccountError, TooBusy, TooSoon
from riskcontrol.strategy import USERNAME_PATTERN
from tests.accounts.fake import PASSWORD, SECRET, FakeStore, made

NOW = 1_760_000_000.0
HOME, AWAY = "192.0.2.1", "198.51.100.1"
OTHER = "nine blue herons"


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(names={"user000001", "carl"})


@pytest.fixture
def accounts(store: FakeStore) -> Accounts:
    _, accounts = made(store)
    accounts.register("ann", PASSWORD, address=HOME, now=NOW)
    return accounts


def sign_in(accounts: Accounts, name: str = "ann", password: str = PASSWORD, **more: object) -> Account:
    return accounts.sign_in(name, password, **{"address": HOME, "now": NOW, **more})  # type: ignore[arg-type]


def test_somebody_registers_and_signs_in_with_the_same_name_however_it_is_typed(accounts: Accounts) -> None:
    account = sign_in(accounts, " ANN ")
    assert (account.username, account.role) == ("ann", Role.USER)
    assert PASSWORD not in repr(account)
    assert account.password not in repr(account)


@pytest.mark.parametrize("name", ["ann", "ANN", "carl", "user000001", "user123456789", "admin", "root"])
def test_a_name_in_use_or_reserved_can_not_be_registered(accounts: Accounts, store: FakeStore, name: str) -> None:
    with pytest.raises(AccountError, match="is taken"):
        accounts.register(name, OTHER, address=AWAY, now=NOW)
    assert list(store.kept) == ["ann"]


def test_of_many_who_want_a_name_at_once_one_gets_it(store: FakeStore) -> None:
    _, accounts = made(store)
    got: list[str] = []

    def want(number: int) -> None:
        try:
            accounts.register("dora", f"{PASSWORD} {number}", address=f"192.0.2.{number}", now=NOW)
            got.append(f"{PASSWORD} {number}")
        except AccountError:
            pass

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert sign_in(accounts, "dora", got[0]).username == "dora"


@pytest.mark.parametrize("name", ["ann", "nobody", "user000001", "carl", "", "no such name!", "x" * 1_000])
def test_wrong_names_and_wrong_passwords_get_one_answer_after_the_same_work(
    accounts: Accounts, store: FakeStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[bool] = []
    fits = Passwords.fits
    monkeypatch.setattr(Passwords, "fits", lambda *given: done.append(True) or fits(*given))
    before = store.asked
    with pytest.raises(AccountError) as caught:
        sign_in(accounts, name, OTHER)
    # A name that nobody can have isn't looked up: that it can't be one is no secret.
    assert store.asked - before == (8 if USERNAME_PATTERN.fullmatch(name) else 7)
    assert str(caught.value) == "That username and password don't belong together."
    assert caught.value.field == ""
    assert done == [True]


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_wrong_passwords_slow_down_the_next_whether_or_not_there_is_the_name(accounts: Accounts, name: str) -> None:
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, name, OTHER)
    with pytest.raises(TooSoon, match=r"in 1 second$") as caught:
        sign_in(accounts, name, PASSWORD)
    assert caught.value.seconds == 1
    with pytest.raises(AccountError, match="belong together"):
        sign_in(accounts, name, OTHER, now=NOW + 1)
    with pytest.raises(TooSoon, match=r"in 2 seconds$"):
        sign_in(accounts, name, OTHER, now=NOW + 1)


def test_who_comes_too_soon_does_not_wait_longer_for_that(accounts: Accounts) -> None:
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, password=OTHER)
    for _ in range(50):
        with pytest.raises(TooSoon):
            sign_in(accounts)
    assert sign_in(accounts, now=NOW + 1).username == "ann"


def test_who_comes_too_soon_leaves_nothing_in_the_tables(
    accounts: Accounts, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, password=OTHER)
    written: list[str] = []
    for name in ("attempt", "withdraw"):
        monkeypatch.setattr(store, name, lambda *_, name=name: written.append(name))
    with pytest.raises(TooSoon):
        sign_in(accounts)
    assert written == []


def test_of_attempts_at_the_same_time_each_sees_the_others(
    accounts: Accounts, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = store.attempt

    def together(subjects: dict[str, int], at: float) -> str:
        for _ in range(HERE.free + 1):
            attempt(subjects, at)  # they came after the first look at what there is
        return attempt(subjects, at)

    monkeypatch.setattr(store, "attempt", together)
    with pytest.raises(TooSoon):
        sign_in(accounts)
    assert {len(noted) for noted in store.noted.values()} == {HERE.free + 1, 1}  # without its own; the registration


def test_a_browser_that_was_signed_in_with_does_not_wait_for_what_others_do(accounts: Accounts) -> None:
    known = accounts.browser(sign_in(accounts))
    for number in range(100):
        with pytest.raises(AccountError):
            sign_in(accounts, password=OTHER, address=f"198.51.100.{number}")
        with pytest.raises(AccountError):
            sign_in(accounts, password=OTHER)
    with pytest.raises(TooSoon):
        sign_in(accounts)
    assert sign_in(accounts, browser=known).username == "ann"
    with pytest.raises(TooSoon):  # which tells others nothing, and ends nothing for them
        sign_in(accounts)


def test_a_browser_s_token_is_good_for_one_name_and_for_few_guesses(accounts: Accounts) -> None:
    accounts.register("bob", OTHER, address=AWAY, now=NOW)
    known = accounts.browser(sign_in(accounts))
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, password=OTHER, browser=known, address=AWAY)
    with pytest.raises(TooSoon):
        sign_in(accounts, browser=known, address="203.0.113.7")
    assert sign_in(accounts).username == "ann"
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, "bob", PASSWORD, browser=known)
    with pytest.raises(TooSoon):
        sign_in(accounts, "bob", OTHER, browser=known)


@pytest.mark.parametrize("token", ["", ".", "x", "x.y", ".{proof}", "{number}.", "{number}x.{proof}", "é.{proof}"])
def test_what_is_no_token_of_a_browser_changes_nothing(accounts: Accounts, token: str) -> None:
    number, _, proof = accounts.browser(sign_in(accounts)).partition(".")
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, password=OTHER)
    with pytest.raises(TooSoon):
        sign_in(accounts, browser=token.format(number=number, proof=proof))


def test_signing_in_forgets_the_wrong_passwords_of_the_name_alone(accounts: Accounts, store: FakeStore) -> None:
    for _ in range(HERE.free):
        with pytest.raises(AccountError):
            sign_in(accounts, password=OTHER)
    sign_in(accounts)
    left = sorted(len(attempts) for attempts in store.noted.values())
    assert left == [1, HERE.free]  # one registration, and what the network did
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, password=OTHER)


def test_a_stranger_elsewhere_makes_the_owner_wait_for_a_moment_only(accounts: Accounts) -> None:
    for number in range(100):
        with pytest.raises(AccountError):
            sign_in(accounts, password=OTHER, address=f"198.51.100.{number}")
    assert sign_in(accounts, now=NOW + NAME.most).username == "ann"


def test_many_names_tried_from_one_network_slow_it_down(accounts: Accounts) -> None:
    for number in range(NETWORK.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, f"name{number}", OTHER, address=AWAY)
    with pytest.raises(TooSoon):
        sign_in(accounts, "another", OTHER, address=AWAY)
    assert sign_in(accounts).username == "ann"


def test_registrations_of_one_network_slow_down_whatever_became_of_them(accounts: Accounts) -> None:
    for _ in range(REGISTER.free):
        with pytest.raises(AccountError, match="is taken"):
            accounts.register("ann", OTHER, address="2001:db8::1", now=NOW)
    accounts.register("dora", OTHER, address="2001:db8::2", now=NOW)
    with pytest.raises(TooSoon):
        accounts.register("emil", OTHER, address="2001:db8::3", now=NOW)
    accounts.register("emil", OTHER, address="2001:db8:0:1::3", now=NOW)


def test_what_is_kept_of_attempts_names_nobody(accounts: Accounts, store: FakeStore) -> None:
    with pytest.raises(AccountError):
        sign_in(accounts, password=OTHER)
    kept = repr(store.noted)
    assert "ann" not in kept
    assert HOME not in kept
    assert OTHER not in kept


def test_a_new_password_ends_all_sessions_and_needs_the_old_one(accounts: Accounts) -> None:
    account = sign_in(accounts)
    session = accounts.read(accounts.issue(account, NOW), NOW)
    assert session is not None
    assert accounts.whose(session) == account
    with pytest.raises(AccountError, match="not the current one"):
        accounts.change_password(account, OTHER, "ten green parrots", now=NOW)
    with pytest.raises(AccountError, match="12 to 200"):
        accounts.change_password(account, PASSWORD, "short", now=NOW)
    changed = accounts.change_password(account, PASSWORD, OTHER, now=NOW)
    assert accounts.whose(session) is None
    fresh = accounts.read(accounts.issue(changed, NOW), NOW)
    assert fresh is not None
    assert accounts.whose(fresh) == changed
    assert sign_in(accounts, password=OTHER) == changed
    with pytest.raises(AccountError):
        sign_in(accounts)


def test_the_old_password_can_not_be_guessed_with_a_stolen_session(accounts: Accounts) -> None:
    account = sign_in(accounts)
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="not the current one"):
            accounts.change_password(account, "a guess of somebody", OTHER, now=NOW)
    with pytest.raises(TooSoon):
        accounts.change_password(account, PASSWORD, OTHER, now=NOW)


def test_while_too_many_passwords_are_checked_none_is_wrong_and_no_attempt_counts(
    accounts: Accounts, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = sign_in(accounts)
    before = {subject: dict(noted) for subject, noted in store.noted.items() if noted}
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.0)
    turn = accounts._passwords._turn
    for _ in range(passwords.MOST_AT_A_TIME):
        turn.acquire()
    asked = [
        lambda: sign_in(accounts),
        lambda: sign_in(accounts, "nobody"),
        lambda: sign_in(accounts, browser=accounts.browser(account)),
        lambda: accounts.change_password(account, PASSWORD, OTHER, now=NOW),
        lambda: accounts.register("dora", OTHER, address=AWAY, now=NOW),
    ]
    for ask in asked:
        with pytest.raises(TooBusy, match="too many people sign in"):
            ask()
    assert {subject: noted for subject, noted in store.noted.items() if noted} == before
    for _ in range(passwords.MOST_AT_A_TIME):
        turn.release()
    assert accounts.change_password(account, PASSWORD, OTHER, now=NOW).generation == account.generation + 1


def test_a_right_password_lets_in_where_there_is_no_time_for_its_new_hash(
    accounts: Accounts, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Passwords, "outdated", lambda *_: True)
    monkeypatch.setattr(Passwords, "hash", lambda *_: (_ for _ in ()).throw(TooBusy))
    before = store.kept["ann"]
    assert sign_in(accounts) == before
    assert store.kept["ann"] == before


def test_strangers_do_not_keep_somebody_from_a_new_password(accounts: Accounts) -> None:
    account = sign_in(accounts)
    for _ in range(HERE.free + 1):
        with pytest.raises(AccountError, match="belong together"):
            sign_in(accounts, password=OTHER)
    assert accounts.change_password(account, PASSWORD, OTHER, now=NOW).generation == account.generation + 1


def test_signing_out_ends_one_session_and_everywhere_ends_all(accounts: Accounts) -> None:
    account = sign_in(accounts)
    first, second = (accounts.read(accounts.issue(account, NOW), NOW) for _ in range(2))
    assert first is not None
    assert second is not None
    accounts.sign_out(first)
    assert accounts.whose(first) is None
    assert accounts.whose(second) == account
    accounts.sign_out_everywhere(account, now=NOW)
    assert accounts.whose(second) is None
    assert accounts.read(accounts.issue(account, NOW), NOW + LIFETIME_SECONDS) is None


def test_a_session_ends_with_its_account_and_does_not_come_back_with_the_name(accounts: Accounts) -> None:
    account = sign_in(accounts)
    session = accounts.read(accounts.issue(account, NOW), NOW)
    assert session is not None
    accounts.store.remove("ann")
    assert accounts.whose(session) is None
    again = accounts.set_password("ann", OTHER, now=NOW + 5)
    assert again.generation != session.generation
    assert accounts.whose(session) is None


def test_an_admin_gives_a_generated_user_a_password(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="belong together"):
        sign_in(accounts, "user000001")
    accounts.set_password("user000001", PASSWORD, now=NOW)
    assert sign_in(accounts, "user000001").role is Role.USER
    changed = accounts.set_password("user000001", OTHER, now=NOW, role=Role.ADMIN)
    assert sign_in(accounts, "user000001", OTHER) == changed
    assert changed.role is Role.ADMIN


def test_a_hash_of_an_older_cost_is_made_anew_when_somebody_signs_in(store: FakeStore) -> None:
    dearer = Accounts(store, SECRET, Passwords(Cost(memory=16, rounds=2)))
    _, accounts = made(store)
    session = accounts.read(accounts.issue(accounts.register("ann", PASSWORD, address=HOME, now=NOW), NOW), NOW)
    assert "m=8,t=1" in store.kept["ann"].password
    sign_in(dearer)
    assert "m=16,t=2" in store.kept["ann"].password
    assert session is not None
    assert dearer.whose(session) is not None


def test_a_link_opens_one_page_until_it_is_taken_back_or_made_anew(accounts: Accounts, store: FakeStore) -> None:
    link = accounts.publish("ann", "IBM", "dip", now=NOW)
    assert link not in repr(store.pages)
    page = accounts.opens(link)
    assert page is not None
    assert (page.username, page.ticker, page.name) == ("ann", "IBM", "dip")
    second = accounts.publish("ann", "IBM", "dip", now=NOW)
    assert accounts.opens(link) is None
    assert accounts.opens(second) == replace(page, digest=store.pages["ann", "IBM", "dip"].digest)
    accounts.store.take_back("ann", "IBM", "dip")
    assert accounts.opens(second) is None


@pytest.mark.parametrize("link", ["", "x", "A" * 43, "A" * 44, "../" * 20, "é" * 43])
def test_what_is_no_link_opens_nothing(accounts: Accounts, link: str) -> None:
    assert accounts.opens(link) is None


def test_pages_are_published_up_to_a_number(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_LINKS", 2)
    accounts.publish("ann", "IBM", "a", now=NOW)
    accounts.publish("ann", "IBM", "b", now=NOW)
    accounts.publish("ann", "IBM", "b", now=NOW)
    with pytest.raises(AccountError, match="at most 2"):
        accounts.publish("ann", "IBM", "c", now=NOW)
