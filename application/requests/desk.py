"""The desk at which people's requests are dealt with: all of its use cases."""

from __future__ import annotations

from dataclasses import dataclass

from application.requests.duties import Duties
from application.requests.ending import RequestEnding
from application.requests.letters import Letters
from application.requests.privacy_requests import PrivacyRequests
from application.requests.receiving import Reception


@dataclass(frozen=True, slots=True)
class RequestDesk:
    """Requests come in, are dealt with, written about, and end by themselves; and what is due."""

    reception: Reception
    requests: PrivacyRequests
    letters: Letters
    duties: Duties
    ending: RequestEnding
