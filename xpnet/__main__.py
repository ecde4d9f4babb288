"""``python -m xpnet``."""

from xpnet.cli import main

raise SystemExit(main())
