"""The library's own tests of a recorder, green against ours.

They run with an in-line sequencer and a home tenant, since they expect notification ids at once and know no tenants.
Left out, and why:
* `TrackingRecorderTestCase`, `ProcessRecorderTestCase`: our followers keep their checkpoint in `read_model`; we have no
  such recorders.
* `InfrastructureFactoryTestCase`, `TranscoderTestCase`: we build no recorder from environment strings and use no
  transcoder; the mapper has tests of its own.
* `NonInterleavingNotificationIDsBaseCase` asks that the ids of one insert are consecutive, which the sequencer does
  not promise: rows of side-by-side appends interleave in the queue. What followers need instead is tested in
  `test_following.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder
from eventsourcing.tests.persistence import AggregateRecorderTestCase, ApplicationRecorderTestCase

from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer


class TestLibraryContract(ApplicationRecorderTestCase):
    @pytest.fixture(autouse=True)
    def _recorder(self, own_deployment: Deployment) -> Iterator[None]:
        app = Database(own_deployment.dsn_of("app"), size=16)
        order = Database(own_deployment.dsn_of("sequencer"), size=16, walled=False)
        home: UUID = uuid4()
        sequencer = Sequencer(order, SystemClock())
        self.recorder = SequencedRecorder(app, home=home, sequence_now=sequencer.sequence_now)
        yield
        app.close()
        order.close()

    def create_recorder(self) -> ApplicationRecorder:
        return self.recorder


class TestLibraryContractOfStreams(AggregateRecorderTestCase):
    @pytest.fixture(autouse=True)
    def _recorder(self, own_deployment: Deployment) -> Iterator[None]:
        app = Database(own_deployment.dsn_of("app"), size=4)
        self.recorder = SequencedRecorder(app, home=uuid4())
        yield
        app.close()

    def create_recorder(self) -> AggregateRecorder:
        return self.recorder


del AggregateRecorderTestCase, ApplicationRecorderTestCase  # or pytest would collect them as well
