"""`money(cents)`: the one function that shapes need and JMESPath does not have."""

from typing import Any

from jmespath import Options, functions

CURRENCY = "EUR"
"""What the services count in: their schemas say whole cents of a euro."""


def money(cents: int) -> dict[str, str]:
    """An amount of money; as a decimal text, for a JSON number is read as a binary fraction by most."""
    sign, units = ("-", -cents) if cents < 0 else ("", cents)
    return {"amount": f"{sign}{units // 100}.{units % 100:02}", "currency": CURRENCY}


class _Functions(functions.Functions):
    @functions.signature({"types": ["number"]})
    def _func_money(self, cents: Any) -> dict[str, str]:
        return money(int(cents))


OPTIONS = Options(custom_functions=_Functions())
"""For `search()` of a compiled expression."""
