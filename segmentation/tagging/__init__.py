"""Tags kept by rules, segments and models.

save_rule(pool=…, group=…, name=…, rule=…)      a tag whose carriers are whom a rule selects
keep_by_segment(segment=…, group=…, name=…)     … or who is in a segment
apply(rule=…, as_of=…)                          bring it in line now; in an exclusive group all its rules, in order
apply_model_tags(pool=…, tag=…, members=…, as_of=…, evidence=…)     what a model says, with what speaks for it
gallery                                         ready rules, adapted to what the pool sells
"""

from segmentation.tagging.applying import apply, apply_model_tags, ask_apply
from segmentation.tagging.services import keep_by_segment, model_tag, save_rule, set_paused, stop

__all__ = [
    "apply",
    "apply_model_tags",
    "ask_apply",
    "keep_by_segment",
    "model_tag",
    "save_rule",
    "set_paused",
    "stop",
]
