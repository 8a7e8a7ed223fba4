"""Metrics made of spans while they arrive, named and labelled as by Tempo's metrics-generator.

Grafana's service graph finds them under these names. What lives here sees rows, on the writer's thread, and knows
neither the file nor HTTP.
"""
