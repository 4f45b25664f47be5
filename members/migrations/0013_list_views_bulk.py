"""Tabs with their own columns, how each person likes the list, bulk acts that can be undone; the day of a year."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
-- 229 for the 29th of February: birthdays come round each year.
CREATE FUNCTION month_day(day date) RETURNS int
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN extract(month FROM day)::int * 100 + extract(day FROM day)::int;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0012_oneid"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(FORWARD, "DROP FUNCTION month_day(date);"),
        migrations.AddField(
            model_name="savedview",
            name="columns",
            field=models.JSONField(default=list, verbose_name="列"),
        ),
        migrations.AddField(
            model_name="savedview",
            name="is_dense",
            field=models.BooleanField(default=False, verbose_name="紧凑"),
        ),
        migrations.CreateModel(
            name="BulkAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("act", models.CharField(max_length=40, verbose_name="操作")),
                ("params", models.JSONField(default=dict)),
                ("query", models.CharField(blank=True, max_length=2000)),
                ("expected", models.BigIntegerField(null=True)),
                ("chosen", models.BinaryField(null=True)),
                ("total", models.BigIntegerField(default=0, verbose_name="人数")),
                ("done", models.BigIntegerField(default=0)),
                ("changed", models.BigIntegerField(default=0, verbose_name="已更改")),
                ("job_id", models.BigIntegerField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("undo_job_id", models.BigIntegerField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                ("restored", models.BigIntegerField(default=0)),
                ("kept", models.BigIntegerField(default=0)),
                ("at", models.DateTimeField(verbose_name="时间")),
                (
                    "by",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("pool", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="members.pool")),
            ],
            options={
                "verbose_name": "批量操作",
            },
        ),
        migrations.CreateModel(
            name="BulkPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.IntegerField()),
                ("changed", models.BinaryField()),
                ("before", models.BinaryField(default=b"")),
                ("is_undone", models.BooleanField(default=False)),
                (
                    "act",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="pieces", to="members.bulkact"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ListSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order", models.JSONField(default=list)),
                ("layouts", models.JSONField(default=dict)),
                (
                    "default_view",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="members.savedview"
                    ),
                ),
                ("pool", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="members.pool")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "列表偏好",
            },
        ),
        migrations.AddIndex(
            model_name="bulkact",
            index=models.Index(fields=["pool", "-id"], name="bulk_pool"),
        ),
        migrations.AddConstraint(
            model_name="bulkpiece",
            constraint=models.UniqueConstraint(fields=("act", "n"), name="one_piece_per_place"),
        ),
        migrations.AddConstraint(
            model_name="listsettings",
            constraint=models.UniqueConstraint(fields=("pool", "user"), name="one_list_taste"),
        ),
    ]
