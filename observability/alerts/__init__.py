"""What is on: alerts as Alertmanager groups them, or as Prometheus fires them where there is no Alertmanager."""
