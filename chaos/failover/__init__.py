"""Failover in figures: a replica is killed, told to end, or frozen under load; who noticed, when, and what it cost.

What is measured is what shoppers saw and what the load balancer says of itself. The faults come from elsewhere.
"""
