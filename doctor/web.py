"""The web pages: whether their port is to be had, and whether browsers can call from where they are told to come."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import socket
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from config import Settings
from doctor.finding import Finding, failure, ok, warning

ASK_S: Final = 2.0
STATUSES: Final = ("healthy", "degraded", "draining")
"""What Parley says of itself at ``/health``."""


def web_pages(settings: Settings) -> Finding:
    """Whether Parley can serve them, or does."""
    if not settings.http_port:
        return ok("There are no web pages: HTTP_PORT is 0.")
    host, port = settings.http_host, settings.http_port
    try:
        _bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _is_parley(host, port):
            return _of_address(settings, f"Parley serves its web pages at {host}, port {port}.")
        why = os.strerror(error.errno) if error.errno else str(error)
        told = f"Nothing can be served at {host}, port {port} ({why})."
        missing = failure if "http_port" in settings.model_fields_set else warning
        return missing(told, "Set HTTP_PORT to another port, or to 0: without it there are no web pages and no HTTP API.")
    return _of_address(settings, f"Port {port} of {host} is free for the web pages.")


def _of_address(settings: Settings, told: str) -> Finding:
    url = urlsplit(settings.api_base_url or "")
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        return warning(
            f"{told} But API_BASE_URL is {settings.api_base_url}: browsers give the microphone to https pages only.",
            "Put a proxy with a certificate in front, and set API_BASE_URL to its https address.",
        )
    return ok(told)


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)


def _is_parley(host: str, port: int) -> bool:
    """Whether what answers there tells how it is as Parley does."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    with closing(HTTPConnection(reached, port, timeout=ASK_S)) as connection:
        try:
            connection.request("GET", "/health")
            told = json.loads(connection.getresponse().read(4096))
        except (OSError, HTTPException, ValueError):
            return False
    return isinstance(told, dict) and told.get("status") in STATUSES


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
