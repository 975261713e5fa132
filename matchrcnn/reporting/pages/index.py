"""reports/benchmarks.md and reports/index.html, written from the same data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matchrcnn.data.marker import DEEPFASHION2, data_set_name, is_deepfashion2, is_sample
from matchrcnn.files import write_text
from matchrcnn.project import Interval, Project, Run
from matchrcnn.reporting.pages.benchmarks import SAMPLE_WARNING, benchmarks_markdown, data_note, protocol_lines
from matchrcnn.reporting.pages.pictures import data_uri
from matchrcnn.reporting.pages.provenance import changes, origin
from matchrcnn.reporting.pages.sections import task_sections
from matchrcnn.reporting.published import compared, headline_published
from matchrcnn.reporting.tables.benchmark import best_run, glance_table
from matchrcnn.reporting.tables.data import data_tables, defect_lists, load_reports
from matchrcnn.reporting.tables.few import EXPLAINED
from matchrcnn.reporting.tables.table import number
from matchrcnn.reporting.titles import TEXTS, measure_title, metric_name
from matchrcnn.tasks import TASKS, Task


@dataclass(frozen=True)
class Card:
    """A task's headline: its best run's number next to the published one; no run: no value.

    Attributes:
        published: the best published number; None where the data are not DeepFashion2.
    """

    task: str
    title: str
    metric: str
    run: str
    value: float | None
    interval: Interval | None
    published: float | None
    others: str


def write_report(project: Project, made: Mapping[str, str]) -> list[Path]:
    """Write reports/benchmarks.md, a function of the runs alone, and reports/index.html, which also says what made it.

    Args:
        project: its runs, in the order of params.yaml, and its data.
        made: how the page was made, for its footer: commit and hardware, for example.

    Returns:
        The two paths.

    Raises:
        UserError: a run has no metrics yet, or a file is not what its stage writes.
    """
    runs, sample = project.runs, is_sample(project.data)
    write_text(project.benchmarks, benchmarks_markdown(runs, sample))
    write_text(project.page, _page(project, runs, sample, made))
    return [project.benchmarks, project.page]


def _page(project: Project, runs: list[Run], sample: bool, made: Mapping[str, str]) -> str:
    data, preset = load_reports(project), project.preset_params
    name = data_set_name(project.data, project.params.data.name)
    values = {
        "data_set": DEEPFASHION2 if is_deepfashion2(name) else name,
        "compared": compared(runs),
        "sample_warning": SAMPLE_WARNING if sample else "",
        "data_note": "" if sample else data_note(runs),
        "preset": project.params.preset,
        "cards": [_card(task, runs) for task in TASKS.values()],
        "glance": glance_table(runs),
        "protocol": protocol_lines(runs),
        "sections": task_sections(project, runs),
        "data": data_tables(data),
        "defects": defect_lists(data),
        "provenance": [(run.name, origin(run)) for run in runs],
        "changes": changes(preset, project.params) if preset else None,
        "made": made,
    }
    return environment().get_template("page.html.jinja").render(values)


def _card(task: Task, runs: Sequence[Run]) -> Card:
    path, best = task.headline_path, best_run(task, runs)
    return Card(
        task=task.name,
        title=TEXTS[task].title,
        metric=metric_name(path),
        run=best.name if best else "",
        value=best.value(path) if best else None,
        interval=best.interval(path) if best else None,
        published=headline_published(task) if compared([best] if best else runs) else None,
        others=_others(task, best) if best else "",
    )


def _others(task: Task, run: Run) -> str:
    """The numbers that are shown next to a headline: AP50 and AP75, or top-1."""
    found = {measure: run.value(f"{task.keys[0]}/overall/{measure}") for measure in task.beside_headline}
    texts = (f"{measure_title(measure)} {value:.3f}" for measure, value in found.items() if value is not None)
    return " \N{MIDDLE DOT} ".join(texts)


def _breakable(name: str) -> Markup:
    """A name that a narrow column may break after an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def environment() -> Environment:
    """Templates with every value escaped; a name that is missing is an error."""
    loader = PackageLoader("matchrcnn.reporting.pages")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "words": lambda text: text.replace("_", " "), "breakable": _breakable}
    environment.filters["data_uri"] = data_uri
    environment.globals["few_explained"] = EXPLAINED
    environment.globals["asset"] = lambda name: Markup(loader.get_source(environment, name)[0])
    return environment
