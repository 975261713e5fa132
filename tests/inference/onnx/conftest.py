from tests.inference.photos.conftest import models, photo

__all__ = ["models", "photo"]
