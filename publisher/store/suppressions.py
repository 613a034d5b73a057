"""Addresses that are not mailed, kept as hashes alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select

from publisher.core.token import address_hash
from publisher.store import publication
from publisher.store import schema as s
from publisher.store.engine import Transaction, pieces

Reason = Literal["forgotten", "complained", "bounced", "operator"]


def suppress(tx: Transaction, email_norm: str, reason: Reason, now: datetime) -> None:
    """Mail nothing to this address from now on. The first reason stays, but a complaint or a wish to be forgotten
    outweighs a bounce, and the operator's block everything."""
    hashed = _hashed(tx, email_norm)
    known = _reasons(tx, [hashed]).get(hashed)
    if known is None or known == "bounced" or reason == "operator":
        tx.execute(delete(s.suppressions).where(s.suppressions.c.hash == hashed))
        tx.execute(s.suppressions.insert().values(hash=hashed, reason=reason, at=now))


def reason(tx: Transaction, email_norm: str) -> str | None:
    """Why an address is not mailed; None when it may be."""
    hashed = _hashed(tx, email_norm)
    return _reasons(tx, [hashed]).get(hashed)


def suppressed(tx: Transaction, email_norms: Iterable[str]) -> set[str]:
    """Those of these addresses that are not mailed. Costs nothing while there are no suppressions."""
    if tx.execute(select(s.suppressions.c.hash).limit(1)).first() is None:
        return set()
    secret = _secret(tx)
    by_hash = {address_hash(secret, norm): norm for norm in email_norms}
    return {by_hash[hashed] for hashed in _reasons(tx, by_hash)}


def lift(tx: Transaction, email_norm: str) -> None:
    """Somebody confirmed by themselves that they want mail again."""
    tx.execute(delete(s.suppressions).where(s.suppressions.c.hash == _hashed(tx, email_norm)))


def _reasons(tx: Transaction, hashes: Iterable[str]) -> dict[str, str]:
    c = s.suppressions.c
    found: dict[str, str] = {}
    for some in pieces(hashes):
        rows = tx.execute(select(c.hash, c.reason).where(c.hash.in_(some)))
        found |= {row.hash: row.reason for row in rows}
    return found


def _hashed(tx: Transaction, email_norm: str) -> str:
    return address_hash(_secret(tx), email_norm)


def _secret(tx: Transaction) -> bytes:
    known = publication.get(tx)
    return known.secret if known else b""
