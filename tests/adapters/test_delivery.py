"""What leaves over the network, and what does not: addresses, names, redirects, slow answers, forged tickets."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest

from application.disclosing.conditions import Sent
from application.disclosing.tickets import DisclosureTicket, Parcel, TicketOffice
from domain.errors import DisclosureRefused
from infrastructure.delivery.addresses import DENIED, Unresolved, is_public, lookup, resolve
from infrastructure.delivery.https_sender import HttpsSender, default_context
from infrastructure.twin.memory import SettableClock
from tests.crm import KEY, Crm, authority, drips, hangs_up, keeps_silent, listening, says

NAME = "crm.example.test"
SECONDS = 60.0
SOON = 1.5  # for a machine that stands still at times: by then the request is there, and no answer
AT_ONCE_SECONDS = 20.0  # what is not cut takes longer


@pytest.fixture
def office() -> TicketOffice:
    return TicketOffice(lambda _: None)


@pytest.fixture
def crm() -> Iterator[Crm]:
    with listening(name=NAME) as running:
        yield running


def sender(office: TicketOffice, **more: object) -> HttpsSender:
    """One that may send here, and knows a single name."""
    made = HttpsSender(
        office, SettableClock(), default_context(), allow_private=True, resolver=here
    )
    return replace(made, **more)  # type: ignore[arg-type]


def here(host: str, port: int) -> Sequence[str]:
    """The resolver of a test: our name is this machine."""
    if host == NAME:
        return ["127.0.0.1"]
    return lookup(host, port)


def sent(by: HttpsSender, url: str, seconds: float = SECONDS) -> Sent:
    """Send something there."""
    parcel = Parcel(UUID(int=1), "dis_1", UUID(int=2), url, KEY, b'{"name":"Ada"}')
    return by.send(by.office.issue(parcel), seconds)


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *(str(network[0]) for network in DENIED),
        *(str(network[-1]) for network in DENIED),
        "169.254.169.254",  # where clouds keep their secrets
        "100.100.100.200",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:7f00:1::f7f7:f7f7",  # Teredo by a server at 127.0.0.1
        "2001:0:808:808::80ff:fffe",  # Teredo of a client at 127.0.0.1
        "fe80::1%eth0",
        "fd00::1",
        "4000::1",  # not given to anyone
        "localhost",
        "",
        "0x7f000001",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_public_addresses_are_not(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://e.test:99999/",
    ],
)
def test_nothing_is_sent_to_them_however_they_are_written(office: TicketOffice, url: str):
    assert sent(sender(office, allow_private=False), url) == Sent("address_refused")


def test_one_private_address_among_public_ones_spoils_the_name(office: TicketOffice):
    for addresses in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]):
        for allowed in (True, False):
            by = sender(office, allow_private=allowed, resolver=lambda *_, it=addresses: it)
            assert sent(by, "https://both.test/") == Sent("address_refused")


def test_plain_http_goes_to_private_addresses_alone(office: TicketOffice, crm: Crm):
    assert sent(sender(office), crm.url) == Sent(status=200)
    public = sender(office, resolver=lambda *_: ["8.8.8.8"])
    assert sent(public, "http://public.test/") == Sent("address_refused")
    assert sent(sender(office, allow_private=False), crm.url) == Sent("address_refused")


class Rebinding:
    """A name that is harmless when it is asked for the first time, and this machine from then on."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return ["192.0.2.1" if self.asked == 1 else "127.0.0.1"]


def test_a_name_is_asked_for_once_and_the_answer_is_what_is_connected_to(
    office: TicketOffice, crm: Crm, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("infrastructure.delivery.https_sender.is_public", lambda _: True)
    rebinding = Rebinding()
    by = sender(office, resolver=rebinding, allow_private=False)
    done = sent(by, crm.url.replace("http:", "https:"), SOON)
    # 192.0.2.1 is nowhere: whoever asked a second time would have reached this machine.
    assert done.reason in ("timeout", "unreachable")
    assert rebinding.asked == 1
    assert crm.taken == []


def test_a_resolver_that_is_late_is_not_waited_for(office: TicketOffice):
    never = threading.Event()

    def late(host: str, port: int) -> Sequence[str]:
        never.wait(SECONDS)
        return ["127.0.0.1"]

    begun = monotonic()
    try:
        assert sent(sender(office, resolver=late), "https://late.test/", 0.2) == Sent("unreachable")
        assert monotonic() - begun < AT_ONCE_SECONDS
    finally:
        never.set()


def test_a_name_without_an_address_is_unreachable(office: TicketOffice):
    assert sent(sender(office), "https://nowhere.invalid/") == Sent("unreachable")
    with pytest.raises(Unresolved):
        resolve(lambda *_: [], "empty.test", 443, 1.0)
    with pytest.raises(Unresolved):
        lookup("a" * 64 + ".test", 443)


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_a_delivery_is_one_signed_post(office: TicketOffice, crm: Crm):
    assert sent(sender(office), crm.url + "?a=b") == Sent(status=200)
    (taken,) = crm.taken
    assert taken.path == "/inbox?a=b"
    assert taken.json == {"name": "Ada"}
    assert taken.headers["host"] == f"{NAME}:{crm.port}"
    assert taken.headers["webhook-id"] == "dis_1"
    assert taken.is_signed()
    assert not taken.is_signed(b"another secret")


def test_the_environment_s_proxy_is_not_asked(
    office: TicketOffice, crm: Crm, monkeypatch: pytest.MonkeyPatch
):
    with listening() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert sent(sender(office), crm.url) == Sent(status=200)
        assert proxy.taken == []


def test_a_redirect_is_not_followed(office: TicketOffice, crm: Crm):
    with listening() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            crm.answers = [says(status, location=elsewhere.url)]
            assert sent(sender(office), crm.url) == Sent("redirect", status, "unknown")
        assert elsewhere.taken == []


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_says_yes_has_it(office: TicketOffice, crm: Crm, status: int):
    crm.answers = [says(status, b"")]
    assert sent(sender(office), crm.url) == Sent(status=status)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_what_says_no_may_have_it_all_the_same(office: TicketOffice, crm: Crm, status: int):
    crm.answers = [says(status)]
    assert sent(sender(office), crm.url) == Sent("status", status, "unknown")


@pytest.mark.parametrize("answer", [keeps_silent, drips])
def test_a_slow_answer_is_cut_at_the_deadline(
    office: TicketOffice, crm: Crm, answer: Callable[..., None]
):
    crm.answers = [answer]
    begun = monotonic()
    assert sent(sender(office), crm.url, SOON) == Sent("timeout", shared="unknown")
    assert SOON * 0.9 <= monotonic() - begun < SOON + AT_ONCE_SECONDS


def test_an_answer_without_end_is_not_read_to_its_end(office: TicketOffice, crm: Crm):
    crm.answers = [says(200, b"a" * 10_000_000)]
    assert sent(sender(office), crm.url) == Sent(status=200)


def test_who_hangs_up_may_have_it(office: TicketOffice, crm: Crm):
    crm.answers = [hangs_up]
    assert sent(sender(office), crm.url) == Sent("unreachable", shared="unknown")


def test_nobody_there_has_nothing(office: TicketOffice, crm: Crm):
    with listening() as gone:
        pass
    assert sent(sender(office), gone.url) == Sent("unreachable")


# --- TLS -------------------------------------------------------------------------------------------------------------


def trusting(roots: Path) -> ssl.SSLContext:
    context = default_context()
    context.load_verify_locations(roots)
    return context


def test_tls_is_asked_for_by_name(office: TicketOffice, tmp_path: Path):
    ca = authority(tmp_path)
    by = sender(office, context=trusting(ca.roots))
    with listening(ca.serving(NAME), NAME) as named:
        assert sent(by, named.url) == Sent(status=200)
        assert named.taken[0].is_signed()
        unknown = sender(office)
        assert sent(unknown, named.url) == Sent("tls")
    with listening(ca.serving("other.example.test"), NAME) as other:
        assert sent(by, other.url) == Sent("tls")
        assert other.taken == []


def test_a_handshake_that_never_ends_is_cut(office: TicketOffice, crm: Crm, tmp_path: Path):
    """The other end talks plain HTTP, and waits for more."""
    done = sent(sender(office), crm.url.replace("http:", "https:"), SOON)
    assert done in (Sent("timeout"), Sent("tls"), Sent("unreachable"))
    assert crm.taken == []


def test_no_key_of_a_session_is_written_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert default_context().keylog_filename is None


# --- tickets ---------------------------------------------------------------------------------------------------------


def test_without_a_ticket_nothing_is_sent(crm: Crm):
    told: list[Parcel] = []
    office = TicketOffice(told.append)
    parcel = Parcel(UUID(int=1), "dis_1", UUID(int=2), crm.url, KEY, b"{}")
    for forged in (DisclosureTicket(parcel), TicketOffice(told.append).issue(parcel)):
        with pytest.raises(DisclosureRefused):
            sender(office).send(forged, SECONDS)
    assert told == [parcel, parcel]
    assert crm.taken == []
