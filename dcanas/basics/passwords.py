"""Passwords in addresses, which stand in no file and no message."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(://[^:/?#\s'\"]*:)[^\s'\"]*@|((?:^|[?&;\s])(?:password|sslpassword|passfile)=)[^&\s'\"]*",
                       re.IGNORECASE)


def without_passwords(text: str) -> str:
    """Return a text with *** in the place of every password, as in postgresql://USER:***@HOST/NAME."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)
