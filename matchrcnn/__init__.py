"""Match R-CNN on DeepFashion2: detection, segmentation, landmarks and consumer-to-shop retrieval."""

import logging
import warnings

# detectron2 is older than these notices of torch: they speak to nobody who could act on them, in every process.
warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=FutureWarning)
warnings.filterwarnings("ignore", message=r".*torch\.meshgrid.*", category=UserWarning)
logging.getLogger("torch.fx._symbolic_trace").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message=r".*torch\.cuda\.amp.*", category=FutureWarning)
