from observability.rules.scale import DEMO, PRODUCTION, SHORTEST_SECONDS, duration


def test_the_production_windows_are_the_workbook_s() -> None:
    told = [(burn.severity, burn.factor, duration(burn.long), duration(burn.short)) for burn in PRODUCTION.burns]
    assert told == [
        ("page", 14.4, "1h", "5m"),
        ("page", 6, "6h", "30m"),
        ("ticket", 3, "1d", "2h"),
        ("ticket", 1, "3d", "6h"),
    ]


def test_the_demo_tells_in_a_minute_what_production_tells_in_an_hour() -> None:
    assert [(duration(burn.long), duration(burn.short)) for burn in DEMO.burns] == [
        ("1m", "15s"),
        ("6m", "30s"),
        ("24m", "2m"),
        ("72m", "6m"),
    ]
    assert min(DEMO.windows) >= SHORTEST_SECONDS
