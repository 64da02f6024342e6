"""Signing in to an SFTP server whose key is known beforehand, and what its errors mean."""

from __future__ import annotations

import io
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko

from connectors.files.config import SSH_PORT, FilesConfig
from landbridge.errors import AuthError, ConfigError, ScopeError, TransientError

# So many seconds without a word, and the connection is held open by one: the engine may take its time between rows.
KEEPALIVE = 30


@contextmanager
def sign_in(config: FilesConfig) -> Iterator[Any]:
    """A paramiko.SFTPClient. No agent, no key of this machine and no known_hosts file has a say."""
    assert config.server is not None
    host, port = str(config.server.hostname), config.server.port or SSH_PORT
    secret = config.password.get_secret_value() if config.password else None
    key = _private_key(config.private_key.get_secret_value(), secret) if config.private_key else None
    with paramiko.SSHClient() as client:
        kind, text = str(config.host_key).split()[:2]
        known = host if port == SSH_PORT else f"[{host}]:{port}"
        client.get_host_keys().add(known, kind, _public_key(kind, text))
        client.connect(
            host, port, config.login, None if key else secret, key, allow_agent=False, look_for_keys=False,
            timeout=config.timeout, banner_timeout=config.timeout, auth_timeout=config.timeout,
            channel_timeout=config.timeout,
        )  # fmt: skip
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(KEEPALIVE)
        with client.open_sftp() as sftp:
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(config.timeout)
            yield sftp


@contextmanager
def errors_named(where: str, *, writing: bool = False) -> Iterator[None]:
    """Raises ours for theirs, whose text may hold names; a write whose connection broke may have been applied."""
    try:
        yield
    except paramiko.BadHostKeyException:
        raise AuthError(
            f"{where}: the server shows another key than the connection's host_key.",
            remedy="Ask its owner for its key; somebody may stand between. Nothing was sent there.",
        ) from None
    except paramiko.AuthenticationException:
        raise AuthError(f"{where}: the server refuses the account.") from None
    except PermissionError:
        raise ScopeError(f"{where}: the account may not.", remedy="Give it the right on the server.") from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise TransientError(f"{where}: the server broke off ({type(error).__name__}).", uncertain=writing) from None


def _private_key(text: str, passphrase: str | None) -> Any:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), passphrase)
        except (paramiko.SSHException, ValueError):
            continue
    raise AuthError(
        "The private key cannot be read.", remedy="Write it as ssh-keygen does; password is its passphrase."
    )


def _public_key(kind: str, text: str) -> Any:
    try:
        return paramiko.PKey.from_type_string(kind, b64decode(text))
    except (paramiko.SSHException, ValueError, paramiko.UnknownKeyType):
        raise ConfigError("host_key is no public key.", remedy="Write it as ssh-keyscan does.") from None
