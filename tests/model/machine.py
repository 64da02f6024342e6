"""The machine: people act, the engine's steps run in any order, things break, time passes; and then it is quiet."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from landbridge.store.decisions import Decision
from landbridge.sync import guard, merge, plan, read, write
from tests.model import clock, hub_checks
from tests.model.expected import Expected
from tests.model.faults import FAULTS, OUTAGES
from tests.model.judge import Judge
from tests.model.people import ACTS, AUDIENCE, STAFF, TALK, People, tidy
from tests.model.staff import pick
from tests.model.systems import SORTS
from tests.model.words import number_of
from tests.model.world import World

Step = tuple[str, dict[str, Any]]
_P = ParamSpec("_P")
SMALL = st.integers(0, 7)
ANY_ACT = st.sampled_from(sorted(ACTS))
FLOWS = ("people", "news", "talk")
MOMENT = st.integers(0, 25)
# Nobody knows afterwards what became of the write.
UNCERTAIN = ("answer lost", "crash after send", "nobody knows")
SYSTEMS = ("hr", "chat", "cms", "desk")
ANY_FLOW = st.sampled_from(FLOWS)
STREAMS = (
    "hr/people", "chat/people", "chat/rooms", "chat/memberships", "chat/messages", "cms/people", "cms/posts",
    "cms/comments", "desk/people", "desk/rooms", "desk/messages",
)  # fmt: skip
TIMES = {"a moment": {"minutes": 10}, "a working day": {"hours": 8}, "two days": {"days": 2}, "a month": {"days": 31}}
# What all machines of this process have done, and the steps of the one that failed last.
DONE: Counter[str] = Counter()
FAILED: list[Step] = []


def step(act: Callable[Concatenate[Machine, _P], None]) -> Callable[Concatenate[Machine, _P], None]:
    """Notes it, so that it can be played again, and looks afterwards whether all is well."""

    @functools.wraps(act)
    def noted(self: Machine, *args: _P.args, **values: _P.kwargs) -> None:
        self.steps.append((act.__name__, dict(values)))
        DONE[act.__name__] += 1
        self.busy += 1
        self.well = False
        act(self, *args, **values)
        self.check()
        self.well = True

    return noted


class Machine(RuleBasedStateMachine):
    """`new_hub` gives the URL of a fresh, migrated hub."""

    def __init__(self, new_hub: Callable[[], str]) -> None:
        super().__init__()
        self._new_hub = new_hub
        self._join("finds")
        # Batches that some process has planned and not written yet, by flow.
        self.batches: list[tuple[str, dict[str, Any]]] = []
        self.planned: list[tuple[str, dict[str, Any]]] = []
        self.answers = 0
        self.steps: list[Step] = []
        # Steps since it was last quiet, and whether the last one ended well.
        self.busy, self.well = 0, True

    def _join(self, chat: str) -> None:
        """The company anew, with a chat of this sort."""
        self.chat = chat
        self.world = World(self._new_hub(), chat=chat)
        self.people = People(self.world.systems)
        self.expected = Expected(self.people)
        self.world.judge = judge = Judge(self.people, self.world.hub)
        self.world.replaced = judge.replaced
        self.world.refused = self.people.refused

    @initialize(b=SMALL, tidies=st.booleans(), chat=st.sampled_from(sorted(SORTS)))
    @step
    def begin(self, b: int, tidies: bool = False, chat: str = "finds") -> None:
        if chat != self.chat:
            self.world.close()
            self._join(chat)
        if tidies:
            self.people.chat.normalise = self.people.cms.normalise = tidy
            self.people.desk.normalise = partial(tidy, texts="messages")
        self.people.act("post", 0, b)
        self.people.act("ask", 0, b)
        for flow in FLOWS:
            self.world.run(flow)

    @rule(acts=st.lists(st.tuples(ANY_ACT, SMALL, SMALL), min_size=1, max_size=6), then=st.sampled_from(("", *FLOWS)))
    def a_while(self, acts: list[tuple[str, int, int]], then: str) -> None:
        self.people_do(acts=acts)
        if then:
            self.run(flow=then)

    @step
    def people_do(self, acts: list[tuple[str, int, int]]) -> None:
        for act, a, b in acts:
            DONE[f"act: {act}"] += 1
            self.people.act(act, a, b)

    @rule(name=st.sampled_from(("run", "run", "run", "read", "read", "merge", "plan", "write")), data=st.data())
    def engine(self, name: str, data: st.DataObject) -> None:
        """Whole runs, and steps in any order: there may be several workers."""
        if name == "read":
            self.read(stream=data.draw(st.sampled_from(STREAMS)), full=data.draw(st.booleans()))
        elif name == "write":
            self.write(a=data.draw(SMALL))
        else:
            getattr(self, name)(flow=data.draw(ANY_FLOW))

    @rule(name=st.sampled_from(("will_break", "will_break", "meanwhile", "beside", "outage")), data=st.data())
    def trouble(self, name: str, data: st.DataObject) -> None:
        if name == "will_break":
            self.will_break(fault=data.draw(st.sampled_from(sorted(FAULTS))), nth=data.draw(st.integers(0, 12)))
        elif name == "meanwhile":
            self.meanwhile(act=data.draw(ANY_ACT), a=data.draw(SMALL), b=data.draw(SMALL), nth=data.draw(MOMENT))
        elif name == "beside":
            self.beside(flow=data.draw(ANY_FLOW), nth=data.draw(MOMENT))
        else:
            self.outage(system=data.draw(st.sampled_from(SYSTEMS)), sort=data.draw(st.sampled_from(sorted(OUTAGES))))

    @rule(
        acts=st.lists(st.tuples(st.sampled_from(TALK), SMALL, SMALL), min_size=2, max_size=5), flow=ANY_FLOW,
        fault=st.sampled_from(UNCERTAIN), nth=st.integers(0, 3), again=st.sampled_from(("write", "run")),
    )  # fmt: skip
    def task_tried_again(self, acts: list[tuple[str, int, int]], flow: str, fault: str, nth: int, again: str) -> None:
        """As a scheduler does it: the write alone, nothing being read before; or the whole."""
        self.people_do(acts=acts)
        for stream in sorted(set(self.world.company.flow(flow).sources) & set(STREAMS)):
            self.read(stream=stream, full=False)
        self.merge(flow=flow)
        self.plan(flow=flow)
        self.will_break(fault=fault, nth=nth)
        self.write_all()
        if again == "run":
            self.run(flow=flow)
        else:
            self.write_all()

    @rule(acts=st.lists(st.tuples(st.sampled_from(AUDIENCE), SMALL, SMALL), min_size=1, max_size=2), a=SMALL, b=SMALL)
    def seen_by_others(self, acts: list[tuple[str, int, int]], a: int, b: int) -> None:
        """Who may see something changes, and then there is more to be seen."""
        flow, said = (("news", ("comment", "reply", "post")), ("talk", ("ask", "answer", "answer")))[b % 2]
        self.people_do(acts=acts)
        self.run(flow=flow)
        self.people_do(acts=[(act, a + nth, b + nth) for nth, act in enumerate(said)])
        self.run(flow=flow)

    @rule(much=st.sampled_from(sorted(TIMES)), a=SMALL)
    def later(self, much: str, a: int) -> None:
        self.time_passes(much=much)
        if self.world.asked():
            self.decide(a=a)

    @precondition(lambda self: self.busy >= 10)
    @rule(acts=st.lists(st.tuples(st.sampled_from(STAFF), SMALL, SMALL), min_size=1, max_size=3), nth=SMALL)
    def a_month_later(self, acts: list[tuple[str, int, int]], nth: int) -> None:
        """Who has left is deleted by then, if not back."""
        self.people_do(acts=acts)
        self.rest()
        self.people_do(acts=[("come_back", nth, 0)] if nth % 2 else [])
        self.time_passes(much="a month")
        self.rest()

    # --- the engine --------------------------------------------------------------------------------------------

    @step
    def run(self, flow: str) -> None:
        self.world.run(flow)

    @step
    def read(self, stream: str, full: bool) -> None:
        system, _, name = stream.partition("/")
        self.world.step(lambda bridge: read(bridge, system, name, full=full))

    @step
    def merge(self, flow: str) -> None:
        self.world.step(lambda bridge: merge(bridge, flow))

    @step
    def plan(self, flow: str) -> None:
        planned = self.world.step(lambda bridge: plan(bridge, flow))
        if planned is not None:
            guarded = self.world.step(lambda bridge: guard(bridge, flow, planned.run))
            self.planned = [(flow, batch) for batch in guarded.free] if guarded else []
            self.batches += self.planned

    @step
    def write(self, a: int) -> None:
        """A batch that was planned at any time before, perhaps written by another since."""
        if found := pick(self.batches, a):
            self.world.step(lambda bridge: write(bridge, *found))

    @step
    def write_all(self) -> None:
        """What was planned last, each batch in a process of its own."""
        for flow, batch in self.planned:
            self.world.step(partial(write, flow=flow, batch=batch))

    # --- what comes between ------------------------------------------------------------------------------------

    @step
    def will_break(self, fault: str, nth: int) -> None:
        self.world.faults.arm(fault, nth)

    @step
    def meanwhile(self, act: str, a: int, b: int, nth: int) -> None:
        """Someone acts while the engine is at it."""
        self.world.faults.arm("meanwhile someone", nth, partial(self.people.act, act, a, b))

    @step
    def beside(self, flow: str, nth: int) -> None:
        """Another process runs the whole flow between two moments of this one."""
        self.world.faults.arm("a run beside", nth, partial(self.world.run, flow))

    @step
    def outage(self, system: str, sort: str) -> None:
        """For the next two steps."""
        self.world.outage(system, sort)

    @step
    def time_passes(self, much: str) -> None:
        clock.passes(**TIMES[much])

    @step
    def decide(self, a: int) -> None:
        """People answer what they are asked, now this way and now that."""
        self.answers = a
        self.world.answer(self._answer)

    @precondition(lambda self: self.busy >= 20)
    @rule()
    @step
    def rest(self) -> None:
        """Now and then in between; a machine always ends with it."""
        self.quiet()

    # --- what must hold ----------------------------------------------------------------------------------------

    def quiet(self) -> None:
        self.check()
        with self.world.hub.read() as conn:
            assert not (mistakes := list(hub_checks.mistakes(conn))), mistakes
        self.batches.clear()
        self.planned.clear()
        self.busy = 0
        self.world.quiet(self._answer)
        self.check()
        with self.world.hub.read() as conn:
            found = [*self.expected.complaints(), *hub_checks.complaints(conn)]
        assert not found, "\n".join(found)
        self.expected.rested()

    def check(self) -> None:
        assert not self.world.violations, "\n".join(self.world.violations)

    def teardown(self) -> None:
        try:
            if self.well:
                self.well = False
                self.quiet()
                self.well = True
        finally:
            if not self.well:
                FAILED[:] = self.steps
            DONE.update(self.world.faults.happened)
            self.world.close()

    def _answer(self, decision: Decision) -> str:
        """What a person says to it; a question that nobody expects is a mistake."""
        if decision.kind == "conflict":
            texts = [str(value) for value in decision.details["values"].values()]
            number = next((found for text in texts if (found := number_of(text))), None)
            if decision.details["field"] not in (
                "visibility",
                "guests_present",
            ):  # else a room's, which is one in two systems
                assert number or texts[0].startswith("t"), f"Nobody expects to be asked: {decision.question}"
                self.expected.disputed.add(f"w{number}" if number else texts[0].partition("v")[0])
            chosen: str = decision.options[self.answers % len(decision.options)]
            return chosen
        if decision.kind == "match" and "been given to a new person" in decision.question:
            return "new"
        assert decision.kind == "brake", f"Nobody expects to be asked: {decision.question}"
        return "approve"
