"""Proof that a layer is right, and the same on every array library; for users' own layers too."""

from xpnet.testing.backend import BackendReport, check_backend
from xpnet.testing.checks import CHECKS, NotRun
from xpnet.testing.layer import backends_to_test, check_layer, run_check
from xpnet.testing.report import Finding, Report
from xpnet.testing.subject import Subject
from xpnet.testing.tolerance import tolerance
from xpnet.testing.traps import HostSyncError, no_host_sync

__all__ = [
    "CHECKS",
    "BackendReport",
    "Finding",
    "HostSyncError",
    "NotRun",
    "Report",
    "Subject",
    "backends_to_test",
    "check_backend",
    "check_layer",
    "no_host_sync",
    "run_check",
    "tolerance",
]
