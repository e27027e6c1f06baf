"""The parts of an issue: each says once what its rows are, and everything that is made of them follows from this list."""

from duban.publishing.issues.figures import Figures
from duban.publishing.issues.issue import Frozen
from duban.publishing.issues.parts.files import FILES, FINDINGS
from duban.publishing.issues.parts.funds import MOVEMENTS
from duban.publishing.issues.parts.ledgers import LEDGERS
from duban.publishing.issues.parts.problems import PROBLEMS, RANKING, WITHDRAWN
from duban.publishing.issues.parts.projects import PROJECTS
from duban.publishing.issues.parts.supervision import SUPERVISION, VISITS
from duban.publishing.issues.parts.targets import TARGETS

#: In the order in which they are frozen, counted and listed. A query may ask the rows of parts before it.
PARTS = (RANKING, PROBLEMS, WITHDRAWN, SUPERVISION, VISITS, FILES, PROJECTS, MOVEMENTS, FINDINGS, TARGETS, LEDGERS)


def count_figures(frozen: Frozen) -> Figures:
    """Count every figure of an issue."""
    figures = Figures()
    for part in PARTS:
        if frozen.issue.series in part.series:
            part.figures(figures, frozen)
    return figures
