"""Everything that can be done with accounts, over a `Store`; times come from whoever calls."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from riskcontrol.accounts import links
from riskcontrol.accounts.account import RESERVED, Account, Role, normal_username
from riskcontrol.accounts.attempts import HERE, NAME, NETWORK, REGISTER, Limit, network_of
from riskcontrol.accounts.browsers import Browsers
from riskcontrol.accounts.keys import Keys
from riskcontrol.accounts.links import Published
from riskcontrol.accounts.passwords import Passwords, check_password
from riskcontrol.accounts.sessions import LIFETIME_SECONDS, Session, Sessions, derived, keyed, pseudonym
from riskcontrol.accounts.store import Store
from riskcontrol.errors import AccountError, TooBusy, TooSoon

MOST_LINKS = 100
"""Most pages that a user publishes at a time."""
_WRONG = "That username and password don't belong together."
_TAKEN = "is taken; choose another one"


class Accounts:
    """Registers, signs in and out, and publishes.

    Args:
        store: Keeps what there is.
        secret: The installation's.
        passwords: Makes hashes.
    """

    def __init__(self, store: Store, secret: bytes, passwords: Passwords | None = None) -> None:
        self.store = store
        self.keys = Keys(store)
        """Those with which programs come."""
        self._passwords = passwords or Passwords()
        self._sessions = Sessions(secret)
        self._browsers = Browsers(secret)
        self._subjects = derived(secret, "attempts")
        self._pseudonyms = derived(secret, "pseudonyms")
        self.identity = keyed(derived(secret, "identity"))[:8]
        """Tells this installation from others."""

    def register(self, typed: str, password: str, *, address: str, now: float) -> Account:
        """Make an account for somebody who comes by.

        Args:
            typed: The username, as typed.
            password: As typed.
            address: Where the request came from.
            now: Seconds since 1970.

        Raises:
            AccountError: The name isn't one or is in use, or the password isn't good enough; `TooSoon`, `TooBusy`.
        """
        username = normal_username(typed)
        check_password(password, username)
        subjects = {self._subject("register", network_of(address)): REGISTER}
        attempt = self._attempt(subjects, now)
        if RESERVED.fullmatch(username) or self.store.account(username) or self.store.used(username):
            raise AccountError(_TAKEN, field="username")
        with self._withdrawn_when_busy(subjects, attempt):
            hashed = self._passwords.hash(password)
        account = Account(username, hashed, Role.USER, _first(), _time(now))
        if not self.store.add(account):
            raise AccountError(_TAKEN, field="username")
        return account

    def sign_in(self, typed: str, password: str, *, address: str, now: float, browser: str = "") -> Account:
        """Return the account of somebody who knows its password.

        Names that there aren't are treated as those that there are, in what is said and in how long it takes.

        Args:
            typed: The username, as typed.
            password: As typed.
            address: Where the request came from.
            now: Seconds since 1970.
            browser: The token that `browser` gave. With it, attempts of others don't count.

        Raises:
            AccountError: They don't belong together; `TooSoon`, `TooBusy`.
        """
        try:
            username = normal_username(typed)
        except AccountError:
            username = ""
        if number := self._browsers.number(browser, username):
            return self._known(username, password, {self._subject("browser", username, number): HERE}, {}, now)
        network, tried = network_of(address), username or typed
        own = {self._subject("here", tried, network): HERE, self._subject("name", tried): NAME}
        return self._known(username, password, own, {self._subject("network", network): NETWORK}, now)

    def browser(self, account: Account) -> str:
        """Return the token of a browser in which somebody has just signed in."""
        return self._browsers.issue(account.username)

    def change_password(self, account: Account, old: str, new: str, *, now: float) -> Account:
        """Replace a password, which ends all sessions; returns the account as it is now.

        Raises:
            AccountError: The old one is wrong, the new one isn't good enough; `TooSoon`, `TooBusy`.
        """
        check_password(new, account.username)
        return self._replaced(self.confirm(account.username, old, now=now), new)

    def confirm(self, username: str, password: str, *, now: float) -> Account:
        """Return the account of somebody who is signed in, and knows its password as well.

        Wrong ones count by themselves: whoever sends one has a session, and others don't make its owner wait.

        Raises:
            AccountError: The password is wrong; `TooSoon`, `TooBusy`.
        """
        try:
            return self._known(username, password, {self._subject("change", username): HERE}, {}, now)
        except (TooSoon, TooBusy):
            raise
        except AccountError as error:
            raise AccountError("is not the current one", field="old") from error

    def set_password(self, username: str, password: str, *, now: float, role: Role | None = None) -> Account:
        """Give a name a password, whether it has an account, only strategies, or nothing: for an admin.

        Args:
            username: Whose.
            password: As typed.
            now: Seconds since 1970.
            role: Of an account that is made anew, or a new one of an old account; None for a user's, or as it was.

        Raises:
            AccountError: The name isn't one, or the password isn't good enough.
        """
        username = normal_username(username)
        check_password(password, username)
        account = self.store.account(username)
        if account is None:
            made = Account(username, self._passwords.hash(password), role or Role.USER, _first(), _time(now))
            if not self.store.add(made):
                raise AccountError("was made by somebody else just now; look at it first", field="username")
            return made
        if role is not None and role is not account.role:
            self.store.set_role(username, role)
        return replace(self._replaced(account, password), role=role or account.role)

    def issue(self, account: Account, now: float) -> str:
        """Return the token of a new session."""
        return self._sessions.issue(account, now)

    def read(self, token: str, now: float) -> Session | None:
        """Return the session of a token that is ours and hasn't expired; whether it has ended, `whose` tells."""
        return self._sessions.read(token, now)

    def whose(self, session: Session) -> Account | None:
        """Return the account of a session; None if the session has ended, or the account is gone."""
        account = self.store.account(session.username)
        if account is None or account.generation != session.generation:
            return None
        return None if self.store.session_ended(session.number) else account

    def sign_out(self, session: Session) -> None:
        """End a session, so that its token is worth nothing any more, wherever it was copied to."""
        self.store.end_session(session.number, LIFETIME_SECONDS + 3_600)

    def sign_out_everywhere(self, account: Account, *, now: float) -> None:
        """End all sessions of an account, and revoke all of its keys.

        The sessions last: if the database goes away in between, one of them can do it again.
        """
        self.keys.revoke_all(account.username, now=now)
        self.store.change_password(
            account.username, account.password, before=account.generation, after=account.generation + 1
        )

    def publish(self, username: str, ticker: str, name: str, *, now: float) -> str:
        """Make a link to the page of a strategy, in the place of the one that it had; returns it, for the only time.

        Raises:
            AccountError: The user has published too many.
        """
        others = [one for one in self.store.published(username) if (one.ticker, one.name) != (ticker, name)]
        if len(others) >= MOST_LINKS:
            raise AccountError(f"at most {MOST_LINKS} pages can be published at a time; take one back", field="")
        link = links.new_link()
        self.store.publish(Published(username, ticker, name, links.digest(link), _time(now)))
        return link

    def opens(self, link: str) -> Published | None:
        """Return what a link opens; None if it is none, or was taken back."""
        return self.store.opens(links.digest(link)) if links.PATTERN.fullmatch(link) else None

    def pseudonym(self, username: str) -> str:
        """Return the name under which others meet a user."""
        return pseudonym(self._pseudonyms, username)

    def _known(
        self, username: str, password: str, own: dict[str, Limit], others: dict[str, Limit], now: float
    ) -> Account:
        """Return the account of a name if the password is its own.

        Args:
            username: The name; empty for one that nobody can have.
            password: As typed.
            own: What the attempt counts under, of which a right password forgets all attempts.
            others: What else it counts under, of which a right password forgets this attempt alone.
            now: Seconds since 1970.
        """
        attempt = self._attempt(own | others, now)
        account = self.store.account(username) if username else None
        with self._withdrawn_when_busy(own | others, attempt):
            fits = self._passwords.fits(account.password if account else None, password)
        if not fits or account is None:
            raise AccountError(_WRONG, field="")
        for subject in own:
            self.store.withdraw(subject)
        for subject in others:
            self.store.withdraw(subject, attempt)
        if self._passwords.outdated(account.password):
            with suppress(TooBusy):  # the next time, then
                hashed = self._passwords.hash(password)
                self.store.change_password(username, hashed, before=account.generation, after=account.generation)
        return account

    @contextmanager
    def _withdrawn_when_busy(self, subjects: dict[str, Limit], attempt: str) -> Iterator[None]:
        """Take an attempt back whose password nobody had the time to look at."""
        try:
            yield
        except TooBusy:
            for subject in subjects:
                self.store.withdraw(subject, attempt)
            raise

    def _replaced(self, account: Account, password: str) -> Account:
        hashed, after = self._passwords.hash(password), account.generation + 1
        if not self.store.change_password(account.username, hashed, before=account.generation, after=after):
            raise AccountError("the account was changed meanwhile; try again", field="")
        return replace(account, password=hashed, generation=after)

    def _subject(self, *parts: str) -> str:
        """Return what attempts are counted under: nobody's name or address can be read from it."""
        return keyed(self._subjects, *parts)

    def _attempt(self, subjects: dict[str, Limit], now: float) -> str:
        """Note an attempt, before it is made: of many at the same time, each sees the others.

        Raises:
            TooSoon: One has to wait. Such an attempt doesn't count.
        """
        # First without a note: however often somebody comes too soon, the tables don't grow by it.
        if wait := self._wait(subjects, now):
            raise TooSoon(wait)
        attempt = self.store.attempt({subject: int(limit.window) for subject, limit in subjects.items()}, now)
        if wait := self._wait(subjects, now, attempt):
            for subject in subjects:
                self.store.withdraw(subject, attempt)
            raise TooSoon(wait)
        return attempt

    def _wait(self, subjects: dict[str, Limit], now: float, own: str = "") -> float:
        """Return how long attempts other than one's own make one wait."""
        noted = {subject: self.store.attempts(subject) for subject in subjects}
        return max(
            limit.wait([at for each, at in noted[subject].items() if each != own], now)
            for subject, limit in subjects.items()
        )


def _first() -> int:
    """Return the first generation of an account: not that of an account that had its name before."""
    return secrets.randbelow(1 << 30) + 1


def _time(now: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(now), dt.UTC)
