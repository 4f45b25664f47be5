from django.db import models

from members.models import Pool


class Leaf(models.Model):
    """The members one condition selects, kept while its data does not change.

    With `values` it is a measure: a whole number per member, which conditions of any threshold compare.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    key = models.BinaryField(max_length=32)  # hash of the canonical condition, its day and data versions
    size = models.BigIntegerField()
    bitmap = models.BinaryField()
    values = models.BinaryField(null=True)  # in the order of the ids, as few bytes each as do
    labels = models.JSONField(null=True)  # what the values number, where they stand for texts
    ms = models.FloatField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "key"], name="one_leaf_per_condition")]

    def __str__(self) -> str:
        return f"{self.pool_id} {bytes(self.key).hex()[:8]}: {self.size}"
