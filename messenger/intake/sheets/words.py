"""Words as they are compared: without line breaks, brackets, spaces, letter case and width."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """Return a header, or a word from a cell, as it is compared."""
    told = unicodedata.normalize("NFKC", text).casefold()
    without = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|【[^】]*】", "", told)
    return re.sub(r"[\W_]+", "", without) or re.sub(r"[\W_]+", "", told)
