"""Figures once computed, kept until the data they were computed from changes."""

from django.db import models

from members.models import Pool


class Figure(models.Model):
    """One answer of one query: `key` names the query, its parameters and the versions of its data."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    name = models.CharField(max_length=60)
    key = models.BinaryField(max_length=32)
    value = models.JSONField()
    ms = models.FloatField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "key"], name="one_figure_per_question")]
        indexes = [models.Index(fields=["at"], name="figure_at")]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.name}"
