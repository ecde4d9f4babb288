"""What is told about the machine."""

from __future__ import annotations

import pytest

from xpnet.bench import machine


def test_description_names_what_is_there():
    found = machine.describe()
    assert found["cores"] > 0
    assert found["processor"]
    assert {"python", "xpnet", "numpy"} <= set(found["versions"])
    assert found["versions"]["numpy"] in machine.lines(found)[1]


@pytest.mark.parametrize(
    ("load", "busy"),
    [("0.10 9.00 9.00", False), ("2.90 0.00 0.00", False), ("3.10 0.00 0.00", True)],
)
def test_a_busy_machine_is_called_so(load, busy):
    found = machine.describe() | {"cores": 2, "load": load}
    assert machine.lines(found)[-1].endswith("NOISE") is busy


def test_unknown_load_is_no_load():
    found = machine.describe() | {"load": "unknown"}
    assert machine.lines(found)[-1] == "load: unknown"
