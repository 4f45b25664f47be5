"""The families there are, in the order they are offered; importing one announces it."""

from segmentation.standings import aipl, frequency, value, ladder, rfm, score, scene, preferred_channel, preferred_hour  # noqa: F401, I001
from segmentation.standings import habit_forms, rfm_form, score_form  # noqa: F401
