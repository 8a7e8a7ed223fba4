"""Dashboards as code: `pages/` says what is asked, `grafana` and `html` draw it, `checking` asks it.

One definition serves Grafana (generated JSON in `generated/`), the page that `stormglass dashboards render` draws where
there is no Grafana, and the check that runs every query of every panel. A page imports only `definition`.
"""
