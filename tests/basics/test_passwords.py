"""Passwords in addresses stand in no message."""

from __future__ import annotations

import pytest

from dcanas.basics.passwords import without_passwords


@pytest.mark.parametrize(("text", "expected"), [
    ("run.storage=postgresql://me:s3cret@host/name", "run.storage=postgresql://me:***@host/name"),
    ("'run.storage=postgresql+psycopg://me:s%40c:ret@host:5432/n'", "'run.storage=postgresql+psycopg://me:***@host:5432/n'"),
    ("run.storage='postgresql://me:s3cret/#?@host/name'", "run.storage='postgresql://me:***@host/name'"),
    ("postgresql://host/n?user=me&password=s3cret", "postgresql://host/n?user=me&password=***"),
    ("postgresql://me@host/name", "postgresql://me@host/name"), ("sqlite:////tmp/a:b@c.db", "sqlite:////tmp/a:b@c.db"),
    ("no address: a@b", "no address: a@b"), ("run.dir=a:b@c", "run.dir=a:b@c")])
def test_passwords(text, expected):
    assert without_passwords(text) == expected
    assert "s3cret" not in without_passwords(text)
