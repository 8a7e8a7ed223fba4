"""What a Grafana is given: data sources with fixed uids, the folder of generated dashboards, addresses by environment.

No dashboard is written here (`observability/dashboards` makes them), and no address stands in a file.
"""
