"""PromQL about the last time something was broken: what was so in the minute before, meanwhile, in the minute after.

An episode lasts from the first fault until none is left. Everything is worked out from `faults_active`, so nothing has
to be written down while it happens; the figures are exact to the five seconds between two looks.
"""

BEGUN = (
    "max_over_time((timestamp(sum(max_over_time(faults_active[15s])) > 0)"
    " unless (sum(max_over_time(faults_active[15s] offset 5s)) > 0))[$__range:5s] @ end())"
)
"""When the last episode began; the 15 s bridge a look that failed. Nothing where there was none."""

ENDED = "max_over_time(timestamp(sum(faults_active) > 0)[$__range:5s] @ end())"
"""When the last fault was last seen."""

ASIDE_SECONDS = 60
"""How much before and after is compared with."""

PHASES = {
    "1 before": f"((vector(time()) >= ({BEGUN} - {ASIDE_SECONDS})) < ({BEGUN} - 5))",
    "2 during": f"((vector(time()) >= {BEGUN}) <= {ENDED})",
    "3 after": f"((vector(time()) > {ENDED}) <= ({ENDED} + {ASIDE_SECONDS}))",
}
"""Name of a phase and the moments that belong to it. The number is there so that they sort."""


def each_phase(expression: str) -> str:
    """`expression`, which holds `PHASE` for the moments of a phase, for every phase under the label `phase`."""
    return " or ".join(
        f'label_replace({expression.replace("PHASE", moments)}, "phase", "{name}", "", "")'
        for name, moments in PHASES.items()
    )


def seconds() -> str:
    """How long each phase lasted (so far)."""
    return each_phase("count_over_time(PHASE[$__range:5s]) * 5")


def number(rate: str) -> str:
    """How many events there were, of a rate that has no labels."""
    return each_phase(f"round(sum_over_time((({rate}) and on() PHASE)[$__range:5s]) * 5)")


def mean(rate: str) -> str:
    """The mean of something that has no labels."""
    return each_phase(f"avg_over_time((({rate}) and on() PHASE)[$__range:5s])")


def share(part: str, whole: str) -> str:
    """The share of one rate in another."""
    summed = "sum_over_time((({}) and on() PHASE)[$__range:5s])"
    return each_phase(f"{summed.format(part)} / ({summed.format(whole)} > 0)")


def quantile(of: float, buckets: str) -> str:
    """A quantile over the whole phase, of a histogram's buckets."""
    rate = f"sum by (le) (rate({buckets}[15s]))"
    return each_phase(f"histogram_quantile({of}, sum by (le) (sum_over_time(({rate} and on() PHASE)[$__range:5s])))")
