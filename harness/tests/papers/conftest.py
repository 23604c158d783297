"""The stage and its papers on the path, as their scripts have them."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "stages/step36"), str(ROOT / "stages/step36/papers")]
