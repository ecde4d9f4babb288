"""``import xpnet`` imports NumPy and array-api-compat, and nothing heavier."""

from __future__ import annotations

import subprocess
import sys

import pytest

# A module may come with the interpreter or from a file hook of an editable installation; what
# belongs to an installed distribution is what costs time.
IMPORTED = """
import sys
from importlib.metadata import packages_distributions

before = set(sys.modules)
{code}
roots = {{name.split(".")[0] for name in set(sys.modules) - before}}
owners = packages_distributions()
print(*sorted({{owner for root in roots for owner in owners.get(root, ())}} - {{"xpnet"}}))
"""


def imported_by(code: str) -> list[str]:
    """Return the distributions of which a new process imports something."""
    script = IMPORTED.format(code=code)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        "import xpnet",
        "import xpnet; xpnet.set_backend('numpy')",
        # With numba installed, the first op would import it.
        (
            "import os; os.environ['XPNET_KERNELS'] = 'numpy'; import xpnet; "
            "xpnet.TwoLayerNet(4, 5, 3).predict(xpnet.asarray([[1.0, 2.0, 3.0, 4.0]]))"
        ),
    ],
)
def test_only_numpy_and_array_api_compat_are_imported(code: str) -> None:
    assert imported_by(code) == ["array-api-compat", "numpy"]


def test_a_library_is_imported_when_it_is_chosen() -> None:
    code = "import xpnet; xpnet.set_backend('array_api_strict')"
    assert "array_api_strict" in [name.replace("-", "_") for name in imported_by(code)]


def test_what_only_some_scripts_need_waits_until_it_is_asked_for() -> None:
    modules = "{'ssl', 'importlib.metadata', 'xpnet.datasets', 'xpnet.gradient_check'}"
    code = f"import sys, xpnet; print(*{modules} & (set(sys.modules) - before))"
    script = f"import sys, numpy; before = set(sys.modules)\n{code}"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path = {sys.path!r}\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == []


def test_every_public_name_is_there() -> None:
    import xpnet

    assert set(xpnet.__all__) <= set(dir(xpnet))
    assert all(getattr(xpnet, name) is not None for name in xpnet.__all__)
    with pytest.raises(AttributeError, match="module 'xpnet' has no attribute 'nope'"):
        _ = xpnet.nope
