"""The client against a real orchestrator.

ORCHESTRATOR_URL and ORCHESTRATOR_API_KEY name one whose instances A, B and C run the worker of
test/e2e/python.test.ts: it echoes, and does as `sleep` (seconds), `fail` (words) and `chars` (how many) say.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Tuple
from urllib.parse import urlsplit

import support  # noqa: F401 - it says where the client is

import orchestrator_client as oc
from orchestrator_client import OrchestratorClient

URL = os.environ.get("ORCHESTRATOR_URL", "")
KEY = os.environ.get("ORCHESTRATOR_API_KEY", "")


def fresh(prefix: str) -> str:
    return "%s-%s" % (prefix, uuid.uuid4().hex[:8])


@unittest.skipUnless(URL and KEY, "needs ORCHESTRATOR_URL and ORCHESTRATOR_API_KEY")
class AgainstAnOrchestrator(unittest.TestCase):
    def setUp(self) -> None:
        self.client = OrchestratorClient()

    def raises(self, kind: Any, call: Any, *args: Any, **options: Any) -> oc.OrchestratorError:
        """What a call raises, which is of just this class."""
        with self.assertRaises(kind) as caught:
            call(*args, **options)
        self.assertIs(type(caught.exception), kind)
        return caught.exception


class Health(AgainstAnOrchestrator):
    def test_of_those_who_are_named_and_of_all(self) -> None:
        self.assertEqual(self.client.health("A-C"), {"A": "healthy", "B": "healthy", "C": "healthy"})
        self.assertEqual(self.client.health(["A", "C"]), {"A": "healthy", "C": "healthy"})
        self.assertLessEqual({"A", "B", "C"}, set(self.client.health()))

    def test_says_of_each_what_is_known(self) -> None:
        one = self.client.health("A", detail=True)["A"]
        self.assertEqual((one["state"], one["protocol"]), ("healthy", "rest"))
        self.assertIn("since", one)

    def test_knows_who_is_unknown_and_who_is_down(self) -> None:
        register("DOWN1")
        self.assertEqual(self.client.health("A,DOWN1,nobody"), {"A": "healthy", "DOWN1": "down", "nobody": "unknown"})


class Route(AgainstAnOrchestrator):
    def test_does_the_task_once(self) -> None:
        answer = self.client.route(["A", "B"], {"text": "grüße 🚀", "deep": [{"a": [None, 1.5, True]}]})
        self.assertEqual((answer["instance"], answer["delivery"], answer["reply"]), ("A", "accepted", "done"))
        self.assertEqual(answer["result"]["got"], {"text": "grüße 🚀", "deep": [{"a": [None, 1.5, True]}]})
        self.assertEqual([each["instance"] for each in answer["attempts"]], ["A"])

    def test_is_delegate_too_and_needs_no_payload(self) -> None:
        self.assertIn("does", self.client.delegate("B")["result"])

    def test_goes_to_the_next_candidate_when_one_is_down(self) -> None:
        register("DOWN2")
        self.assertEqual(self.client.route(["DOWN2", "B"], {})["instance"], "B")

    def test_that_nobody_can_do_says_so_and_names_its_run(self) -> None:
        register("DOWN3")
        error = self.raises(oc.InstanceDown, self.client.route, "DOWN3", {}, retries=0)
        self.assertEqual((error.code, error.status, error.delivery), ("instance_down", 503, "not_sent"))
        self.assertTrue(error.retryable)
        self.assertIn("DOWN3", error.message)

    def test_that_fails_has_the_instances_words(self) -> None:
        error = self.raises(oc.InstanceFailed, self.client.route, "A", {"fail": "no luck today"})
        self.assertEqual((error.instance, error.delivery, error.retryable), ("A", "accepted", False))
        self.assertIn("no luck today", error.message)
        run = self.client.runs_get(error.run_id or "")
        self.assertEqual((run["state"], run["outcomes"][0]["reply"]), ("ended", "failed"))

    def test_with_the_same_key_is_the_same_run_and_other_work_a_conflict(self) -> None:
        key = fresh("key")
        first = self.client.route("A", {"n": 1}, idempotency_key=key)
        again = self.client.route("A", {"n": 1}, idempotency_key=key)
        self.assertEqual(again["runId"], first["runId"])
        self.assertEqual(again["result"], first["result"])
        self.assertNotEqual(self.client.route("A", {"n": 1})["result"]["once"], first["result"]["once"])
        error = self.raises(oc.Conflict, self.client.route, "A", {"n": 2}, idempotency_key=key)
        self.assertEqual(error.run_id, first["runId"])

    def test_can_be_explained_only(self) -> None:
        answer: Any = self.client.route("A-C", {}, pick="round-robin", dry_run=True)
        self.assertEqual((answer["dryRun"], len(answer["explanation"]["order"])), (True, 3))

    def test_of_a_wrong_call_names_what_is_wrong(self) -> None:
        error = self.raises(oc.BadRequest, self.client.route, "A", {}, fallback="everybody")
        self.assertEqual((error.code, error.status, error.retryable), ("bad_request", 400, False))
        self.assertIn("fallback", error.message)
        error = self.raises(oc.NotFound, self.client.route, ["A", "Zed"], {})
        self.assertEqual((error.code, error.instance), ("unknown_instance", "Zed"))

    def test_of_what_is_too_large_is_refused_and_not_a_broken_connection(self) -> None:
        error = self.raises(oc.BadRequest, self.client.route, "A", {"text": "x" * (9 << 20)})
        self.assertEqual((error.code, error.status), ("payload_too_large", 413))

    def test_takes_and_returns_large_payloads(self) -> None:
        text = "ü" * (1 << 20)
        self.assertEqual(self.client.route("A", {"text": text})["result"]["got"]["text"], text)

    def test_is_for_many_threads_at_once(self) -> None:
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda n: self.client.route("A-C", {"n": n}), range(64)))
        self.assertEqual([each["result"]["got"]["n"] for each in answers], list(range(64)))
        self.assertEqual(len({each["runId"] for each in answers}), 64)


class Keys(AgainstAnOrchestrator):
    def test_without_or_with_a_wrong_key_nothing_is_answered(self) -> None:
        for key in ("", "wrong"):
            stranger = OrchestratorClient(api_key=key)
            for call in (stranger.health, stranger.runs_list, lambda: stranger.route("A", {})):
                error = self.raises(oc.Unauthorized, call)
                self.assertEqual((error.status, error.retryable), (401, False))
            self.raises(oc.Unauthorized, lambda: list(stranger.runs_events("r1")))


class Waiting(AgainstAnOrchestrator):
    def test_returns_the_handle_at_once_if_told_to(self) -> None:
        answer = self.client.route("A", {"sleep": 0.5}, wait=0)
        self.assertEqual((answer["reply"], "result" in answer), ("pending", False))
        self.assertEqual(self.client.runs_get(answer["runId"])["state"], "open")
        run = self.client.wait(answer["runId"], "30s")
        self.assertEqual((run["state"], run["outcomes"][0]["reply"]), ("ended", "done"))
        self.assertEqual(run["outcomes"][0]["result"]["got"], {"sleep": 0.5})

    def test_ends_when_it_is_told_to_and_the_work_goes_on(self) -> None:
        begun = time.monotonic()
        answer = self.client.route("B", {"sleep": 3}, wait="300ms")
        self.assertEqual(answer["reply"], "pending")
        run = self.client.wait(answer["runId"], 0.2)
        self.assertEqual(run["state"], "open")
        self.assertLess(time.monotonic() - begun, 2.5)
        self.assertEqual(self.client.wait(answer["runId"])["outcomes"][0]["reply"], "done")

    def test_goes_on_over_many_requests_and_ends_in_the_calls_own_shape(self) -> None:
        longest = oc._LONGEST_WAIT_S
        self.addCleanup(setattr, oc, "_LONGEST_WAIT_S", longest)
        oc._LONGEST_WAIT_S = 0.1
        session = self.client.sessions_spawn(fresh("long"))
        one = self.client.route("A", {"sleep": 1.2})
        two = self.client.fanout("B-C", {"sleep": 1.2}, aggregate=True)
        three = self.client.sessions_send(session["sessionId"], {"sleep": 1.2})
        four = self.client.sessions_send(session["sessionId"], {"sleep": 1.2}, token=session["token"])
        self.assertEqual((one["reply"], one["result"]["got"]), ("done", {"sleep": 1.2}))
        self.assertEqual([each["reply"] for each in two], ["done", "done"])
        self.assertEqual([each["result"]["before"] for each in (three, four)], [0, 1])

    def test_past_its_deadline_the_work_is_cancelled(self) -> None:
        error = self.raises(oc.Timeout, self.client.route, "C", {"sleep": 30}, timeout="400ms")
        self.assertEqual((error.code, error.status), ("timeout", 504))
        self.assertEqual(self.client.runs_get(error.run_id or "")["state"], "ended")


class Runs(AgainstAnOrchestrator):
    def test_are_cancelled_at_their_instances(self) -> None:
        key = fresh("key")
        run_id = self.client.route("A", {"sleep": 30}, wait=0, idempotency_key=key)["runId"]
        cancelled = self.client.runs_cancel(run_id)
        self.assertEqual((cancelled["state"], cancelled["outcomes"][0]["reply"]), ("ended", "cancelled"))
        error = self.raises(oc.Cancelled, self.client.route, "A", {"sleep": 30}, idempotency_key=key)
        self.assertEqual((error.status, error.run_id), (499, run_id))
        self.assertEqual(self.raises(oc.NotFound, self.client.runs_cancel, "run-x").code, "run_not_found")

    def test_are_listed_in_pages(self) -> None:
        made = [self.client.route("A", {"n": n})["runId"] for n in range(3)]
        first = self.client.runs_list(limit=2)
        second = self.client.runs_list(limit=2, after=first["next"])
        listed = [each["runId"] for each in first["items"] + second["items"]]
        self.assertEqual(len(set(listed)), 4)
        self.assertEqual([each for each in listed if each in made], made[::-1])
        self.assertEqual(first["items"][0]["counts"]["done"], 1)

    def test_have_results_that_are_read_in_pages(self) -> None:
        run_id = self.client.route("A", {"chars": 50_000})["runId"]
        outcome = self.client.runs_get(run_id)["outcomes"][0]
        self.assertNotIn("result", outcome)
        self.assertGreaterEqual(outcome["resultChars"], 50_000)
        texts: List[str] = []
        offset = 0
        while True:
            page = self.client.runs_get(run_id, instance="A", offset=offset)
            texts.append(page["text"])
            if "nextOffset" not in page:
                break
            offset = page["nextOffset"]
        self.assertEqual(("".join(texts), len(texts)), ("é" * 50_000, 3))

    def test_tell_their_outcomes_as_they_arrive(self) -> None:
        sleeps = {"A": {"sleep": 0.2}, "B": {"sleep": 0.8}, "C": {"fail": "at once"}}
        run_id = self.client.fanout("A-C", payloads=sleeps, wait=0)["runId"]
        told = [(each["event"], each["data"], time.monotonic()) for each in self.client.runs_events(run_id)]
        self.assertEqual([event for event, _, _ in told], ["outcome", "outcome", "outcome", "end"])
        self.assertEqual([data.get("instance") for _, data, _ in told], ["C", "A", "B", None])
        self.assertEqual([data["ended"] for _, data, _ in told[:3]], [1, 2, 3])
        self.assertEqual(told[-1][1]["counts"]["failed"], 1)
        self.assertGreater(told[2][2] - told[1][2], 0.2)

    def test_tell_the_rest_to_one_who_saw_the_beginning(self) -> None:
        run_id = self.client.fanout("A-B", {})["runId"]
        ids = [each["id"] for each in self.client.runs_events(run_id)]
        rest = list(self.client.runs_events(run_id, after=ids[0]))
        self.assertEqual([each["id"] for each in rest], ids[1:])
        self.assertEqual(self.raises(oc.NotFound, lambda: list(self.client.runs_events("run-x"))).status, 404)


class Fanout(AgainstAnOrchestrator):
    def test_as_a_list_accounts_for_every_target(self) -> None:
        register("DOWN4")
        entries = self.client.fanout(["C", "DOWN4", "A"], {"n": 1}, aggregate=True, retries=0)
        self.assertEqual([each["instance"] for each in entries], ["C", "DOWN4", "A"])
        self.assertEqual([each["reply"] for each in entries], ["done", "none", "done"])
        self.assertEqual((entries[1]["delivery"], entries[1]["error"]["code"]), ("not_sent", "instance_down"))

    def test_combines_the_answers_and_again_in_another_way(self) -> None:
        answer = self.client.fanout("A-C", {"n": 1}, aggregate="merge")
        self.assertEqual((answer["complete"], answer["counts"]["done"]), (True, 3))
        merged = answer["aggregate"]
        self.assertEqual((merged["strategy"], merged["value"]["got"]), ("merge", {"n": 1}))
        self.assertIn("by", [each["path"] for each in merged["dissent"]])
        again = self.client.aggregate("concat", run_id=answer["runId"], separator="+")
        self.assertEqual((again["sources"], again["value"].count("+")), (["A", "B", "C"], 2))
        ranked = self.client.fanout("A-B", {"n": 1}, aggregate={"strategy": "rank-fusion", "limit": 3})
        self.assertEqual(ranked["aggregateError"]["code"], "aggregate_failed")

    def test_combines_answers_that_are_handed_in(self) -> None:
        handed = [{"instance": "X", "result": {"a": 1}}, {"instance": "Y", "result": {"b": None}}]
        self.assertEqual(self.client.aggregate("merge", responses=handed)["value"], {"a": 1, "b": None})
        self.assertEqual(self.raises(oc.BadRequest, self.client.aggregate, "merge").code, "bad_request")

    def test_stops_waiting_after_so_many_replies(self) -> None:
        sleeps = {"A": {"n": 1}, "B": {"sleep": 20}, "C": {"sleep": 20}}
        begun = time.monotonic()
        answer = self.client.fanout("A-C", payloads=sleeps, min_replies=1)
        self.assertEqual((answer["complete"], answer["counts"]["done"], answer["counts"]["pending"]), (False, 1, 2))
        self.client.runs_cancel(answer["runId"])
        answer = self.client.fanout("A-C", payloads=sleeps, min_replies=1, cancel_rest=True)
        self.assertEqual((answer["complete"], answer["counts"]["cancelled"]), (True, 2))
        answer = self.client.fanout("A-C", payloads=sleeps, stall="300ms", cancel_rest=True)
        self.assertEqual(answer["counts"]["cancelled"], 2)
        self.assertLess(time.monotonic() - begun, 15)


class Plans(AgainstAnOrchestrator):
    STEPS = [
        {"id": "find", "delegate": {"instances": "A", "payload": {"topic": "${inputs.topic}", "most": "${inputs.most}"}}},
        {"id": "sum", "needs": ["find"], "delegate": {"instances": "B", "payload": {"of": "${steps.find.value.got}"}}},
    ]

    def test_are_worked_through_and_read_by_their_steps(self) -> None:
        plan = {"inputs": {"topic": "x", "most": 3}, "steps": self.STEPS, "output": "${steps.sum.value.got.of}"}
        answer = self.client.orchestrate(plan, inputs={"topic": "grüße"})
        self.assertEqual((answer["reply"], answer["value"]), ("done", {"topic": "grüße", "most": 3}))
        self.assertEqual([each["state"] for each in answer["steps"]], ["done", "done"])
        self.assertEqual((answer["counts"]["total"], answer["counts"]["skipped"]), (2, 0))
        self.assertEqual(plan["inputs"], {"topic": "x", "most": 3})
        page = self.client.runs_get(answer["runId"], step="find")
        self.assertEqual((page["step"], json.loads(page["text"])["by"]), ("find", "A"))
        page = self.client.runs_get(answer["runId"], value=True, offset=1)
        self.assertEqual((page["reply"], page["text"]), ("done", json.dumps(answer["value"], separators=(",", ":"), ensure_ascii=False)[1:]))
        told = [(each["event"], each["data"].get("step")) for each in self.client.runs_events(answer["runId"])]
        self.assertEqual(told, [("step", "find"), ("step", "sum"), ("end", None)])

    def test_are_only_checked_or_refused_with_all_that_is_wrong(self) -> None:
        inputs = {"topic": 1, "most": 1}
        self.assertTrue(self.client.orchestrate(self.STEPS, inputs=inputs, dry_run=True)["dryRun"])
        error = self.raises(oc.BadRequest, self.client.orchestrate, [{"id": "a", "needs": ["b"]}, *self.STEPS])
        places = [each["at"] for each in error.details["problems"]]
        self.assertEqual(places[:2], ["steps[0]", "steps[0].needs[0]"])
        self.assertEqual((error.delivery, len(places)), ("not_sent", 4))

    def test_that_failed_are_returned_and_resumed_where_they_failed(self) -> None:
        bad = {"id": "sum", "needs": ["find"], "delegate": {"instances": "B", "payload": {"fail": "no luck"}}}
        steps, inputs = [self.STEPS[0], bad], {"topic": 1, "most": 2}
        failed = self.client.orchestrate(steps, inputs=inputs)
        self.assertEqual((failed["reply"], failed["error"]["code"]), ("failed", "instance_error"))
        run_id, once = failed["runId"], failed["steps"][0]["value"]["once"]
        again = self.client.orchestrate(resume=run_id)
        self.assertEqual((again["runId"], again["reply"]), (run_id, "failed"))
        done = self.client.orchestrate([*self.STEPS], resume=run_id)
        self.assertEqual((done["runId"], done["reply"]), (run_id, "done"))
        self.assertEqual(set(done), set(failed) - {"error"} | {"value"})
        self.assertEqual(done["steps"][0]["value"]["once"], once)
        self.assertEqual(self.raises(oc.Conflict, self.client.orchestrate, resume=run_id).run_id, run_id)

    def test_that_are_not_waited_for_go_on(self) -> None:
        steps = [{"id": "slow", "delegate": {"instances": "A", "payload": {"sleep": 0.8}}}]
        key = fresh("key")
        pending = self.client.orchestrate(steps, wait=0, idempotency_key=key)
        self.assertEqual(pending["reply"], "pending")
        self.assertEqual(self.client.orchestrate(steps, idempotency_key=key)["runId"], pending["runId"])
        self.assertEqual(self.client.runs_get(pending["runId"])["reply"], "done")


class Sessions(AgainstAnOrchestrator):
    def test_remember_and_are_listed_read_and_closed(self) -> None:
        name = fresh("session")
        spawned = self.client.sessions_spawn(name, "B")
        self.assertEqual((spawned["sessionId"], spawned["instance"]), (name, "B"))
        self.assertTrue(spawned["token"].startswith("ost_"))
        answers = [self.client.sessions_send(name, {"n": n}) for n in range(3)]
        self.assertEqual([each["seq"] for each in answers], [1, 2, 3])
        self.assertEqual([each["result"]["before"] for each in answers], [0, 1, 2])
        self.assertIn(name, [each["sessionId"] for each in self.client.sessions_list(limit=1000)["items"]])
        history = self.client.sessions_history(name, limit=2)
        self.assertEqual([each["data"] for each in history["transcript"]], [{"n": 0}, {"n": 1}])
        history = self.client.sessions_history(name, after=history["next"])
        self.assertEqual([each["seq"] for each in history["transcript"]], [3])
        self.assertEqual(self.client.sessions_close(name)["state"], "closed")
        self.assertEqual(self.raises(oc.NotFound, self.client.sessions_send, name, {}).code, "session_not_found")
        self.assertEqual(self.client.sessions_history(name)["state"], "closed")

    def test_open_to_their_token_and_to_no_other(self) -> None:
        name, other = fresh("mine"), fresh("theirs")
        token = self.client.sessions_spawn(name)["token"]
        self.client.sessions_spawn(other)
        stranger = OrchestratorClient(api_key="")
        self.assertEqual(stranger.sessions_send(name, {"n": 1}, token=token)["result"]["got"], {"n": 1})
        self.assertEqual(stranger.sessions_history(name, token=token)["messages"], 1)
        for call in (stranger.sessions_send, stranger.sessions_history, stranger.sessions_close):
            with self.assertRaises((oc.Forbidden, oc.Unauthorized, oc.NotFound)) as caught:
                call(other, token=token)
            self.assertNotIn(token, str(caught.exception))
        self.assertEqual(stranger.sessions_close(name, token=token)["state"], "closed")

    def test_that_exist_or_are_busy_are_conflicts(self) -> None:
        name = fresh("busy")
        self.client.sessions_spawn(name)
        self.assertEqual(self.raises(oc.Conflict, self.client.sessions_spawn, name).code, "session_exists")
        pending = self.client.sessions_send(name, {"sleep": 2}, wait="100ms")
        self.assertEqual(pending["reply"], "pending")
        error = self.raises(oc.Conflict, self.client.sessions_send, name, {"n": 1}, queue=False)
        self.assertEqual(error.code, "session_busy")
        self.assertEqual(self.client.sessions_send(name, {"n": 2})["result"]["before"], 1)

    def test_with_one_key_a_message_is_said_once(self) -> None:
        name, key = fresh("once"), fresh("key")
        self.client.sessions_spawn(name)
        sent = [self.client.sessions_send(name, {"n": 1}, idempotency_key=key)["result"] for _ in range(2)]
        self.assertEqual(sent[0], sent[1])
        self.assertEqual(self.client.sessions_history(name)["messages"], 1)


class ThePublicSkill(AgainstAnOrchestrator):
    """`requests.post('http://…/orchestrator/route', json={'instances': ['A'], …}, headers=headers)`"""

    def test_works_as_its_text_has_it(self) -> None:
        at = urlsplit(URL)
        headers = {"Authorization": f"Bearer {KEY}"}
        body = json.dumps({"instances": ["A"], "payload": {"data": "task"}}).encode()
        head, data = as_requests_sends(at.netloc, "/orchestrator/route", headers, body)
        with socket.create_connection((at.hostname or "", at.port or 80), timeout=30) as connection:
            # A session of requests keeps its connection, and sends headers and body apart.
            for _ in range(2):
                connection.sendall(head)
                connection.sendall(data)
                response = http.client.HTTPResponse(connection, method="POST")
                response.begin()
                self.assertEqual(response.status, 200)
                self.assertEqual(response.headers.get_content_type(), "application/json")
                self.assertNotIn("Content-Encoding", response.headers)
                answer = json.loads(response.read())
                self.assertEqual((answer["instance"], answer["reply"]), ("A", "done"))
                self.assertEqual(answer["result"]["got"], {"data": "task"})
                self.assertEqual(response.headers["Orchestrator-Run-Id"], answer["runId"])
                self.assertFalse(response.will_close)
                response.close()

    def test_without_its_key_is_a_401_as_its_text_says(self) -> None:
        at = urlsplit(URL)
        body = b'{"instances": ["A"], "payload": {"data": "task"}}'
        for headers in ({}, {"Authorization": "Bearer your_key_here"}):
            head, data = as_requests_sends(at.netloc, "/orchestrator/route", headers, body)
            with socket.create_connection((at.hostname or "", at.port or 80), timeout=30) as connection:
                connection.sendall(head + data)
                response = http.client.HTTPResponse(connection, method="POST")
                response.begin()
                self.assertEqual((response.status, response.headers["WWW-Authenticate"]), (401, "Bearer"))
                self.assertEqual(json.loads(response.read())["error"]["code"], "unauthorized")


def as_requests_sends(host: str, path: str, headers: Dict[str, str], body: bytes) -> Tuple[bytes, bytes]:
    """The bytes of `requests.post(…, json=…, headers=…)` of requests 2.32.3 with urllib3, head and body."""
    lines = {
        "Host": host,
        "User-Agent": "python-requests/2.32.3",
        "Accept-Encoding": "gzip, deflate",
        "Accept": "*/*",
        "Connection": "keep-alive",
        **headers,
        "Content-Length": str(len(body)),
        "Content-Type": "application/json",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode(), body


def register(name: str) -> None:
    """Registers an instance with the cluster that nobody answers for."""
    at = urlsplit(URL)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=30)
    body = json.dumps({"instanceId": name, "url": "http://127.0.0.1:9", "protocol": "rest"})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    connection.request("POST", "/api/cluster/register", body, headers)
    with connection.getresponse() as response:
        assert response.status == 200, response.read()
    connection.close()


if __name__ == "__main__":
    unittest.main()
