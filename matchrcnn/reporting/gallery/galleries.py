"""The galleries of a project's runs, built in one way for the report and for MLflow."""

from dataclasses import dataclass
from functools import cached_property

from matchrcnn.evaluation.readers.ground_truth import GroundTruth, read_ground_truth
from matchrcnn.project import Project, Run
from matchrcnn.reporting.gallery.detections import Gallery, build_gallery
from matchrcnn.reporting.gallery.retrieval import RetrievalGallery, build_retrieval_gallery
from matchrcnn.retrieval.files import GalleryItems, QueryItems, split_items

SPLIT = "validation"


@dataclass(frozen=True, eq=False)
class Galleries:
    """Builds the galleries of a project's runs on the validation split; its annotations are read once.

    Attributes:
        project: whose runs they are.
    """

    project: Project

    @cached_property
    def _truth(self) -> GroundTruth:
        return read_ground_truth(self.project.annotations(SPLIT))

    @cached_property
    def _items(self) -> tuple[QueryItems, GalleryItems]:
        return split_items(self.project.annotations(SPLIT))

    def detected(self, run: Run, count: int) -> Gallery | None:
        """Return predictions of about `count` images next to the truth.

        None where the run is judged by another kind of result, or annotations, results or pictures are not at hand.

        Raises:
            UserError: annotations or results are wrong.
        """
        task = run.task
        if not task.by_category or not self._at_hand(run):
            return None
        results, stream = run.results_of(task.judged_by), task.judged_by
        images, seed = self.project.images(SPLIT), self.project.params.seed
        return build_gallery(run.name, self._truth, results, stream, images, count, seed)

    def retrieved(self, run: Run, count: int) -> RetrievalGallery | None:
        """Return about `count` queries with what was retrieved for them; None and errors as in `detected`."""
        task = run.task
        if task.by_category or not self._at_hand(run):
            return None
        results, images = run.results_of(task.judged_by), self.project.images(SPLIT)
        return build_retrieval_gallery(run.name, self._items, results, images, count, self.project.params.seed)

    def _at_hand(self, run: Run) -> bool:
        results = run.results_of(run.task.judged_by)
        return results.is_file() and self.project.annotations(SPLIT).is_file()
