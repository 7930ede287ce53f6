"""Messages posted to an address over HTTP, signed."""

from __future__ import annotations

import asyncio
import functools
import re
import ssl
from collections.abc import Callable

import httpx

from sightline.service.alerts.addresses import Reachable
from sightline.service.alerts.signature import HEADER, sign
from sightline.service.alerts.targets import DeliveryError, Message
from sightline.service.config.alerts import Webhook

__all__ = ["WebhookTarget"]

_MOST_WAIT = 3600.0


class WebhookTarget:
    """One address that takes messages as POST requests.

    Every status of 2xx means that the message arrived. No redirect is followed, and nothing of an
    answer is read but its status and head, so that it can neither grow nor leak anything. Proxies
    of the environment are not used; additional certificate authorities come from `SSL_CERT_FILE`.

    Args:
        webhook: The address and the secret.
        reachable: Which addresses it may have.
        now: UNIX seconds, for the signature.
        timeout: Seconds that a whole attempt may take.
    """

    def __init__(
        self,
        webhook: Webhook,
        reachable: Reachable,
        now: Callable[[], float],
        timeout: float = 10.0,
    ) -> None:
        self._address = webhook.url.get_secret_value()
        self._secret = webhook.secret.get_secret_value()
        self._reachable = reachable
        self._now = now
        self._timeout = timeout

    async def send(self, message: Message) -> None:
        """Post a message.

        Raises:
            DeliveryError: No answer within the time, or one other than 2xx.
        """
        try:
            async with asyncio.timeout(self._timeout):
                await self._post(message)
        except TimeoutError:
            raise DeliveryError(f"no answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from None

    async def close(self) -> None:
        """Nothing stays open between messages."""

    async def _post(self, message: Message) -> None:
        url = httpx.URL(self._address)
        host, port = url.host, url.port or _default_port(url)
        address = await self._reachable.resolve(host, port)
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": "Sightline",
            HEADER: sign(self._secret, message.body, int(self._now())),
            "Sightline-Delivery": message.id,
        }
        async with (
            httpx.AsyncClient(
                verify=_certificates(), trust_env=False, timeout=self._timeout
            ) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=message.body,
                headers=headers,
                extensions={"sni_hostname": host},
            ) as response,
        ):
            if not response.is_success:
                raise DeliveryError(_refusal(response), _retry_after(response))


@functools.cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _default_port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _refusal(response: httpx.Response) -> str:
    note = "; redirects are not followed" if response.is_redirect else ""
    return f"answered {response.status_code}{note}"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of `Retry-After`; its other form, a date, is as good as none."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), _MOST_WAIT) if re.fullmatch(r"\d{1,9}", text) else None
