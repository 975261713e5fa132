from tests.photo.conftest import models, photo

__all__ = ["models", "photo"]
