"""What limits the landmark AP of a run: `python -m studies.limits [RUN]`, from the files in reports/RUN.

One row a category: landmark AP50 (visible) beside what could hold it down, which is the boxes (their AP50), where the
landmarks lie (mean error over the longer side of the box, of items that were found), and how strict OKS is (the mean
sigma). Under it, how each of the three goes with the landmark AP50 over the categories (Pearson's correlation).
"""

import argparse

import numpy as np
from tabulate import tabulate

from matchrcnn.paths import lookup
from matchrcnn.project import Project, Report
from matchrcnn.tasks import BOXES, LANDMARKS
from matchrcnn.taxonomy import CATEGORIES

HEADERS = ["category", "landmark AP50", "box AP50", "error", "sigma"]


def main() -> None:
    """Print the table, the worst category first, and the correlations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="landmarks", help="a run of task landmarks (default: %(default)s)")
    report = Report(Project().report_folder(parser.parse_args().run))
    rows = [
        (
            category.name,
            report.value(f"{LANDMARKS.keys[0]}/category/{category.name}/AP50"),
            report.value(f"{BOXES.keys[0]}/category/{category.name}/AP50"),
            lookup(report.diagnosis, f"{LANDMARKS.kind}/category/{category.name}/error"),
            sum(category.sigmas) / category.count,
        )
        for category in CATEGORIES
    ]
    rows = sorted((row for row in rows if None not in row), key=lambda row: row[1])
    print(tabulate(rows, HEADERS, tablefmt="github", floatfmt=".3f"))
    landmark, *causes = list(zip(*rows, strict=True))[1:]
    for name, cause in zip(HEADERS[2:], causes, strict=True):
        print(f"{name}: correlation with landmark AP50 {np.corrcoef(landmark, cause)[0, 1]:.2f}")


if __name__ == "__main__":
    main()
