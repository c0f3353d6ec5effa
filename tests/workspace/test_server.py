"""The server itself: who may ask, what is recorded, what is refused, how it ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.workspace.conftest import USER, Served

ME = "/api/2.0/preview/scim/v2/Me"
Start = Callable[..., Served]


def _lines(served: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in served.record.read_text("utf-8").splitlines()]


def test_token(served: Served) -> None:
    assert served.ask("GET", ME).json()["userName"] == USER
    for token, status in ((None, 401), ("wrong", 403), ("dapi012345678", 403)):
        answer = served.ask("GET", ME, token=token)
        assert (answer.status_code, "error_code" in answer.json()) == (status, True)
    assert served.ask("GET", "/.well-known/databricks-config", token=None).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_unknown_route(served: Served, method: str) -> None:
    answer = served.ask(method, "/api/2.0/no/such/thing?x=1")
    assert answer.status_code == 501
    assert f"{method} /api/2.0/no/such/thing" in answer.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b"{'a': 1}", b"null null"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_malformed_body(served: Served, body: bytes, kind: str) -> None:
    answer = served.ask("POST", "/api/2.2/jobs/create", data=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("body", ["[]", "1", '"text"', "true"])
def test_body_that_is_no_object(served: Served, body: str) -> None:
    answer = served.ask("POST", "/api/2.2/jobs/create", data=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/2.2/jobs/get"),
        ("GET", "/api/2.2/jobs/get?job_id=x"),
        ("GET", "/api/2.2/jobs/list?limit=x"),
        ("GET", "/api/2.2/jobs/list?page_token=-5"),
        ("GET", "/api/2.2/jobs/runs/get-output?run_id=x"),
        ("GET", "/api/2.2/jobs/runs/get?run_id=1&run_id=2"),
        ("GET", "/api/2.0/workspace/get-status?path=/a&path=/b"),
        ("GET", "/api/2.0/workspace/list?path="),
        ("GET", "/api/2.0/workspace/export?path=/Users/%00"),
        ("GET", "/api/2.0/fs/files/Volumes/a/b/c/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"),
        ("GET", "/api/2.0/permissions/jobs"),
        ("GET", "/api/2.1/unity-catalog/schemas?page_token=x"),
        ("POST", "/api/2.1/unity-catalog/schemas"),
        ("POST", "/api/2.0/secrets/put"),
        ("POST", "/api/2.0/postgres/nothing?x=1"),
    ],
)
def test_bad_requests_are_refused_in_json(served: Served, method: str, path: str) -> None:
    answer = served.ask(method, path)
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    assert isinstance(answer.json(), dict)


def test_injected_error_has_no_effect(served: Served) -> None:
    name = "main.x_INJECT_ERROR"
    body = {"catalog_name": "main", "name": "x_INJECT_ERROR"}
    answer = served.ask("POST", "/api/2.1/unity-catalog/schemas", json=body)
    assert (answer.status_code, answer.json()["message"]) == (500, "INJECTED")
    assert served.ask("GET", f"/api/2.1/unity-catalog/schemas/{name}").status_code == 404


def test_record(start: Start) -> None:
    one = start()
    one.ask("GET", f"{ME}?a=1&b=2&b=3&empty=")
    one.ask("POST", "/api/2.2/jobs/create", json={"name": "naïve"})
    one.ask("POST", "/api/2.0/workspace-files/import-file/Users/a%20b.bin?overwrite=true", data=b"\xff\x00")
    one.ask("POST", "/api/2.0/workspace-files/import-file/Users/a.txt?overwrite=true", data="text")
    one.ask("POST", "/api/2.2/jobs/create", data="{", headers={"Content-Type": "application/json"})
    one.ask("GET", ME, token="wrong-token")
    put = "/api/2.0/workspace-files/import-file/Users/"
    assert _lines(one) == [
        {"method": "GET", "path": ME, "query": {"a": "1", "b": ["2", "3"], "empty": ""}},
        {"method": "POST", "path": "/api/2.2/jobs/create", "query": {}, "body": {"name": "naïve"}},
        {
            "method": "POST",
            "path": put + "a b.bin",
            "query": {"overwrite": "true"},
            "raw_body_base64": "/wA=",
        },
        {"method": "POST", "path": put + "a.txt", "query": {"overwrite": "true"}, "raw_body": "text"},
        {"method": "POST", "path": "/api/2.2/jobs/create", "query": {}, "raw_body": "{"},
        {"method": "GET", "path": ME, "query": {}},
    ]


def test_no_secret_in_record_or_stderr(start: Start) -> None:
    one = start()
    secret = "hunter2-hunter2"
    one.ask("POST", "/api/2.0/secrets/scopes/create", json={"scope": "s"})
    put = {"scope": "s", "key": "k"}
    assert one.ask("POST", "/api/2.0/secrets/put", json={**put, "string_value": secret}).status_code == 200
    one.ask("POST", "/api/2.0/secrets/put", data='{"string_value": "' + secret)
    path = {"catalog_name": "main", "schema_name": "s", "name": "n"}
    one.ask("POST", "/api/2.1/unity-catalog/secrets", json={**path, "value": secret})
    one.ask("PATCH", "/api/2.1/unity-catalog/secrets/main.s.n", json={"value": secret})
    assert len(_lines(one)) == 5
    said = one.stop()
    for text in (one.record.read_text("utf-8"), said):
        assert secret not in text and "dapi" not in text


def test_record_is_written_before_the_answer(start: Start) -> None:
    one = start("--latency-ms", "1500")
    place = urlsplit(one.url)
    with socket.create_connection((place.hostname, place.port)) as client:
        client.sendall(f"GET {ME} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for _ in range(1000):
            if one.record.read_text("utf-8"):
                break
            time.sleep(0.001)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
    assert [line["path"] for line in _lines(one)] == [ME]


def test_connection_is_kept(served: Served) -> None:
    place = urlsplit(served.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=10)
    headers = {"Authorization": "Bearer dapi0123456789"}
    sockets = set()
    for method, path in (
        ("GET", ME),
        ("HEAD", "/api/2.0/fs/directories/Volumes/a/b/c"),
        ("GET", "/api/none"),
        ("GET", ME),
    ):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert connection.sock is not None
        sockets.add(connection.sock.getsockname())
    assert (answer.status, len(sockets)) == (200, 1)
    connection.close()


def test_chunked_body(served: Served) -> None:
    def chunks() -> Any:
        yield b'{"name": '
        yield b'"chunked"}'

    made = served.ask("POST", "/api/2.2/jobs/create", data=chunks()).json()["job_id"]
    found = served.ask("GET", f"/api/2.2/jobs/get?job_id={made}").json()
    assert found["settings"]["name"] == "chunked"


@pytest.mark.parametrize("head", ["Content-Length: many", "Transfer-Encoding: chunked"])
def test_broken_framing(served: Served, head: str) -> None:
    place = urlsplit(served.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as client:
        client.sendall(f"POST /api/2.2/jobs/create HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\nzz\r\n".encode())
        assert b" 400 " in client.recv(1000).split(b"\r\n")[0]


def test_many_clients_at_once(served: Served) -> None:
    made: list[int] = []

    def create() -> None:
        for _ in range(10):
            made.append(served.ask("POST", "/api/2.2/jobs/create", json={"name": "crowd"}).json()["job_id"])

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 80


def test_two_servers_on_one_folder(start: Start) -> None:
    one, two = start(), start(name="second.jsonl")
    made = [
        server.ask("POST", "/api/2.2/jobs/create", json={"name": "shared"}).json()["job_id"]
        for server in (one, two, one, two)
    ]
    assert len(set(made)) == 4
    for server in (one, two):
        assert len(server.ask("GET", "/api/2.2/jobs/list?name=shared").json()["jobs"]) == 4


def test_restart_keeps_everything_and_reuses_no_id(start: Start) -> None:
    one = start()
    job = one.ask("POST", "/api/2.2/jobs/create", json={"name": "a"}).json()["job_id"]
    one.ask("POST", "/api/2.2/jobs/delete", json={"job_id": job})
    kept = one.ask("POST", "/api/2.2/jobs/create", json={"name": "b"}).json()["job_id"]
    one.stop()
    two = start()
    assert two.ask("GET", f"/api/2.2/jobs/get?job_id={kept}").status_code == 200
    assert two.ask("POST", "/api/2.2/jobs/create", json={"name": "c"}).json()["job_id"] > kept > job > 99_999


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it(start: Start, number: signal.Signals) -> None:
    one = start()
    place = urlsplit(one.url)
    with socket.create_connection((place.hostname, place.port)):  # an idle client must not hold it
        one.process.send_signal(number)
        _, err = one.process.communicate(timeout=30)
    assert (one.process.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--host", "0.0.0.0"], "not a loopback address"),
        (["--host", "example.com"], "not a loopback address"),
        (["--port", "70000"], "70000"),
        (["--folder", "/proc/none"], "cannot open the local workspace"),
    ],
)
def test_refused_options(options: list[str], expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bundlekit", "workspace", "serve", *options],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert expected in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_port_that_is_taken(served: Served, tmp_path: Any) -> None:
    command = [sys.executable, "-m", "bundlekit", "workspace", "serve", "--folder", str(tmp_path)]
    done = subprocess.run(
        [*command, "--port", str(urlsplit(served.url).port)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "cannot listen" in done.stderr and "Traceback" not in done.stderr


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, bundlekit.cli.workspace, bundlekit.workspace.local.server as s\n"
        "s.load_routes()\n"
        "print([n for n in ('databricks.sdk', 'jinja2', 'rich', 'sqlglot', 'IPython', 'requests') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr
