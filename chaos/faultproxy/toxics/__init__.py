"""The toxics, one module each. A toxic sees chunks and the stage it runs in; never a socket, a proxy or HTTP.

A new toxic is a frozen dataclass of integer attributes derived from `Behaviour`, registered in `catalogue`.
"""

from chaos.faultproxy.toxics.behaviour import Behaviour, InvalidAttributesError
from chaos.faultproxy.toxics.catalogue import BEHAVIOURS
from chaos.faultproxy.toxics.toxic import DOWNSTREAM, UPSTREAM, Toxic

__all__ = ["BEHAVIOURS", "DOWNSTREAM", "UPSTREAM", "Behaviour", "InvalidAttributesError", "Toxic"]
