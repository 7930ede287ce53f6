"""Messages published at an MQTT broker."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import aiomqtt

from sightline.service.alerts.addresses import Reachable
from sightline.service.alerts.targets import DeliveryError, Message
from sightline.service.config.alerts import Mqtt

__all__ = ["MqttTarget"]


class MqttTarget:
    """One topic at a broker; messages go out with QoS 1 and have arrived when acknowledged.

    The connection stays open between messages. With TLS the certificate has to be valid for the
    broker's name; additional authorities come from `SSL_CERT_FILE`.

    Args:
        mqtt: Broker, topic and credentials.
        reachable: Which addresses the broker may have.
        timeout: Seconds that an attempt may take.
    """

    def __init__(self, mqtt: Mqtt, reachable: Reachable, timeout: float = 10.0) -> None:
        self._mqtt = mqtt
        self._reachable = reachable
        self._timeout = timeout
        self._client: aiomqtt.Client | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, message: Message) -> None:
        """Publish a message.

        Raises:
            DeliveryError: No broker, no acknowledgement within the time, or a refusal.
        """
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._timeout):
                    await self._publish(message)
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                await self._drop()
                raise DeliveryError(_reason(error, self._timeout)) from None
            except BaseException:
                await self._drop()
                raise

    async def close(self) -> None:
        """Disconnect."""
        async with self._one_at_a_time:
            await self._drop()

    async def _publish(self, message: Message) -> None:
        if self._client is not None:
            try:
                await self._client.publish(self._mqtt.topic, message.body, qos=1)
            except aiomqtt.MqttError:
                # The broker may have gone while there was nothing to send.
                await self._drop()
            else:
                return
        self._client = await self._connect()
        await self._client.publish(self._mqtt.topic, message.body, qos=1)

    async def _connect(self) -> aiomqtt.Client:
        mqtt = self._mqtt
        address = await self._reachable.resolve(mqtt.host, mqtt.port)
        client = aiomqtt.Client(
            # With TLS the certificate ties the connection to the name instead.
            mqtt.host if mqtt.tls else address,
            mqtt.port,
            username=mqtt.username,
            password=None if mqtt.password is None else mqtt.password.get_secret_value(),
            timeout=self._timeout,
            tls_context=ssl.create_default_context() if mqtt.tls else None,
        )
        return await client.__aenter__()

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(1):
                    await client.__aexit__(None, None, None)


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no acknowledgement within {timeout:g} s"
    return f"{type(error).__name__}: {error}"
