"""`python -m matchrcnn` is `matchrcnn`."""

import sys

from matchrcnn.cli import main

sys.exit(main())
