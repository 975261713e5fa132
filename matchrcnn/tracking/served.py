"""A trained run as an MLflow model: the code that MLflow runs to load and to serve it. No object of ours is pickled."""

import base64
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from matchrcnn.errors import UserError

if TYPE_CHECKING:
    from matchrcnn.inference.photos.garment import Garment

RUN = "run"
"""The model's artifact: files of models/RUN."""


class ServedRun(PythonModel):
    """From pictures to a table with a row for each garment, as `inference.photos.garment.as_table` makes it.

    `picture` is the row of the input that a garment was found in, and landmarks are JSON.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Read the run, on a GPU where there is one."""
        from matchrcnn.inference.predictor import Predictor

        self._predictor = Predictor.load(context.artifacts[RUN], min_score=0.0)

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ANN401
        """The garments of pictures.

        Args:
            context: not used.
            model_input: a table or mapping with the column `image`: files' bytes, base64 in JSON.
            params: `min_score`, 0..1.

        Raises:
            MlflowException: one is not a picture, or min_score is out of range; a client's mistake (HTTP 400).
        """
        least = float((params or {}).get("min_score", 0.5))
        if not 0 <= least <= 1:
            raise MlflowException.invalid_parameter_value(f"min_score: {least} is not within 0..1")
        with _files([_decoded(content) for content in model_input["image"]]) as paths:
            found = [self._garments(number, path) for number, path in enumerate(paths)]
        return self._table(found, least)

    def _garments(self, number: int, path: Path) -> "list[Garment]":
        try:
            return self._predictor(path)
        except UserError as error:
            reason = str(error).partition(": ")[2] or str(error)
            raise MlflowException.invalid_parameter_value(f"image {number}: {reason}") from None

    def _table(self, found: "Sequence[Sequence[Garment]]", least: float) -> pd.DataFrame:
        from matchrcnn.inference.photos.garment import as_table

        table = as_table(
            (str(number), [garment for garment in garments if garment.score >= least])
            for number, garments in enumerate(found)
        )
        table["picture"] = table["picture"].astype("int64")
        table["category_id"] = table["category_id"].astype("int64")
        table["landmarks"] = [None if rows is None else json.dumps(rows) for rows in table["landmarks"]]
        return table


def _decoded(content: bytes) -> bytes:
    """A file's bytes: MLflow decodes base64 in tables, not in `inputs`; no picture's file is made of its letters."""
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        return content


@contextmanager
def _files(contents: Sequence[Any]) -> Iterator[list[Path]]:
    """Pictures as files, where the reader with all its care for formats and sizes takes them from."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        yield paths


set_model(ServedRun())
