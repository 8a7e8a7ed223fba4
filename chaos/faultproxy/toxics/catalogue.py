"""Every toxic that can be asked for, by the name of its type."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from chaos.faultproxy.toxics.bandwidth import Bandwidth
from chaos.faultproxy.toxics.behaviour import Behaviour
from chaos.faultproxy.toxics.latency import Latency
from chaos.faultproxy.toxics.limit_data import LimitData
from chaos.faultproxy.toxics.noop import Noop
from chaos.faultproxy.toxics.reset_peer import ResetPeer
from chaos.faultproxy.toxics.slicer import Slicer
from chaos.faultproxy.toxics.slow_close import SlowClose
from chaos.faultproxy.toxics.timeout import Timeout

BEHAVIOURS: Final[Mapping[str, type[Behaviour]]] = MappingProxyType(
    {
        behaviour.type: behaviour
        for behaviour in (Bandwidth, Latency, LimitData, Noop, ResetPeer, Slicer, SlowClose, Timeout)
    }
)
