"""The error texts of Go's JSON scanner, worked out from where Python's stopped."""

import json
import re
from typing import Final

WHITESPACE: Final = " \t\r\n"


def syntax_text(text: str, error: json.JSONDecodeError) -> str:
    """What Go says of the place where `json` gave up on `text`."""
    if error.doc != text:  # from _refuse_constant: NaN, Infinity, -Infinity
        sign = error.doc.startswith("-")
        where = "in numeric literal" if sign else "looking for beginning of value"
        return f"invalid character {_quoted(error.doc[sign])} {where}"
    at = error.pos
    for literal in ("true", "false", "null"):
        if error.msg == "Expecting value" and text[at : at + 1] == literal[0]:
            same = next(n for n in range(len(literal)) if text[at + n : at + n + 1] != literal[n])
            if at + same >= len(text):
                return "unexpected EOF"
            found, wanted = _quoted(text[at + same]), _quoted(literal[same])
            return f"invalid character {found} in literal {literal} (expecting {wanted})"
    if error.msg == "Expecting value" and text[at : at + 1] == "-":
        at += 1
        return f"invalid character {_quoted(text[at])} in numeric literal" if at < len(text) else "unexpected EOF"
    if "escape" in error.msg:
        at += 1
    while at < len(text) and text[at] in WHITESPACE and "control" not in error.msg:
        at += 1
    if at >= len(text) or error.msg.startswith("Unterminated string"):
        return "unexpected EOF"
    if error.msg.startswith("Illegal trailing comma"):
        at = text.index("}" if "end of object" in error.msg else "]", at)
    return f"invalid character {_quoted(text[at])} {_expected(text[:at], error.msg)}"


def _expected(before: str, message: str) -> str:
    if "property name" in message or "trailing comma before end of object" in message:
        return "looking for beginning of object key string"
    if "':'" in message:
        return "after object key"
    if "','" in message:
        outside_strings = re.sub(r'"(\\.|[^"\\])*"', "", before)
        while (inner := re.sub(r"\{[^{}\[\]]*\}|\[[^{}\[\]]*\]", "", outside_strings)) != outside_strings:
            outside_strings = inner
        in_object = outside_strings.rfind("{") > outside_strings.rfind("[")
        return "after object key:value pair" if in_object else "after array element"
    if "escape" in message:
        return "in string escape code"
    if "control" in message:
        return "in string literal"
    return "looking for beginning of value"


def _quoted(character: str) -> str:
    named = {"'": r"\'", "\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}
    plain = character if character.isprintable() else f"\\x{ord(character):02x}"
    return f"'{named.get(character, plain)}'"
