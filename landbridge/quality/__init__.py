"""What a connector is worth: twelve rules, three levels, and what of it a machine can see for itself."""

from landbridge.quality import proven
from landbridge.quality.form import MEANS, Quality, load_quality
from landbridge.quality.judge import Judged, Problem, judge
from landbridge.quality.rules import RULES, Level, Rule

__all__ = ["MEANS", "RULES", "Judged", "Level", "Problem", "Quality", "Rule", "judge", "load_quality", "proven"]
