"""Passwords in the system's keyring (on Windows: the credential manager), never in a file.

Owns keyring.
"""

from __future__ import annotations


def kept_password(service: str, user: str) -> str:
    """The password that was kept for a user of a service; empty where there is none."""
    # The library looks for the system's keyring as it is imported.
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        return keyring.get_password(service, user) or ""
    except KeyringError:
        return ""


def keep_password(service: str, user: str, password: str) -> bool:
    """Keep a password for a user of a service; False where this computer has no keyring."""
    import keyring  # noqa: PLC0415 - as above
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        keyring.set_password(service, user, password)
    except KeyringError:
        # The library's own error may quote what it was given, so it is not passed on.
        return False
    return True
