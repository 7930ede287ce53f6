from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import SourceError
from sightline.service.access.policy import AddressPolicy
from sightline.service.errors import RefusedError

EVERYWHERE = ("0.0.0.0/0", "::/0")
SPECIAL = [
    "0.0.0.0",  # unspecified: means this machine to Linux
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # metadata of most clouds
    "169.254.1.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.5",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:1:2::80ff:fffe",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "ff02::1",
]
METADATA = ipaddress.ip_network("169.254.0.0/16")


def policy(*networks: str, **names: list[str]) -> AddressPolicy:
    hosts = {name.replace("_", "."): addresses for name, addresses in names.items()}

    def look_up(host: str, port: int) -> list[str]:
        if host in hosts:
            return hosts[host]
        ipaddress.ip_address(host)
        return [host]

    return AddressPolicy(networks, look_up)


def refused(rules: AddressPolicy, source: str) -> bool:
    try:
        rules.check(source)
    except RefusedError:
        return True
    return False


def test_nothing_is_allowed_until_a_network_is_named() -> None:
    with pytest.raises(RefusedError) as caught:
        policy().check("rtsp://10.0.0.5/live")
    assert caught.value.code == "stream_refused"
    assert not refused(policy("10.0.0.0/8"), "rtsp://10.0.0.5/live")


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_is_not_allowed_by_allowing_everything(address: str) -> None:
    assert not policy(*EVERYWHERE).allows(address)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.1/32"),
        ("127.0.0.9", "127.0.0.0/8"),
        ("169.254.169.254", "169.254.169.254/32"),
        ("::1", "::1/128"),
        ("fe80::1%eth0", "fe80::/10"),
        ("224.0.0.1", "224.0.0.0/24"),
    ],
)
def test_a_special_address_is_allowed_if_it_is_named(address: str, network: str) -> None:
    assert policy(network).allows(address)
    assert policy(network, *EVERYWHERE).allows(address)


def test_a_mapped_address_needs_its_own_range_and_what_it_stands_for() -> None:
    assert not policy("::ffff:0:0/96").allows("::ffff:127.0.0.1")
    assert not policy("::ffff:0:0/96", "10.0.0.0/8").allows("::ffff:127.0.0.1")
    assert policy("::ffff:0:0/96", "10.0.0.0/8").allows("::ffff:10.0.0.5")


@given(st.ip_addresses())
def test_only_addresses_of_a_named_network_are_allowed(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    named = ("10.0.0.0/8", "2001:db8::/32")
    inside = any(address in ipaddress.ip_network(network) for network in named)
    assert policy(*named).allows(str(address)) == inside


@given(st.ip_addresses(network="169.254.0.0/16"), st.sampled_from([0, 1, 4, 8, 12, 15]))
def test_no_network_that_is_wider_than_a_special_range_names_it(
    address: ipaddress.IPv4Address, prefix: int
) -> None:
    wider = ipaddress.ip_network((int(address), prefix), strict=False)
    assert address in wider
    assert not policy(str(wider)).allows(str(address))
    narrow = ipaddress.ip_network((int(address), prefix + 16), strict=False)
    assert policy(str(narrow)).allows(str(address))


@given(st.ip_addresses(v=4))
def test_no_ipv6_form_of_an_ipv4_address_passes_by_allowing_everything(
    address: ipaddress.IPv4Address,
) -> None:
    rules, value = policy(*EVERYWHERE), int(address)
    for form in (
        0xFFFF << 32 | value,
        0xFFFF << 48 | value,
        0x64FF9B << 96 | value,
        0x2002 << 112 | value << 80,
        0x20010000 << 96 | value ^ 0xFFFFFFFF,
    ):
        assert not rules.allows(str(ipaddress.IPv6Address(form)))


def test_every_address_of_a_name_has_to_be_allowed() -> None:
    rules = policy("10.0.0.0/8", both_test=["10.0.0.5", "127.0.0.1"], good_test=["10.0.0.5"])
    assert refused(rules, "http://both.test/video")
    assert rules.check("http://good.test/video").address == "10.0.0.5"


def test_the_checked_address_is_the_one_to_connect_to() -> None:
    changing = iter((["10.0.0.5"], ["127.0.0.1"]))
    rules = AddressPolicy(("10.0.0.0/8",), lambda host, port: next(changing))
    pinned = rules.check("rtsp://moving.test/live")
    assert (pinned.host, pinned.port, pinned.address) == ("moving.test", 554, "10.0.0.5")
    with pytest.raises(RefusedError):
        rules.check("rtsp://moving.test/live")


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0", "localhost", "LOCALHOST."]
)
def test_odd_spellings_of_loopback_are_looked_up_and_refused(host: str) -> None:
    with pytest.raises((RefusedError, SourceError)):
        AddressPolicy(EVERYWHERE).check(f"http://{host}/video")


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "webcam:0",
        "clip.mp4",
        "ftp://10.0.0.5/a.mp4",
        "udp://10.0.0.5:5000",
        "concat:http://10.0.0.5/a|http://10.0.0.5/b",
        "subfile,,start,0,end,0,,:http://10.0.0.5/a",
        "http:///video",
    ],
)
def test_only_four_protocols_are_taken(source: str) -> None:
    assert refused(policy("10.0.0.0/8"), source)


def test_a_name_that_is_not_known_is_no_refusal() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(SourceError) as caught:
        AddressPolicy(EVERYWHERE, unknown).check("rtsp://typo.test/live")
    assert caught.value.code == "stream_not_found"


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_a_password_in_the_source_is_never_repeated(scheme: str) -> None:
    with pytest.raises(RefusedError) as caught:
        policy("10.0.0.0/8").check(f"{scheme}://admin:s3cret@192.168.0.9/live")
    assert "s3cret" not in str(caught.value)
