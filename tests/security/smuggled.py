"""Messages whose length, or whose beginning, two programs in a row could read differently; each carries a passenger.

`answered` says what the edge makes of a message that is followed by a canary on the same connection: the attack is
answered, the passenger (only where it is a request of its own by RFC 9112, so that the attacker asked for it himself),
the canary; "refused" is an error after which the connection is closed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.security.canary import Canary

Build = Callable[[Canary, Canary], bytes]
REFUSED = ("refused",)
ONE = ("attack", "canary")
TWO = ("attack", "passenger", "canary")


@dataclass(frozen=True)
class Case:
    """One message."""

    name: str
    build: Build
    answered: tuple[str, ...] = REFUSED


def _post(attack: Canary, fields: bytes, body: bytes, version: bytes = b"1.1") -> bytes:
    head = b"POST %s HTTP/%s\r\n%s%s\r\n" % (attack.path.encode(), version, attack.headers, fields)
    return head + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


Made = tuple[Build, tuple[str, ...]]


def _with(fields: bytes, answered: tuple[str, ...] = REFUSED) -> Made:
    """The passenger after an empty chunked body."""
    return lambda attack, passenger: _post(attack, fields, b"0\r\n\r\n" + passenger.request()), answered


def _sized(fields: bytes, answered: tuple[str, ...] = REFUSED) -> Made:
    """The passenger as a body; `%d` in the fields is its length."""

    def build(attack: Canary, passenger: Canary) -> bytes:
        body = passenger.request()
        return _post(attack, fields.replace(b"%d", b"%d" % len(body)), body)

    return build, answered


def _chunked(body: bytes, answered: tuple[str, ...] = REFUSED) -> Made:
    """A chunked body as it is given, and the passenger behind it; `%s` in the body is the passenger as a chunk."""

    def build(attack: Canary, passenger: Canary) -> bytes:
        inner, behind = (_chunk(passenger.request()), b"") if b"%s" in body else (b"", passenger.request())
        return _post(attack, b"Transfer-Encoding: chunked\r\n", body.replace(b"%s", inner) + behind)

    return build, answered


_CODINGS = {
    # both framings: RFC 9112, section 6.3 lets Transfer-Encoding win: what follows the last chunk is the next request
    "CL.TE": _with(b"Content-Length: 60\r\nTransfer-Encoding: chunked\r\n", TWO),
    "CL.TE, longer than all": _with(b"Content-Length: 6000\r\nTransfer-Encoding: chunked\r\n", TWO),
    "CL.TE, length zero": _with(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", TWO),
    "TE.CL": _with(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", TWO),
    # a coding that one reads and another does not
    "unknown": _with(b"Transfer-Encoding: xchunked\r\n"),
    "unknown with length": _sized(b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n"),
    "twice": _with(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    "twice chunked": _with(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    "list": _with(b"Transfer-Encoding: chunked, identity\r\n"),
    "list, chunked last": _with(b"Transfer-Encoding: identity, chunked\r\n"),
    "compressed": _with(b"Transfer-Encoding: gzip, chunked\r\n"),
    "quoted": _with(b'Transfer-Encoding: "chunked"\r\n'),
    "parameter": _with(b"Transfer-Encoding: chunked;q=1\r\n"),
    "empty": _with(b"Transfer-Encoding: \r\n"),
    "empty with length": _sized(b"Transfer-Encoding: \r\nContent-Length: %d\r\n"),
    "space before colon": _with(b"Transfer-Encoding : chunked\r\n"),
    "tab before colon": _with(b"Transfer-Encoding\t: chunked\r\n"),
    "vertical tab": _with(b"Transfer-Encoding:\x0bchunked\r\n"),
    "form feed": _with(b"Transfer-Encoding: chunked\x0c\r\n"),
    "no-break space": _with(b"Transfer-Encoding:\xa0chunked\r\n"),
    "NUL": _with(b"Transfer-Encoding: chunked\x00\r\n"),
    "tabs around": _with(b"Transfer-Encoding:\tchunked\t\r\n", TWO),
    "case": _with(b"tRaNSFER-eNCODING: cHUNKED\r\n", TWO),
    "behind CR": _with(b"X: a\rTransfer-Encoding: chunked\r\n"),
    "behind LF": _with(b"X: a\nTransfer-Encoding: chunked\r\n", TWO),
    "underscore": _sized(b"Transfer_Encoding: chunked\r\nContent-Length: %d\r\n", ONE),
    "named in Connection": _with(b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", TWO),
    # folded fields (obs-fold)
    "folded": _with(b"Transfer-Encoding:\r\n chunked\r\n", TWO),
    "folded list": _with(b"Transfer-Encoding: x,\r\n\tchunked\r\n"),
    "folded into another": _sized(b"Content-Length: %d\r\nX: y\r\n Transfer-Encoding: chunked\r\n", ONE),
}

_LENGTHS = {
    "twice, different": _sized(b"Content-Length: 0\r\nContent-Length: %d\r\n"),
    "twice, different, longer first": _sized(b"Content-Length: %d\r\nContent-Length: 0\r\n"),
    "twice, same": _sized(b"Content-Length: %d\r\nContent-Length: %d\r\n", ONE),
    "list, same": _sized(b"Content-Length: %d, %d\r\n"),
    "list, different": _sized(b"Content-Length: 0, %d\r\n"),
    "plus": _sized(b"Content-Length: +%d\r\n"),
    "minus": _sized(b"Content-Length: -%d\r\n"),
    "minus zero": _sized(b"Content-Length: -0\r\n"),
    "hexadecimal": _sized(b"Content-Length: 0x%d\r\n"),
    "exponent": _sized(b"Content-Length: %de0\r\n"),
    "fraction": _sized(b"Content-Length: %d.0\r\n"),
    "underscore in number": _sized(b"Content-Length: 1_0\r\n"),
    "zeros in front": _sized(b"Content-Length: 000%d\r\n", ONE),
    "inner space": _sized(b"Content-Length: 0 %d\r\n"),
    "too long for 64 bits": _sized(b"Content-Length: 18446744073709551616\r\n"),
    "most of 64 bits": _sized(b"Content-Length: 9223372036854775808\r\n"),
    "empty": _sized(b"Content-Length: \r\n"),
    "letters": _sized(b"Content-Length: abc\r\n"),
    "full-width digits": _sized("Content-Length: \uff11\uff10\r\n".encode()),
    "NUL": _sized(b"Content-Length: %d\x00\r\n"),
    "vertical tab": _sized(b"Content-Length: \x0b%d\r\n"),
    "space before colon": _sized(b"Content-Length : %d\r\n"),
    "behind CR": _sized(b"X: a\rContent-Length: %d\r\n"),
    "behind LF": _sized(b"X: a\nContent-Length: %d\r\n", ONE),
    "folded": _sized(b"Content-Length:\r\n %d\r\n", ONE),
    "named in Connection": _sized(b"Connection: Content-Length\r\nContent-Length: %d\r\n", ONE),
    "underscore in name": _sized(b"Content_Length: %d\r\n", TWO),
    "none": _sized(b"", TWO),
}

_CHUNKS = {
    "good": _chunked(b"%s0\r\n\r\n", ONE),
    "good, passenger behind": _chunked(b"1\r\nx\r\n0\r\n\r\n", TWO),
    "size upper case and zeros": _chunked(b"00A\r\n0123456789\r\n0000\r\n\r\n", TWO),
    "extension": _chunked(b"1;name=value\r\nx\r\n0;last\r\n\r\n", TWO),
    "extension, quoted": _chunked(b'1;name=";x"\r\nx\r\n0\r\n\r\n', TWO),
    "extension with space": _chunked(b"1 ; name\r\nx\r\n0\r\n\r\n"),
    "extension with CR": _chunked(b"1;a\rb\r\nx\r\n0\r\n\r\n"),
    "extension with LF": _chunked(b"1;a\nx\r\n0\r\n\r\n"),
    "extension with LF, size behind": _chunked(b"2;\nxx\r\n30\r\n0\r\n\r\n"),
    "extension too long": _chunked(b"1;" + b"a" * 70_000 + b"\r\nx\r\n0\r\n\r\n"),
    "many extensions": _chunked(b"1;%b\r\nx\r\n" % (b"a" * 200) * 400 + b"0\r\n\r\n"),
    "trailer": _chunked(b"1\r\nx\r\n0\r\nX-Trailer: x\r\n\r\n", TWO),
    "trailer with framing": _chunked(b"1\r\nx\r\n0\r\nContent-Length: 900\r\nTransfer-Encoding: x\r\n\r\n", TWO),
    "trailer folded": _chunked(b"0\r\nX-Trailer: x\r\n y\r\n\r\n", TWO),
    "trailer without colon": _chunked(b"0\r\nnonsense\r\n\r\n"),
    "trailer is a request": _chunked(b"0\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
    "size not hexadecimal": _chunked(b"xyz\r\n%s0\r\n\r\n"),
    "size negative": _chunked(b"-1\r\nx\r\n0\r\n\r\n"),
    "size plus": _chunked(b"+1\r\nx\r\n0\r\n\r\n"),
    "size 0x": _chunked(b"0x1\r\nx\r\n0\r\n\r\n"),
    "size empty": _chunked(b"\r\nx\r\n0\r\n\r\n"),
    "size with leading space": _chunked(b" 1\r\nx\r\n0\r\n\r\n"),
    "size with underscore": _chunked(b"1_0\r\n0123456789012345\r\n0\r\n\r\n"),
    "size with NUL": _chunked(b"1\x00\r\nx\r\n0\r\n\r\n"),
    "size wraps around": _chunked(b"10000000000000001\r\nx\r\n0\r\n\r\n"),
    "size ends with LF": _chunked(b"1\nx\r\n0\r\n\r\n"),
    "size ends with CR": _chunked(b"1\rx\r\n0\r\n\r\n"),
    "data shorter than size": _chunked(b"5\r\nx\r\n0\r\n\r\n"),
    "data longer than size": _chunked(b"1\r\nxxxx\r\n0\r\n\r\n"),
    "data ends with LF": _chunked(b"1\r\nx\n0\r\n\r\n"),
    "data ends with two others": _chunked(b"1\r\nxAB0\r\n\r\n"),
    "last chunk ends with LF": _chunked(b"1\r\nx\r\n0\n\n"),
}

CASES = [
    Case(f"{kind}: {name}", *made)
    for kind, table in (("coding", _CODINGS), ("length", _LENGTHS), ("chunk", _CHUNKS))
    for name, made in table.items()
]
