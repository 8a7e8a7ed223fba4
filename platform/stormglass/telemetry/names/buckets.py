"""Buckets that several layers share, so that their figures can be compared."""

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From a cached read (1 ms) to the default deadline (10 s), three buckets a decade: enough to tell 40 from 60 ms."""

JOB_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""From an idle queue's pick-up to a retry that waited five minutes; 10 s is the freshness objective."""
