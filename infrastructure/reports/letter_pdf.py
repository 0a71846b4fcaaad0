"""The port `LetterPress`: letters as PDF/A, by typst; the same letter makes the same bytes."""

from __future__ import annotations

from application.requests.letters import Letter
from domain.values import public_id
from infrastructure.reports.as_pdf import shown, typeset


class TypstLetters:
    """See the port."""

    def pdf(self, letter: Letter) -> bytes:
        """See the port."""
        at = letter.at
        return typeset(
            "letter.typ",
            {
                "title": shown(letter.title),
                "date": [at.year, at.month, at.day, at.hour, at.minute, at.second],
                "request": public_id("privacy_request", letter.request),
                "paragraphs": [shown(one) for one in letter.paragraphs],
            },
        )
