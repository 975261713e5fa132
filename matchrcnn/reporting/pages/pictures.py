"""Pictures inside a page: it is one file and shows them wherever it is opened."""

import base64
import io

from PIL import Image


def data_uri(image: Image.Image) -> str:
    """Return a picture as a data URI (WebP)."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=70, method=2)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
