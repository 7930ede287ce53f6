"""Addresses of stores, as people write them, for SQLAlchemy."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from sightline.errors import ConfigError

__all__ = ["StoreAddress", "parse_store"]

_FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
_TLS = ("disable", "require", "verify-ca", "verify-full")


class StoreAddress:
    """Where a store is.

    Attributes:
        url: For SQLAlchemy, with its driver.
        options: What the driver's `connect` is given besides.
        file: The file of SQLite, or None.
        name: How messages call it: the file, or the address without user and password.
    """

    def __init__(self, url: URL, options: dict[str, Any], file: Path | None) -> None:
        self.url = url
        self.options = options
        self.file = file
        self.name = str(file) if file is not None else f"{url.host or 'socket'}/{url.database}"


def parse_store(text: str) -> StoreAddress:
    """Read the address of a store.

    PostgreSQL's parameters `sslmode`, `sslrootcert` and `host=/FOLDER` (a Unix socket) mean what
    they mean to libpq.

    Raises:
        ConfigError: It is no address of SQLite or PostgreSQL; its password is not repeated.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(f"storage.url is no address; expected {_FORMS}") from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url)
    if backend == "postgresql":
        return _postgresql(url)
    raise ConfigError(f"storage.url begins with {url.drivername}://; expected {_FORMS}")


def _sqlite(url: URL) -> StoreAddress:
    if not url.database or url.database == ":memory:" or url.query:
        raise ConfigError("storage.url names no file; expected sqlite:///FILE")
    return StoreAddress(url.set(drivername="sqlite"), {}, Path(url.database))


def _postgresql(url: URL) -> StoreAddress:
    if not url.database:
        raise ConfigError(f"storage.url names no database; expected {_FORMS}")
    query = {name: value if isinstance(value, str) else value[-1]
             for name, value in url.query.items()}  # fmt: skip
    options: dict[str, Any] = {}
    folder = query.pop("host", None)
    if folder is not None:
        port = url.port or query.pop("port", 5432)
        options["unix_sock"] = f"{folder}/.s.PGSQL.{port}"
    context = _tls(query.pop("sslmode", None), query.pop("sslrootcert", None))
    if context is not None:
        options["ssl_context"] = context
    if query:
        raise ConfigError(
            f"storage.url has the parameter {next(iter(query))!r}; "
            "known are sslmode, sslrootcert, host, port"
        )
    bare = url.set(drivername="postgresql+pg8000", query={})
    return StoreAddress(bare, options, None)


def _tls(mode: str | None, authority: str | None) -> ssl.SSLContext | None:
    if mode not in (None, *_TLS):
        raise ConfigError(f"storage.url has sslmode={mode}; expected one of {', '.join(_TLS)}")
    if mode in (None, "disable"):
        return None
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise ConfigError(f"storage.url: sslrootcert {authority}: {error.strerror}") from error
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context
