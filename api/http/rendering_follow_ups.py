"""Follow-ups as the JSON of the contract: ids and codes, no personal data."""

from __future__ import annotations

from api.http.rendering import Json, optional_instant
from application.disclosing.follow_up_story import FollowUpStory
from domain.values import instant_text, public_id


def follow_up_json(story: FollowUpStory) -> Json:
    """A follow-up as it stands."""
    it, state, first = story.state.ordered, story.state, story.first
    return {
        "id": public_id("follow_up", it.follow_up),
        "event_id": public_id("event", story.events[-1].event_id),
        "at": instant_text(first.occurred_at),
        "cause_event_id": first.cause and public_id("event", first.cause),
        "about": it.about,
        "disclosure_id": public_id("disclosure", it.disclosure),
        "recipient_id": public_id("recipient", it.recipient),
        "subject_id": public_id("subject", it.subject),
        "purpose": it.purpose,
        "fields": list(it.fields),
        "consent_id": it.consent and public_id("consent", it.consent),
        "channel": it.channel,
        "outcome": state.outcome,
        "attempts": state.attempts,
        "retry_at": optional_instant(state.retry_at),
        "acknowledgements": [
            {
                "event_id": public_id("event", one.event_id),
                "at": instant_text(one.occurred_at),
                "outcome": one.decision.outcome,
                "signature": one.decision.signature,
                "verified": one.decision.verified,
            }
            for one in story.replies
        ],
    }
