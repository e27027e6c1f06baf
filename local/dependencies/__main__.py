"""`python -m local.dependencies licences|audit|update`."""

from local.dependencies.packages import main

raise SystemExit(main())
