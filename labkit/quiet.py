"""Keep libraries from talking where a reader of a lab can do nothing about it."""

import contextlib
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet(*loggers: str) -> Iterator[None]:
    """For the length of the block, let these loggers pass errors only."""
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    for logger in found:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(found, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """For the length of the block, transformers and what it imports say nothing but errors, and draw no bars.

    torchao and bitsandbytes report, when they are imported, the kernels that they cannot load on this machine; the bars
    are those of loading and saving a checkpoint, which takes less than the two seconds that deserve one.
    """
    with quiet("transformers", "torchao", "bitsandbytes", "torch.utils._pytree"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # bitsandbytes meets one of torch's
        from transformers.utils import logging as transformers_logging

        bars = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()
        try:
            yield
        finally:
            if bars:
                transformers_logging.enable_progress_bar()
