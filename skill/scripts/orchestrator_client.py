"""The client of the orchestrator's REST API, which `orchestrator serve` and `orchestrator up` answer.

    from orchestrator_client import OrchestratorClient

    client = OrchestratorClient()  # $ORCHESTRATOR_URL, $ORCHESTRATOR_API_KEY
    answer = client.route(["A", "B"], {"query": "retry with backoff"})
    print(answer["instance"], answer["result"])

One file, standard library only, Python 3.9 or newer; threads may share a client. Durations are seconds, or text
with a unit: 10, "10s", "500ms", "5m". In answers, times are ISO 8601 and spans (names in Ms) milliseconds. What
fails raises an OrchestratorError; an argument that is no JSON raises what json.dumps does.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import socket
import time
import urllib.parse
import uuid
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Literal, Mapping, Optional
from typing import Sequence, Tuple, Type, TypedDict, Union, overload

if TYPE_CHECKING:
    from typing_extensions import NotRequired  # for type checkers alone: nothing needs to be installed

Json = Any
Duration = Union[int, float, str]
Selector = Union[str, Sequence[str]]  # "A", "A-H", ["A", "C"], "tag:search", "*"
Delivery = Literal["not_sent", "unknown", "accepted"]
Reply = Literal["none", "pending", "done", "failed", "cancelled"]


class Outcome(TypedDict):
    """What became of the task at one instance. `error`: code, message, action, retryable and more.

    A long result is left out: `resultChars` says how long it is, and `runs_get` reads it in pages.
    """

    instance: str
    reply: Reply
    delivery: NotRequired[Delivery]
    result: NotRequired[Json]
    resultChars: NotRequired[int]
    error: NotRequired[Dict[str, Json]]
    elapsedMs: NotRequired[float]


class RunAnswer(TypedDict):
    """The answer of one instance; a pending one has no `result`, and no `instance` before one is asked."""

    runId: str
    delivery: Delivery
    reply: Literal["done", "pending"]
    instance: str
    result: Json
    warnings: NotRequired[List[str]]


class RouteAnswer(RunAnswer):
    """`attempts`: instance, delivery, reply, startedAt and more of each. `explanation`: order, excluded."""

    attempts: List[Dict[str, Json]]
    explanation: Dict[str, Json]


class SendAnswer(RunAnswer):
    """`seq` is the message's place in the transcript, once it has had its turn."""

    sessionId: str
    seq: NotRequired[int]


class AggregateAnswer(TypedDict):
    """One value of the results of `sources`; who disagrees where, and who is missing and why.

    `consensus`: of majority and quorum. `by` (instance, runId), `verdict` (choice, instance, reason) and
    `pending`: of reduce and judge.
    """

    strategy: str
    value: Json
    sources: List[str]
    dissent: List[Dict[str, Json]]
    missing: List[Outcome]
    complete: bool
    extracted: NotRequired[List[str]]
    consensus: NotRequired[bool]
    by: NotRequired[Dict[str, str]]
    verdict: NotRequired[Dict[str, Json]]
    pending: NotRequired[bool]
    runId: NotRequired[str]
    runIds: NotRequired[List[str]]


class FanoutAnswer(TypedDict):
    """One outcome a target, in target order. `counts`: total, done, failed, pending, cancelled."""

    runId: str
    complete: bool
    timedOut: bool
    counts: Dict[str, int]
    outcomes: List[Outcome]
    aggregate: NotRequired[AggregateAnswer]
    aggregateError: NotRequired[Dict[str, Json]]
    warnings: NotRequired[List[str]]


class Step(TypedDict):
    """How far one step of a plan is. A long value is left out: `valueChars` says how long, `runs_get` reads it."""

    step: str
    state: Literal["waiting", "running", "done", "failed", "skipped", "cancelled"]
    runIds: List[str]
    startedAt: NotRequired[str]
    elapsedMs: NotRequired[float]
    items: NotRequired[Dict[str, int]]
    value: NotRequired[Json]
    valueChars: NotRequired[int]
    error: NotRequired[Dict[str, Json]]
    fellBackTo: NotRequired[str]


class PlanAnswer(TypedDict):
    """What a plan came to. `counts`: total, done, failed, skipped, cancelled, pending. `value`: of one that is done."""

    runId: str
    reply: Literal["done", "failed", "cancelled", "pending"]
    counts: Dict[str, int]
    steps: List[Step]
    value: NotRequired[Json]
    error: NotRequired[Dict[str, Json]]
    warnings: NotRequired[List[str]]


class Spawned(TypedDict):
    """The token opens this one session, in place of a key: it is a secret."""

    sessionId: str
    instance: str
    token: str


class Session(TypedDict):
    sessionId: str
    instance: str
    state: Literal["open", "closed"]
    messages: int
    onInstanceDown: Literal["fail", "migrate"]
    createdAt: str
    createdBy: str


class History(Session):
    """Of messages: seq, runId, instance, at, data, reply, result. Of moves: kind "moved", at, from, to."""

    transcript: List[Dict[str, Json]]
    next: NotRequired[int]
    remote: NotRequired[Dict[str, Json]]


class Run(TypedDict):
    runId: str
    operation: Literal["delegate", "fanout", "sessions_send", "orchestrate"]
    state: Literal["open", "ended"]
    createdAt: str
    createdBy: str
    counts: Dict[str, int]
    endedAt: NotRequired[str]
    sessionId: NotRequired[str]


class RunDetail(Run):
    outcomes: List[Outcome]
    attempts: List[Dict[str, Json]]
    explanation: Dict[str, Json]
    steps: NotRequired[List[Step]]  # of a plan, as are the next three
    reply: NotRequired[Literal["done", "failed", "cancelled"]]
    value: NotRequired[Json]
    error: NotRequired[Dict[str, Json]]
    warnings: NotRequired[List[str]]


class ResultPage(TypedDict):
    """A part of one result, as JSON text, or as it is where it is text."""

    runId: str
    instance: NotRequired[str]
    step: NotRequired[str]
    reply: Reply
    offset: int
    text: str
    totalChars: int
    nextOffset: NotRequired[int]


class Page(TypedDict):
    """Sessions or runs; with `next` as its `after`, the same call returns the next page."""

    items: List[Any]
    next: NotRequired[str]


class RunEvent(TypedDict):
    """`data` of an "outcome" is an Outcome, of a "step" a Step, with runId, ended and total; of the "end", a Run.
    "working" tells how far the answer of an instance is that streams it: `data["working"]` has `chars` or a `note`."""

    id: str
    event: str
    data: Dict[str, Json]


class OrchestratorError(Exception):
    """What happened (`code`, `message`), and what to do next (`action`).

    `status` is the HTTP status, 0 without an answer; `delivery` says whether the task can have reached the
    `instance`; `run_id` is what `runs_get` reads. `retryable` is true only if the identical call cannot
    cause a second execution; `retry_after` is how many seconds the server asks to wait before it.

    A call that makes a run has its key in `details["idempotencyKey"]`: with that, it is answered with its run.
    """

    codes: Tuple[str, ...] = ()

    def __init__(
        self, code: str, message: str, action: str = "", status: int = 0, instance: Optional[str] = None,
        run_id: Optional[str] = None, delivery: Optional[Delivery] = None, retryable: bool = False,
        details: Optional[Mapping[str, Json]] = None, retry_after: Optional[float] = None,
    ) -> None:
        facts = (code, message, action, status, instance, run_id, delivery, retryable, details, retry_after)
        super().__init__(*facts)  # all of them, for pickle
        self.code, self.message, self.action, self.status = code, message, action, status
        self.instance, self.run_id, self.delivery, self.retryable = instance, run_id, delivery, retryable
        self.details: Dict[str, Json] = dict(details or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.message} → {self.action}"


# fmt: off
class BadRequest(OrchestratorError): codes = ("bad_request", "payload_too_large")
class Unauthorized(OrchestratorError): codes = ("unauthorized",)
class Forbidden(OrchestratorError): codes = ("forbidden",)
class NotFound(OrchestratorError): codes = ("unknown_instance", "session_not_found", "run_not_found")
class Conflict(OrchestratorError): codes = ("conflict", "session_exists", "session_busy")
class InstanceDown(OrchestratorError): codes = ("instance_down", "draining")
class InstanceFailed(OrchestratorError): codes = ("instance_error", "instance_unauthorized", "interrupted")
class AggregateFailed(OrchestratorError): codes = ("aggregate_failed", "quorum_not_met")
class Cancelled(OrchestratorError): codes = ("cancelled",)
class Timeout(OrchestratorError): codes = ("timeout",)  # the deadline of the work
class Overloaded(OrchestratorError): codes = ("overloaded", "rate_limited", "store_unavailable")
class UnexpectedAnswer(OrchestratorError): codes = ("unexpected_answer",)  # of what is no orchestrator
# fmt: on


class ServerUnreachable(OrchestratorError):
    """No connection, or it broke: `delivery` says whether the call can have arrived."""

    codes = ("server_unreachable",)


class ServerSilent(ServerUnreachable):
    """No answer in time."""

    codes = ("server_silent",)


_KINDS = {code: kind for kind in OrchestratorError.__subclasses__() for code in kind.codes}
_OURS = {"self", "wait", "token", "once"}  # is not sent, or not as it is
_RETRIES = 3
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
_LONGEST_WAIT_S = 30.0  # of one request: many a proxy cuts a connection that is silent for longer
_SERVER_LONGEST_WAIT_S = 60.0
_SERVER_WAIT_S, _SERVER_TIMEOUT_S = 45.0, 600.0  # what the server takes where a call does not say
_GRACE_S = 15.0  # what cancelling a run at its instances may take, once its deadline has passed
_STEADY_S = 10.0  # a stream that lasted for so long was no failure


class OrchestratorClient:
    """Calls an orchestrator, with a connection for each request; it uses no proxies and follows no redirects.

    A call that is refused as `retryable` is made again, up to three times, unless the error belongs to a run:
    its retries are the orchestrator's. So is a GET, or a call with an idempotency key, whose connection broke.

    `route`, `fanout`, `orchestrate` and `sessions_send` make a run, under an idempotency key of their own unless one is given,
    and wait for its end: at most for `wait`, by default until a little after the work's `timeout` (10 minutes
    unless told otherwise). Then what is returned is pending, and the work goes on: see `wait` and
    `runs_events`. `wait=0` returns at once.
    """

    def __init__(
        self, url: Optional[str] = None, api_key: Optional[str] = None, timeout: float = 30.0
    ) -> None:
        """`timeout`: seconds that the server may be silent for, on top of what it was asked to wait.

        Raises ValueError for a URL or a key that cannot be one.
        """
        self.url = url or os.environ.get("ORCHESTRATOR_URL") or "http://127.0.0.1:7411"
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("The URL of the orchestrator is no plain http or https URL.")
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/") + "/api/orchestrator/"
        self._key = _credential(os.environ.get("ORCHESTRATOR_API_KEY", "") if api_key is None else api_key)
        self.timeout = timeout

    def route(
        self, instances: Optional[Selector] = None, payload: Json = None, *,
        timeout: Optional[Duration] = None, wait: Optional[Duration] = None, retries: Optional[int] = None,
        idempotent: Optional[bool] = None, fallback: Optional[Literal["listed", "any", "none"]] = None,
        pick: Optional[Literal["ordered", "round-robin", "least-busy"]] = None,
        budget: Optional[Mapping[str, float]] = None,
        idempotency_key: Optional[str] = None, fresh: Optional[bool] = None, dry_run: Optional[bool] = None,
    ) -> RouteAnswer:
        """Has a task done once, by the first of the candidates, in order, that can; raises why none could.

        `idempotent`: doing it twice is harmless. `dry_run`: send nothing, only explain who would be asked.
        `budget`: what it may spend, as {"maxCalls": 5, "maxTokens": 10000, "maxCostUsd": 0.5}.
        """
        return self._run("route", _fields(locals()), wait)

    delegate = route

    def fanout(
        self, targets: Optional[Selector] = None, payload: Json = None, *,
        payloads: Optional[Mapping[str, Json]] = None,
        aggregate: Union[bool, str, Mapping[str, Json], None] = None,
        timeout: Optional[Duration] = None, wait: Optional[Duration] = None, retries: Optional[int] = None,
        min_replies: Optional[int] = None, min_success: Optional[int] = None, stall: Optional[Duration] = None,
        cancel_rest: Optional[bool] = None, concurrency: Optional[int] = None,
        detail: Optional[Literal["full", "brief"]] = None, budget: Optional[Mapping[str, float]] = None,
        idempotency_key: Optional[str] = None, fresh: Optional[bool] = None, dry_run: Optional[bool] = None,
    ) -> Any:
        """Asks every target and accounts for each: a FanoutAnswer, or a list of Outcome with `aggregate=True`.

        `payloads`: one's own, by its name. `aggregate`: True, a strategy ("merge"), or a mapping of strategy and
        what it takes, as for `aggregate`. With `min_replies`, `stall` (nobody new for so long) or `cancel_rest`, the server says
        when the waiting ends: after 45 s unless there is a `wait`, after 60 s at most.
        """
        once = min_replies is not None or stall is not None or cancel_rest is True
        return self._run("fanout", _fields(locals()), wait, once=once)

    def aggregate(
        self, strategy: str, *,
        run_id: Optional[str] = None, run_ids: Optional[Sequence[str]] = None,
        responses: Optional[Sequence[Mapping[str, Json]]] = None,
        path: Optional[str] = None, key: Optional[str] = None, limit: Optional[int] = None,
        separator: Optional[str] = None, normalize: Optional[Literal["none", "trim", "lower", "number"]] = None,
        quorum: Optional[int] = None, order: Optional[Literal["desc", "asc"]] = None,
        instance: Optional[Selector] = None, instruction: Optional[str] = None,
        min_success: Optional[int] = None, timeout: Optional[Duration] = None, wait: Optional[Duration] = None,
        idempotency_key: Optional[str] = None,
    ) -> AggregateAnswer:
        """Makes one answer of stored runs' replies, or of `responses`: [{"instance", "result"}, …].

        `instance`, `instruction`, `timeout`, `wait` and `idempotency_key` are for reduce and judge.
        """
        body = _fields(locals())
        if strategy in ("reduce", "judge"):
            return self._run("aggregate", body, wait)
        return self._call("POST", "aggregate", body)[2]

    def orchestrate(
        self, plan: Union[Mapping[str, Json], Sequence[Mapping[str, Json]], None] = None, *,
        inputs: Optional[Mapping[str, Json]] = None, resume: Optional[str] = None,
        timeout: Optional[Duration] = None, wait: Optional[Duration] = None,
        idempotency_key: Optional[str] = None, fresh: Optional[bool] = None, dry_run: Optional[bool] = None,
    ) -> PlanAnswer:
        """Works through a plan: a mapping, as a file has it, or only its steps; `inputs` go over its own.

        A plan that failed is returned, with its `error`: `resume` goes on with its run where it failed, with the
        steps of `plan` if there are any. `dry_run`: only check it.
        """
        body: Dict[str, Json] = dict(plan) if isinstance(plan, Mapping) else {} if plan is None else {"steps": plan}
        if inputs is not None:
            body["inputs"] = {**body.get("inputs", {}), **inputs}
        given = {"timeout": timeout, "idempotency_key": idempotency_key, "fresh": fresh, "dry_run": dry_run}
        body.update(_fields(given))
        if resume is None or dry_run:
            return self._run("orchestrate", {**body, **_fields({"resume": resume})}, wait)
        return self._resume(resume, body, wait)

    def sessions_spawn(
        self, session_id: str, instance: Optional[Selector] = None,
        on_instance_down: Optional[Literal["fail", "migrate"]] = None,
    ) -> Spawned:
        """Opens a session at one instance of those picked, by default any healthy one."""
        return self._call("POST", "sessions/spawn", _fields(locals()))[2]

    def sessions_send(
        self, session_id: str, data: Json = None, *, token: Optional[str] = None,
        timeout: Optional[Duration] = None, wait: Optional[Duration] = None, queue: Optional[bool] = None,
        idempotency_key: Optional[str] = None, fresh: Optional[bool] = None,
    ) -> SendAnswer:
        """Sends a message to a session's owner, in order with all others; `queue=False`: or not, if it is busy."""
        return self._run("sessions/send", _fields(locals()), wait, token=token)

    def sessions_list(self, limit: Optional[int] = None, after: Optional[str] = None) -> Page:
        """Open and closed sessions, each a Session, 50 a page."""
        return self._call("GET", "sessions", query=_fields(locals()))[2]

    def sessions_history(
        self, session_id: str, *, token: Optional[str] = None, limit: Optional[int] = None,
        after: Optional[int] = None, remote: bool = False,
    ) -> History:
        """What was said in a session, also in a closed one; only messages `after` a sequence number.

        With `remote`, also what its owner itself keeps; only the protocol openclaw tells.
        """
        query = {"limit": limit, "after": after, "remote": "true" if remote else None}
        return self._call("GET", f"sessions/{_quote(session_id)}", query=query, token=token)[2]

    def sessions_close(self, session_id: str, *, token: Optional[str] = None) -> Session:
        """Ends a session, but no message that is being answered: `runs_cancel` does."""
        return self._call("DELETE", f"sessions/{_quote(session_id)}", token=token)[2]

    def health(self, instances: Optional[Selector] = None, detail: bool = False) -> Dict[str, Any]:
        """Checks instances now, by default the whole fleet: {"A": "healthy", "B": "down"}.

        With `detail`, a dict of each: state, reason, since, checkedAt, latencyMs, inFlight, tags and more.
        """
        picked = instances if instances is None or isinstance(instances, str) else ",".join(instances)
        return self._call("GET", "health", query={"instances": picked, "detail": "true" if detail else None})[2]

    @overload
    def runs_get(self, run_id: str, *, wait: Duration = ...) -> RunDetail: ...
    @overload
    def runs_get(self, run_id: str, *, wait: Duration = ..., instance: str, offset: int = ...) -> ResultPage: ...
    @overload
    def runs_get(self, run_id: str, *, wait: Duration = ..., step: str, offset: int = ...) -> ResultPage: ...
    @overload
    def runs_get(self, run_id: str, *, wait: Duration = ..., value: Literal[True], offset: int = ...) -> ResultPage: ...
    def runs_get(
        self, run_id: str, *, wait: Duration = 0, instance: Optional[str] = None, step: Optional[str] = None,
        value: bool = False, offset: int = 0,
    ) -> Any:
        """A run and its outcomes, after `wait` (at most 60 s) for its end: see the method `wait` too.

        With `instance` that one's result as text, with `step` the value of a plan's step, with `value` that of
        the plan; `offset` is the nextOffset of the page before.
        """
        seconds = min(_seconds(wait), _SERVER_LONGEST_WAIT_S)
        query = {"wait": f"{seconds:.3f}s", "instance": instance, "step": step, "offset": offset}
        if value:
            query["value"] = "true"
        return self._call("GET", f"runs/{_quote(run_id)}", query=query, wait=seconds)[2]

    def runs_list(self, limit: Optional[int] = None, after: Optional[str] = None) -> Page:
        """Runs, each a Run, the newest first, 50 a page."""
        return self._call("GET", "runs", query=_fields(locals()))[2]

    def runs_cancel(self, run_id: str) -> RunDetail:
        """Stops a run at its instances; its outcomes say what became of the work at each."""
        return self._call("DELETE", f"runs/{_quote(run_id)}")[2]

    def wait(self, run_id: str, timeout: Optional[Duration] = None) -> RunDetail:
        """Waits until a run has ended, at most for `timeout`; `state` tells which of the two it was."""
        deadline = time.monotonic() + (float("inf") if timeout is None else _seconds(timeout))
        while True:
            begun = time.monotonic()
            run = self.runs_get(run_id, wait=min(max(0.0, deadline - begun), _LONGEST_WAIT_S))
            if run["state"] == "ended" or time.monotonic() >= deadline:
                return run
            _rest(begun, deadline)

    def runs_events(self, run_id: str, after: Optional[str] = None) -> Iterator[RunEvent]:
        """A run's outcomes, or a plan's steps, as they end, those that have ended first, and at last its end.

        A stream that breaks is taken up again where it broke. `after`: the `id` of the last event seen.
        """
        failures = 0
        while True:
            begun = time.monotonic()
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
            try:
                with self._exchange("GET", f"runs/{_quote(run_id)}/events", headers=headers) as response:
                    if response.headers.get_content_type() != "text/event-stream":
                        raise _unexpected(response, f"The answer, {response.status}, is no stream of events.")
                    for event in _events(response):
                        after, failures = event["id"], 0
                        yield event
                        if event["event"] == "end":
                            return
                raise ServerUnreachable("server_unreachable", "The stream of events ended before the run did.")
            except OrchestratorError as error:
                failures = 1 if time.monotonic() - begun > _STEADY_S else failures + 1
                if failures > _RETRIES or not (error.retryable or isinstance(error, ServerUnreachable)):
                    raise
                _pause(failures, error)

    def _run(
        self, path: str, body: Dict[str, Json], wait: Optional[Duration], token: Optional[str] = None,
        once: bool = False,
    ) -> Any:
        """Makes a run and waits for it; the call is then repeated, and answered with the run in its own shape."""
        body.setdefault("idempotencyKey", str(uuid.uuid4()))
        unsaid = _SERVER_WAIT_S if once else _seconds(body.get("timeout", _SERVER_TIMEOUT_S)) + _GRACE_S
        deadline = time.monotonic() + (unsaid if wait is None else _seconds(wait))
        run_id, ended = None, False
        try:
            while True:
                begun = time.monotonic()
                left = max(0.0, deadline - begun)
                body["wait"] = min(left, _SERVER_LONGEST_WAIT_S if once else _LONGEST_WAIT_S)
                status, run_id, value = self._call("POST", path, body, token=token, wait=body["wait"])
                if status != 202 or once or ended or time.monotonic() >= deadline:
                    return value
                if token is None and run_id is not None:  # a session's token reads no runs
                    ended = self.wait(run_id, max(0.0, deadline - time.monotonic()))["state"] == "ended"
                if not ended:
                    _rest(begun, deadline)
        except OrchestratorError as error:
            error.run_id = error.run_id or run_id
            error.details.setdefault("idempotencyKey", body["idempotencyKey"])
            raise

    def _resume(self, run_id: str, body: Dict[str, Json], wait: Optional[Duration]) -> Any:
        """Resumes a plan, once, and waits for its run: to resume it again would send again what failed again."""
        unsaid = _seconds(body.get("timeout", _SERVER_TIMEOUT_S)) + _GRACE_S
        left = unsaid if wait is None else _seconds(wait)
        try:
            self._call("POST", "orchestrate", {**body, "resume": run_id, "wait": 0})
            run: Mapping[str, Json] = self.wait(run_id, left)
        except OrchestratorError as error:
            error.run_id = error.run_id or run_id
            raise
        kept = {name: run[name] for name in ("runId", "counts", "steps", "value", "error", "warnings") if name in run}
        return {"reply": "pending", **kept, **_fields({"reply": run.get("reply")})}

    def _call(
        self, method: str, path: str, body: Optional[Mapping[str, Json]] = None, *,
        query: Optional[Mapping[str, Any]] = None, token: Optional[str] = None, wait: float = 0.0,
    ) -> Tuple[int, Optional[str], Any]:
        """One call, made again where that is safe: status, run and value of its answer."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urllib.parse.urlencode(given)}" if given else path
        repeatable = method == "GET" or "idempotencyKey" in (body or {})
        failures = 0
        while True:
            try:
                with self._exchange(method, target, body, token=token, wait=wait) as response:
                    value = _parse(response, response.read())
                    return response.status, response.headers["Orchestrator-Run-Id"], value
            except OrchestratorError as error:
                failures += 1
                again = error.retryable and error.run_id is None
                if isinstance(error, ServerUnreachable):
                    again = repeatable and not isinstance(error, ServerSilent)
                if failures > _RETRIES or not again:
                    raise
                _pause(failures, error)

    @contextlib.contextmanager
    def _exchange(
        self, method: str, target: str, body: Optional[Mapping[str, Json]] = None, *,
        token: Optional[str] = None, wait: float = 0.0, headers: Optional[Mapping[str, str]] = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """One request, and its answer if that is none of an error; also what breaks while it is read raises."""
        sent = {"Accept": "application/json", "Connection": "close", **(headers or {})}
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        bearer = self._key if token is None else _credential(token)
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        connection = self._connect(self._host, self._port, timeout=self.timeout)
        delivery: Delivery = "not_sent"
        try:
            connection.connect()
            connection.sock.settimeout(self.timeout + wait)
            delivery = "unknown"
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # an early refusal can still be read
                connection.request(method, self._base + target, data, sent)
            with connection.getresponse() as response:
                if not 200 <= response.status < 300:
                    raise _refusal(response, response.read())
                yield response
        except socket.timeout as error:
            raise self._unreachable(ServerSilent, "does not answer in time", delivery) from error
        except (OSError, http.client.HTTPException) as error:
            what = "cannot be reached" if delivery == "not_sent" else "broke the connection"
            raise self._unreachable(ServerUnreachable, f"{what} ({error})", delivery) from error
        finally:
            connection.close()

    def _unreachable(self, kind: Type[ServerUnreachable], what: str, delivery: Delivery) -> ServerUnreachable:
        again = "Call again" if delivery == "not_sent" else "It may have arrived: ask for it before you call again"
        action = f"{again}; see that `orchestrator serve` runs at {self.url}."
        message, retryable = f"{self.url} {what}.", delivery == "not_sent"
        return kind(kind.codes[0], message, action, delivery=delivery, retryable=retryable)


def _fields(given: Mapping[str, Any]) -> Dict[str, Json]:
    """A method's arguments as the server spells them; what is None, or none of its business, is left out."""
    kept = {name: value for name, value in given.items() if value is not None and name not in _OURS}
    return {re.sub(r"_(.)", lambda match: match[1].upper(), name): kept[name] for name in kept}


def _quote(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _credential(text: str) -> str:
    """A key or token that can be sent; http.client would print one that cannot."""
    if re.fullmatch(r"[!-~]*", text.strip()):
        return text.strip()
    raise ValueError("The key or token has characters that none has.")


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(duration: Duration) -> float:
    """Reads a duration as the server does; BadRequest if it is none."""
    if isinstance(duration, (int, float)) and duration >= 0:
        return float(duration)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*", str(duration))
    if match:
        return float(match[1]) * _UNITS[match[2] or "s"]
    raise BadRequest("bad_request", f"{duration!r} is no duration.", 'Give seconds, or text such as "10s".')


def _pause(failures: int, error: OrchestratorError) -> None:
    """Sleeps for as long as the server asks and some more; raises the error if it asks for too much."""
    asked = error.retry_after or 0.0
    if asked > _LONGEST_PAUSE_S:
        raise error
    time.sleep(asked + random.uniform(0.0, _FIRST_PAUSE_S * 2 ** (failures - 1)))


def _rest(begun: float, deadline: float) -> None:
    """A second a round at least: a run that nobody works on any more is answered without a wait."""
    time.sleep(max(0.0, min(begun + 1, deadline) - time.monotonic()))


def _parse(response: http.client.HTTPResponse, raw: bytes) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(raw)
    kind = response.headers.get_content_type() if "Content-Type" in response.headers else "no content type"
    message = f"The answer, {response.status} with {kind}, is no JSON: {raw[:200].decode('utf-8', 'replace')!r}."
    raise _unexpected(response, message)


def _unexpected(response: http.client.HTTPResponse, message: str) -> UnexpectedAnswer:
    action = "See that ORCHESTRATOR_URL is where `orchestrator serve` listens, and what is in between."
    return UnexpectedAnswer("unexpected_answer", message, action, response.status, delivery="unknown")


def _refusal(response: http.client.HTTPResponse, raw: bytes) -> OrchestratorError:
    """The error that an answer carries."""
    body = _parse(response, raw)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        return _unexpected(response, f"The answer, {response.status}, is no orchestrator's: {raw[:200]!r}.")
    code, retryable = error["code"], error.get("retryable") is True
    details = error["details"] if isinstance(error.get("details"), dict) else None
    after = response.headers["Retry-After"] or ""
    return _KINDS.get(code, OrchestratorError)(
        code, str(error.get("message", "")), str(error.get("action", "")), response.status, error.get("instance"),
        error.get("runId"), error.get("delivery"), retryable, details, float(after) if after.isdecimal() else None,
    )


def _events(response: http.client.HTTPResponse) -> Iterator[RunEvent]:
    """Server-sent events; one that is cut off before its empty line is none."""
    fields: Dict[str, str] = {}
    for raw in response:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        name, _, text = line.partition(":")
        if line:
            value = text[1:] if text.startswith(" ") else text
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
            continue
        if "data" in fields:
            data = _parse(response, fields["data"].encode())
            yield {"id": fields.get("id", ""), "event": fields.get("event", ""), "data": data}
        fields = {}
