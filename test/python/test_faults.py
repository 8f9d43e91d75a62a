"""The client against servers that misbehave: what it makes again, what it does not, and what it says."""

from __future__ import annotations

import pickle
import re
import socket
import threading
import time
import unittest

from support import SKILL, FaultServer, answer, environment, events, hang_up, raw, refusal, say_nothing

import orchestrator_client as oc
from orchestrator_client import OrchestratorClient

DONE = {"runId": "r1", "instance": "A", "delivery": "accepted", "reply": "done", "result": 7}
PENDING = {"runId": "r1", "delivery": "accepted", "reply": "pending"}
OPEN = {"runId": "r1", "state": "open"}
ENDED = {"runId": "r1", "state": "ended"}
RUN = ("Orchestrator-Run-Id", "r1")


PAUSE_S = oc._FIRST_PAUSE_S


def setUpModule() -> None:
    """What is made again here is made again soon."""
    oc._FIRST_PAUSE_S = 0.05


def tearDownModule() -> None:
    oc._FIRST_PAUSE_S = PAUSE_S


def client(server: FaultServer, **options: object) -> OrchestratorClient:
    return OrchestratorClient(server.url, "a-key", **options)  # type: ignore[arg-type]


class BrokenConnections(unittest.TestCase):
    def test_a_call_with_a_key_is_made_again_under_the_same_key(self) -> None:
        cut = raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        with FaultServer(hang_up, cut, answer(200, DONE)) as server:
            self.assertEqual(client(server).route(["A"], {"n": 1}), DONE)
            self.assertEqual([each.json for each in server.requests], [server.requests[0].json] * 3)
            self.assertRegex(server.requests[0].json["idempotencyKey"], r"^[0-9a-f-]{36}$")

    def test_the_callers_key_is_kept(self) -> None:
        with FaultServer(hang_up, answer(200, DONE)) as server:
            client(server).fanout("A-H", idempotency_key="mine")
            self.assertEqual([each.json["idempotencyKey"] for each in server.requests], ["mine", "mine"])

    def test_a_get_is_made_again(self) -> None:
        with FaultServer(hang_up, answer(200, {"A": "healthy"})) as server:
            self.assertEqual(client(server).health(), {"A": "healthy"})
            self.assertEqual(len(server.requests), 2)

    def test_a_plan_is_made_again_and_a_resumed_one_only_waited_for(self) -> None:
        plan = {"runId": "r1", "reply": "done", "counts": {}, "steps": []}
        with FaultServer(hang_up, answer(200, plan)) as server:
            self.assertEqual(client(server).orchestrate([{"id": "a"}]), plan)
            self.assertEqual(server.requests[0].json["steps"], [{"id": "a"}])
            self.assertEqual(server.requests[0].json, server.requests[1].json)
        ended = {**ENDED, "reply": "failed", "counts": {}, "steps": [], "error": {"code": "x"}, "outcomes": []}
        with FaultServer(answer(202, PENDING, RUN), hang_up, answer(200, ended)) as server:
            failed = {**plan, "reply": "failed", "error": {"code": "x"}}
            self.assertEqual(client(server).orchestrate(resume="r1", timeout=5), failed)
            self.assertEqual(server.requests[0].json, {"resume": "r1", "timeout": 5, "wait": 0})
            self.assertEqual([each.method for each in server.requests], ["POST", "GET", "GET"])
        with FaultServer(hang_up) as server, self.assertRaises(oc.ServerUnreachable) as caught:
            client(server).orchestrate(resume="r1")
        self.assertEqual(caught.exception.run_id, "r1")

    def test_nothing_else_is(self) -> None:
        calls = [
            lambda c: c.sessions_spawn("s1"),
            lambda c: c.sessions_close("s1"),
            lambda c: c.runs_cancel("r1"),
            lambda c: c.aggregate("merge", run_id="r1"),
            lambda c: c.orchestrate(resume="r1"),
        ]
        for call in calls:
            with FaultServer(hang_up, answer(200, {})) as server:
                with self.assertRaises(oc.ServerUnreachable) as caught:
                    call(client(server))
                self.assertEqual((caught.exception.delivery, caught.exception.retryable), ("unknown", False))
                self.assertEqual(len(server.requests), 1)

    def test_it_gives_up_after_three_and_says_under_which_key_to_ask(self) -> None:
        with FaultServer(hang_up) as server:
            with self.assertRaises(oc.ServerUnreachable) as caught:
                client(server).sessions_send("s1", {"n": 1})
            keys = {each.json["idempotencyKey"] for each in server.requests}
            self.assertEqual(len(server.requests), 4)
            self.assertEqual(keys, {caught.exception.details["idempotencyKey"]})
            self.assertIn(server.url, str(caught.exception))

    def test_a_run_that_began_is_named_when_the_server_is_lost(self) -> None:
        page = answer(502, "<h1>Bad Gateway</h1>")
        for lost, kind in ((hang_up, oc.ServerUnreachable), (page, oc.UnexpectedAnswer)):
            with FaultServer(answer(202, PENDING, RUN), lost) as server:
                with self.assertRaises(kind) as caught:
                    client(server).route("A")
                key = server.requests[0].json["idempotencyKey"]
                self.assertEqual((caught.exception.run_id, caught.exception.details["idempotencyKey"]), ("r1", key))

    def test_where_nobody_listens_nothing_was_sent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with self.assertRaises(oc.ServerUnreachable) as caught:
            OrchestratorClient("http://127.0.0.1:%d" % port).route("A", idempotency_key="k")
        error = caught.exception
        self.assertEqual((error.code, error.status, error.delivery), ("server_unreachable", 0, "not_sent"))
        self.assertTrue(error.retryable)
        self.assertIn("refused", error.message)

    def test_a_hung_server_is_left_after_the_timeout_and_not_asked_again(self) -> None:
        for call in (lambda c: c.route("A", wait=0), lambda c: c.runs_get("r1"), lambda c: list(c.runs_events("r1"))):
            with FaultServer(say_nothing) as server:
                begun = time.monotonic()
                with self.assertRaises(oc.ServerSilent) as caught:
                    call(client(server, timeout=0.2))
                self.assertIsInstance(caught.exception, oc.ServerUnreachable)
                self.assertEqual(caught.exception.delivery, "unknown")
                self.assertGreaterEqual(time.monotonic() - begun, 0.2)

    def test_a_hung_server_was_asked_once(self) -> None:
        with FaultServer(say_nothing) as server:
            with self.assertRaises(oc.ServerSilent) as caught:
                client(server, timeout=0.2).route("A", wait="100ms")
            self.assertEqual(len(server.requests), 1)
            key = server.requests[0].json["idempotencyKey"]
            self.assertEqual(caught.exception.details, {"idempotencyKey": key})

    def test_the_timeout_comes_on_top_of_the_wait(self) -> None:
        def late(connection: socket.socket) -> None:
            time.sleep(0.5)
            answer(200, DONE)(connection)

        with FaultServer(late) as server:
            self.assertEqual(client(server, timeout=0.2).route("A", wait=2), DONE)


class Refusals(unittest.TestCase):
    def test_what_is_retryable_is_made_again_when_the_server_says(self) -> None:
        with FaultServer(refusal(429, "rate_limited", True, ("Retry-After", "1")), answer(200, DONE)) as server:
            begun = time.monotonic()
            self.assertEqual(client(server).route("A"), DONE)
            self.assertGreaterEqual(time.monotonic() - begun, 1)
            self.assertEqual(server.requests[0].json, server.requests[1].json)

    def test_also_a_call_without_a_key_since_nothing_was_done(self) -> None:
        spawned = {"sessionId": "s1", "instance": "A", "token": "ost_1"}
        with FaultServer(refusal(503, "instance_down", True), answer(201, spawned)) as server:
            self.assertEqual(client(server).sessions_spawn("s1"), spawned)

    def test_a_server_that_asks_for_too_much_is_not_waited_for(self) -> None:
        with FaultServer(refusal(429, "rate_limited", True, ("Retry-After", "3600"))) as server:
            with self.assertRaises(oc.Overloaded) as caught:
                client(server).runs_list()
            self.assertEqual((caught.exception.retry_after, len(server.requests)), (3600, 1))

    def test_three_times_at_most(self) -> None:
        with FaultServer(refusal(503, "overloaded", True)) as server:
            with self.assertRaises(oc.Overloaded):
                client(server).route("A")
            self.assertEqual(len(server.requests), 4)

    def test_what_is_not_retryable_or_belongs_to_a_run_is_raised_at_once(self) -> None:
        refusals = [
            refusal(502, "instance_error", False, instance="A", runId="r1", delivery="accepted"),
            refusal(503, "instance_down", True, runId="r1", delivery="not_sent"),
            refusal(503, "draining", "yes"),  # type: ignore[arg-type]
            answer(503, "<h1>Service Unavailable</h1>", ("Retry-After", "1")),
            answer(429, {"detail": "slow down"}, ("Retry-After", "1")),
        ]
        for each in refusals:
            with FaultServer(each) as server:
                with self.assertRaises(oc.OrchestratorError):
                    client(server).route("A")
                self.assertEqual(len(server.requests), 1)

    def test_an_error_carries_all_that_the_server_said(self) -> None:
        facts = {"instance": "A", "runId": "r1", "delivery": "accepted", "details": {"attempts": []}}
        with FaultServer(refusal(502, "instance_error", False, **facts)) as server:
            with self.assertRaises(oc.InstanceFailed) as caught:
                client(server).route("A")
        error = caught.exception
        for each in (error, pickle.loads(pickle.dumps(error))):
            self.assertIs(type(each), oc.InstanceFailed)
            self.assertEqual((each.code, each.status, each.message), ("instance_error", 502, "No."))
            self.assertEqual((each.instance, each.run_id, each.delivery), ("A", "r1", "accepted"))
            self.assertEqual((each.retryable, each.details["attempts"]), (False, []))
            self.assertEqual(str(each), "instance_error: No. → Wait.")

    def test_every_code_of_the_orchestrator_has_its_class(self) -> None:
        table = (SKILL / "references" / "errors.md").read_text("utf-8")
        codes = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
        self.assertGreater(len(codes), 20)
        kinds = [oc.OrchestratorError, *oc.OrchestratorError.__subclasses__(), oc.ServerSilent]
        mapped = [code for kind in kinds for code in kind.codes]
        own = {"server_unreachable", "server_silent", "unexpected_answer"}
        self.assertEqual(len(mapped), len(set(mapped)))
        self.assertEqual(set(mapped) - own, codes - {"internal", "loop_detected"})

    def test_a_code_of_a_newer_orchestrator_is_still_an_error_of_ours(self) -> None:
        with FaultServer(refusal(418, "teapot", False)) as server:
            with self.assertRaises(oc.OrchestratorError) as caught:
                client(server).route("A")
            self.assertIs(type(caught.exception), oc.OrchestratorError)


class OtherAnswers(unittest.TestCase):
    def test_what_is_no_json_says_so_and_shows_its_beginning(self) -> None:
        html = "<html><h1>Welcome to nginx</h1></html>"
        for status in (200, 404, 502):
            with FaultServer(answer(status, html)) as server:
                with self.assertRaises(oc.UnexpectedAnswer) as caught:
                    client(server).health()
                error = caught.exception
                self.assertEqual((error.status, error.retryable), (status, False))
                for words in ("text/html", "Welcome to nginx", "ORCHESTRATOR_URL"):
                    self.assertIn(words, str(error))
                self.assertEqual(len(server.requests), 1)

    def test_json_too_deep_or_of_somebody_else_is_none_of_ours(self) -> None:
        for body in ("[" * 200_000, "", '{"error":"nope"}', '{"error":{"message":"no code"}}', "[]"):
            with FaultServer(answer(500, body)) as server:
                with self.assertRaises(oc.UnexpectedAnswer):
                    client(server).runs_list()

    def test_a_page_is_no_stream_of_events(self) -> None:
        with FaultServer(answer(200, "<p>data: {}</p>\n\n")) as server:
            with self.assertRaises(oc.UnexpectedAnswer):
                list(client(server).runs_events("r1"))

    def test_what_speaks_no_http_is_unreachable(self) -> None:
        with FaultServer(raw(b"SSH-2.0-OpenSSH_9.6\r\n")) as server:
            with self.assertRaises(oc.ServerUnreachable) as caught:
                client(server).sessions_spawn("s1")
            self.assertIn("SSH-2.0", str(caught.exception))

    def test_a_redirect_is_not_followed_so_that_the_key_stays_here(self) -> None:
        with FaultServer(answer(200, {})) as other:
            with FaultServer(answer(307, {}, ("Location", other.url))) as server:
                with self.assertRaises(oc.UnexpectedAnswer) as caught:
                    client(server).runs_list()
                self.assertIn("307", str(caught.exception))
            self.assertEqual(other.requests, [])


class Waiting(unittest.TestCase):
    def test_a_pending_call_waits_on_its_run_and_is_answered_in_its_own_shape(self) -> None:
        script = answer(202, PENDING, RUN), answer(200, OPEN), answer(200, ENDED), answer(200, DONE)
        with FaultServer(*script) as server:
            self.assertEqual(client(server).route(["A"], {"n": 1}, timeout="1m"), DONE)
            first, one, two, last = server.requests
            self.assertEqual([first.json.pop("wait"), last.json.pop("wait")], [30, 30])
            self.assertEqual(first.json, last.json)
            self.assertEqual((one.method, one.path), ("GET", "/api/orchestrator/runs/r1?wait=30.000s&offset=0"))
            self.assertEqual(two.path, one.path)

    def test_a_list_names_its_run_in_the_header(self) -> None:
        pending, done = [{"instance": "A", "reply": "pending"}], [{"instance": "A", "reply": "done", "result": 1}]
        with FaultServer(answer(202, pending, RUN), answer(200, ENDED), answer(200, done)) as server:
            self.assertEqual(client(server).fanout("A", aggregate=True), done)

    def test_a_wait_that_is_over_returns_the_handle(self) -> None:
        with FaultServer(answer(202, PENDING, RUN)) as server:
            self.assertEqual(client(server).route("A", wait=0), PENDING)
            self.assertEqual([each.json["wait"] for each in server.requests], [0])
        script = answer(202, PENDING, RUN), answer(200, OPEN), answer(200, OPEN), answer(202, PENDING, RUN)
        with FaultServer(*script) as server:
            begun = time.monotonic()
            self.assertEqual(client(server).route("A", wait=0.3), PENDING)
            self.assertLess(time.monotonic() - begun, 2)

    def test_a_wait_may_be_as_short_or_as_long_as_one_likes(self) -> None:
        for wait in (1e-05, "0.01ms", float("inf"), 1e22):
            with FaultServer(answer(200, DONE)) as server:
                self.assertEqual(client(server).route("A", wait=wait), DONE)
                client(server).runs_get("r1", wait=wait)
                self.assertRegex(server.requests[1].path, r"wait=(0|60)\.000s")

    def test_a_run_that_nobody_works_on_is_asked_about_once_a_second(self) -> None:
        with FaultServer(answer(200, OPEN)) as server:
            self.assertEqual(client(server).wait("r1", "1500ms"), OPEN)
            self.assertLessEqual(len(server.requests), 3)
        with FaultServer(answer(202, PENDING, RUN)) as server:
            client(server).sessions_send("s1", token="ost_abc", wait="1500ms")
            self.assertLessEqual(len(server.requests), 3)

    def test_where_the_server_decides_how_long_to_wait_its_answer_is_final(self) -> None:
        for option in ({"min_replies": 1}, {"stall": "10s"}, {"cancel_rest": True}):
            with FaultServer(answer(202, PENDING, RUN)) as server:
                client(server).fanout("A-C", **option)  # type: ignore[arg-type]
                self.assertEqual([each.json["wait"] for each in server.requests][0] > 44, True)
                self.assertEqual(len(server.requests), 1)

    def test_where_the_rest_is_not_to_be_cancelled_it_waits_as_ever(self) -> None:
        with FaultServer(answer(202, PENDING, RUN), answer(200, ENDED), answer(200, DONE)) as server:
            self.assertEqual(client(server).fanout("A-C", cancel_rest=False), DONE)
            self.assertEqual(server.requests[0].json["wait"], 30)

    def test_a_sessions_token_stands_in_for_the_key_and_waits_by_asking_again(self) -> None:
        send = {**DONE, "sessionId": "s1"}
        with FaultServer(answer(202, PENDING, RUN), answer(200, send)) as server:
            self.assertEqual(client(server).sessions_send("s1", {"n": 1}, token="ost_abc"), send)
            for each in server.requests:
                self.assertEqual(each.headers["authorization"], "Bearer ost_abc")
                self.assertEqual((each.method, "token" in each.json), ("POST", False))

    def test_a_duration_that_is_none_is_a_bad_request_and_nothing_is_sent(self) -> None:
        with FaultServer(answer(200, DONE)) as server:
            for wrong in ("soon", "10 parsecs", "-1s", "", -1, float("nan")):
                with self.assertRaises(oc.BadRequest):
                    client(server).route("A", wait=wrong)
            self.assertEqual(server.requests, [])


ONE = b'id: 1\nevent: outcome\ndata: {"instance":"A"}\n\n'
TWO = b'id: 3\r\nevent: outcome\r\ndata: {"instance":\r\ndata: "B\xc3\xa9"}\r\n\r\n'
END = b'id: 3\nevent: end\ndata: {"state":"ended"}\n\n'


class Events(unittest.TestCase):
    def test_a_stream_that_is_cut_is_taken_up_where_it_was(self) -> None:
        halves = [events(b": hello\n\n", ONE, TWO[:40]), events(TWO[:-2]), events(b":\n\n", TWO), events(END)]
        with FaultServer(*halves) as server:
            told = list(client(server).runs_events("r/1"))
            self.assertEqual([each["id"] for each in told], ["1", "3", "3"])
            self.assertEqual([each["data"] for each in told[:2]], [{"instance": "A"}, {"instance": "Bé"}])
            self.assertEqual([each.headers.get("last-event-id") for each in server.requests], [None, "1", "1", "3"])
            self.assertEqual(server.requests[0].path, "/api/orchestrator/runs/r%2F1/events")
            self.assertEqual(server.requests[0].headers["accept"], "text/event-stream")

    def test_one_that_is_cut_after_each_event_comes_to_its_end_nevertheless(self) -> None:
        each = [events(ONE.replace(b"1", b"%d" % n, 1)) for n in range(1, 8)]
        with FaultServer(*each, events(END)) as server:
            self.assertEqual(len(list(client(server).runs_events("r1"))), 8)

    def test_one_that_was_seen_before_is_not_asked_for(self) -> None:
        with FaultServer(events(END)) as server:
            self.assertEqual(len(list(client(server).runs_events("r1", after="3"))), 1)
            self.assertEqual(server.requests[0].headers["last-event-id"], "3")

    def test_events_arrive_while_the_stream_is_open(self) -> None:
        seen = threading.Event()

        def wait_until_seen(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + ONE)
            self.assertTrue(seen.wait(5))
            connection.sendall(END)
            connection.close()

        with FaultServer(wait_until_seen) as server:
            told = client(server).runs_events("r1")
            self.assertEqual(next(told)["id"], "1")
            seen.set()
            self.assertEqual(next(told)["event"], "end")
            self.assertEqual(list(told), [])

    def test_one_that_is_cut_again_and_again_is_given_up(self) -> None:
        with FaultServer(events(ONE), events(b": hello\n\n")) as server:
            told = client(server).runs_events("r1")
            self.assertEqual(next(told)["id"], "1")
            with self.assertRaises(oc.ServerUnreachable):
                next(told)
            self.assertEqual(len(server.requests), 1 + 3)

    def test_a_run_that_does_not_exist_is_said_at_once(self) -> None:
        with FaultServer(refusal(404, "run_not_found", False)) as server:
            with self.assertRaises(oc.NotFound):
                next(client(server).runs_events("r1"))

    def test_one_who_stops_listening_closes_the_stream(self) -> None:
        closed = threading.Event()

        def wait_until_closed(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + ONE)
            if connection.recv(1) == b"":
                closed.set()

        with FaultServer(wait_until_closed) as server:
            for _ in client(server).runs_events("r1"):
                break
            self.assertTrue(closed.wait(5))


class Requests(unittest.TestCase):
    def test_arguments_are_spelt_as_the_server_does_and_what_is_none_is_left_out(self) -> None:
        with FaultServer(answer(200, {"runId": "r1"})) as server:
            c = client(server)
            c.fanout(["A", "B"], payloads={"A": {"my_field": None}}, min_replies=1, cancel_rest=False, wait=1)
            c.delegate("A-C", None, dry_run=True, idempotency_key="k", wait="500ms")
            c.sessions_spawn("s1", on_instance_down="migrate")
            c.aggregate("rank-fusion", responses=[{"instance": "A", "result": None}], limit=2)
            fanout, route, spawn, aggregate = server.requests
            fanout.json.pop("idempotencyKey")
            self.assertAlmostEqual(fanout.json.pop("wait"), 1, 1)
            self.assertEqual(
                fanout.json,
                {
                    "targets": ["A", "B"],
                    "payloads": {"A": {"my_field": None}},
                    "minReplies": 1,
                    "cancelRest": False,
                },
            )
            self.assertAlmostEqual(route.json.pop("wait"), 0.5, 1)
            self.assertEqual(route.json, {"instances": "A-C", "dryRun": True, "idempotencyKey": "k"})
            self.assertEqual(route.path, "/api/orchestrator/route")
            self.assertEqual(spawn.json, {"sessionId": "s1", "onInstanceDown": "migrate"})
            self.assertEqual(aggregate.json["responses"], [{"instance": "A", "result": None}])

    def test_queries_are_quoted(self) -> None:
        with FaultServer(answer(200, {"items": []})) as server:
            c = client(server)
            c.health(["A", "tag:x"], detail=True)
            c.sessions_list(limit=2, after="s&1")
            c.sessions_history("s/1", after=3, token="ost_1")
            c.runs_get("r1", wait="2m", instance="B", offset=20_000)
            c.runs_list()
            self.assertEqual(
                [each.path.replace("/api/orchestrator/", "") for each in server.requests],
                [
                    "health?instances=A%2Ctag%3Ax&detail=true",
                    "sessions?limit=2&after=s%261",
                    "sessions/s%2F1?after=3",
                    "runs/r1?wait=60.000s&instance=B&offset=20000",
                    "runs",
                ],
            )
            self.assertEqual(server.requests[2].headers["authorization"], "Bearer ost_1")
            self.assertEqual(server.requests[4].headers["authorization"], "Bearer a-key")

    def test_url_and_key_come_from_the_environment_and_proxies_do_not(self) -> None:
        with FaultServer(answer(200, {})) as server:
            nowhere = "http://127.0.0.1:9"
            proxies = {"http_proxy": nowhere, "HTTP_PROXY": nowhere, "ALL_PROXY": nowhere, "no_proxy": ""}
            with environment(ORCHESTRATOR_URL=server.url + "/behind/", ORCHESTRATOR_API_KEY=" k \n", **proxies):
                OrchestratorClient().health()
            self.assertEqual(server.requests[0].path, "/behind/api/orchestrator/health")
            self.assertEqual(server.requests[0].headers["authorization"], "Bearer k")
            OrchestratorClient(server.url, "").health()
            self.assertNotIn("authorization", server.requests[1].headers)

    def test_a_url_or_a_key_that_cannot_be_one_is_refused_and_not_repeated(self) -> None:
        for url in ("127.0.0.1:7411", "ftp://x", "http://", "http://me:secret@host"):
            with self.assertRaises(ValueError) as caught:
                OrchestratorClient(url)
            self.assertNotIn("secret", str(caught.exception))
        for wrong in ("secret\r\nX-Evil: 1", "sécret", "se cret"):
            with self.assertRaises(ValueError) as caught:
                OrchestratorClient("http://127.0.0.1", wrong)
            self.assertNotIn("cret", str(caught.exception))
            with self.assertRaises(ValueError):
                OrchestratorClient("http://127.0.0.1", "k").sessions_close("s1", token=wrong)

    def test_what_is_no_json_is_not_sent(self) -> None:
        with FaultServer(answer(200, DONE)) as server:
            for wrong in (float("nan"), object(), {1, 2}):
                with self.assertRaises((TypeError, ValueError)):
                    client(server).route("A", wrong)
            self.assertEqual(server.requests, [])


if __name__ == "__main__":
    unittest.main()
