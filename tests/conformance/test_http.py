"""General rules of the HTTP API: headers, decoding, errors, routes."""

import pytest

from tests.conformance.support import Server

BAD_BODIES = [
    ("", "EOF"),
    ("   ", "EOF"),
    ("{", "unexpected EOF"),
    ("tru", "unexpected EOF"),
    ('{"name":"a"', "unexpected EOF"),
    ('{"name":"a', "unexpected EOF"),
    ("nope", "invalid character 'o' in literal null (expecting 'u')"),
    ("x", "invalid character 'x' looking for beginning of value"),
    ('{"a" "b"}', "invalid character '\"' after object key"),
    ('{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
    ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
    ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
    ('{"a":[1 2]}', "invalid character '2' after array element"),
    ('{"a":NaN}', "invalid character 'N' looking for beginning of value"),
    ("[]", "json: cannot unmarshal array into Go value of type toxiproxy.Proxy"),
    ('"x"', "json: cannot unmarshal string into Go value of type toxiproxy.Proxy"),
    ("1", "json: cannot unmarshal number into Go value of type toxiproxy.Proxy"),
    ("true", "json: cannot unmarshal bool into Go value of type toxiproxy.Proxy"),
    ('{"name":1}', "json: cannot unmarshal number into Go struct field Proxy.name of type string"),
    ('{"name":"a","upstream":[]}', "json: cannot unmarshal array into Go struct field Proxy.upstream of type string"),
    ('{"listen":{}}', "json: cannot unmarshal object into Go struct field Proxy.listen of type string"),
    ('{"enabled":"x"}', "json: cannot unmarshal string into Go struct field Proxy.enabled of type bool"),
]


def test_version_is_exact_bytes(server: Server) -> None:
    reply = server.call("GET", "/version")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json;charset=utf-8"
    # what `go install` builds calls itself "git"; releases say 2.12.0
    assert reply.text in {'{"version": "2.12.0"}\n', '{"version": "git"}\n'}


def test_success_is_json_without_a_newline(server: Server) -> None:
    reply = server.call("GET", "/proxies")
    assert (reply.status, reply.text, reply.headers["content-type"]) == (200, "{}", "application/json")


def test_every_answer_of_a_route_has_a_request_id(server: Server) -> None:
    ids = {server.call("GET", "/proxies").headers["x-toxiproxy-request-id"] for _ in range(3)}
    ids.add(server.call("GET", "/proxies/none").headers["x-toxiproxy-request-id"])
    assert len(ids) == 4
    assert {len(each) for each in ids} == {20}


@pytest.mark.parametrize(("body", "text"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_body_that_cannot_be_decoded(server: Server, body: str, text: str) -> None:
    reply = server.call("POST", "/proxies", body)
    assert (reply.status, reply.json) == (400, {"error": f"bad request body: {text}", "status": 400})


def test_errors_are_json_under_a_text_header(server: Server) -> None:
    reply = server.call("GET", "/proxies/none")
    assert reply.text == '{"error":"proxy not found","status":404}\n'
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("agent", ["Mozilla/5.0", "Mozilla/4.0 (compatible)"])
def test_browsers_are_refused(server: Server, agent: str) -> None:
    reply = server.call("GET", "/proxies", headers={"User-Agent": agent})
    assert (reply.status, reply.text) == (403, "User agent not allowed\n")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert "x-toxiproxy-request-id" in reply.headers


@pytest.mark.parametrize("agent", ["Wget/1.21", "", "curl Mozilla/5.0", "mozilla/5.0"])
def test_others_are_not(server: Server, agent: str) -> None:
    assert server.call("GET", "/proxies", headers={"User-Agent": agent}).status == 200


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/proxies/", "/version/", "/proxies/a/b", "/proxies/a/toxics/b/c", "/Proxies"]
)
def test_unknown_paths(server: Server, path: str) -> None:
    reply = server.call("GET", path)
    assert (reply.status, reply.text) == (404, "404 page not found\n")
    assert "x-toxiproxy-request-id" not in reply.headers


WRONG_METHODS = [
    ("PUT", "/proxies"),
    ("DELETE", "/proxies"),
    ("HEAD", "/proxies"),
    ("OPTIONS", "/proxies"),
    ("POST", "/version"),
    ("GET", "/populate"),
    ("GET", "/reset"),
    ("PUT", "/proxies/a"),
    ("PUT", "/proxies/a/toxics"),
    ("PATCH", "/proxies/a/toxics"),
    ("PUT", "/proxies/a/toxics/b"),
]


@pytest.mark.parametrize(("method", "path"), WRONG_METHODS)
def test_known_path_wrong_method(server: Server, method: str, path: str) -> None:
    reply = server.call(method, path)
    assert (reply.status, reply.text) == (405, "")
    assert "x-toxiproxy-request-id" not in reply.headers


@pytest.mark.parametrize(
    ("path", "clean"), [("//proxies", "/proxies"), ("/./proxies", "/proxies"), ("/a/../version", "/version")]
)
def test_unclean_paths_are_redirected(server: Server, path: str, clean: str) -> None:
    reply = server.call("GET", path)
    assert (reply.status, reply.headers["location"]) == (301, clean)


def test_a_query_is_ignored(server: Server) -> None:
    assert server.call("GET", "/proxies?page=2").status == 200


def test_any_content_type_will_do_and_keys_match_in_any_case(server: Server) -> None:
    body = '{"NAME":"a","UpStream":"u:1","LISTEN":"localhost:0","nonsense":[1]} trailing'
    reply = server.call("POST", "/proxies", body, {"Content-Type": "image/png"})
    assert reply.status == 201
    assert (reply.json["name"], reply.json["upstream"]) == ("a", "u:1")


def test_the_last_of_a_repeated_key_wins_and_null_is_nothing(server: Server) -> None:
    body = '{"name":"a","Name":"b","name":null,"upstream":"u","listen":"localhost:0"}'
    assert server.call("POST", "/proxies", body).json["name"] == "b"


def test_html_is_escaped_in_json(server: Server) -> None:
    reply = server.call("POST", "/proxies", {"name": "a<&>\u2028é", "upstream": "u", "listen": "localhost:0"})
    assert reply.text.startswith('{"name":"a\\u003c\\u0026\\u003e\\u2028é",')


def test_half_a_surrogate_pair_is_replaced(server: Server) -> None:
    reply = server.call("POST", "/proxies", '{"name":"\\ud800x","upstream":"u","listen":"localhost:0"}')
    assert reply.json["name"] == "\ufffdx"
