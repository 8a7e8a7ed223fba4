"""Mails: what the worker did about them, and what the local mail server took."""

from stormglass.telemetry.names.metric import Metric

MAIL = Metric(
    "mail_total",
    "Mails by what became of them",
    ("outcome",),
    cardinality=4,
    why="outcome: sent, found (unsure whether sent; the server had it), skipped (already recorded), failed",
    unit="{mail}",
    served_by=("worker",),
    values={"outcome": ("sent", "found", "skipped", "failed")},
    zeros=True,
)
MAILSINK_MESSAGES = Metric(
    "mailsink_messages_total",
    "Mails that the local mail server took",
    ("copy",),
    cardinality=2,
    why="copy: first, or repeated (its message id is known already, which nobody's mail should be)",
    unit="{mail}",
    served_by=("mail",),
    values={"copy": ("first", "repeated")},
    zeros=True,
)
