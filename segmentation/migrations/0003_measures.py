"""Measures are kept beside leaves; neither shrinks enough to be worth compressing on every write."""

from django.db import migrations, models

STORAGE = 'ALTER TABLE segmentation_leaf ALTER bitmap SET STORAGE {kind}, ALTER "values" SET STORAGE {kind}'


class Migration(migrations.Migration):
    dependencies = [("segmentation", "0002_recalculation")]
    operations = [
        migrations.AddField("leaf", "values", models.BinaryField(null=True)),
        migrations.AddField("leaf", "labels", models.JSONField(null=True)),
        migrations.RunSQL(STORAGE.format(kind="EXTERNAL"), STORAGE.format(kind="EXTENDED")),
    ]
