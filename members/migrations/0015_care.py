import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PERSON = {
    "db_constraint": False,
    "null": True,
    "on_delete": django.db.models.deletion.SET_NULL,
    "related_name": "+",
    "to": settings.AUTH_USER_MODEL,
}


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0014_merge_undo"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE members_care_id_seq", "DROP SEQUENCE members_care_id_seq"),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey("member_id", "id", blank=True, editable=False, primary_key=True, serialize=False),
                ),
                ("id", models.BigIntegerField()),
                ("text", models.TextField(max_length=2000, verbose_name="备注")),
                ("is_pinned", models.BooleanField(default=False, verbose_name="置顶")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("edited_at", models.DateTimeField(null=True)),
                ("by", models.ForeignKey(**PERSON)),
                (
                    "member",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="members.member"
                    ),
                ),
            ],
            options={"verbose_name": "备注"},
        ),
        migrations.CreateModel(
            name="CareTask",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey("member_id", "id", blank=True, editable=False, primary_key=True, serialize=False),
                ),
                ("id", models.BigIntegerField()),
                ("text", models.CharField(max_length=300, verbose_name="要做什么")),
                ("due_on", models.DateField(verbose_name="截止日")),
                ("at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True, verbose_name="完成时间")),
                ("outcome", models.CharField(blank=True, max_length=300, verbose_name="结果")),
                ("assignee", models.ForeignKey(verbose_name="交给", **PERSON)),
                ("by", models.ForeignKey(**PERSON)),
                ("done_by", models.ForeignKey(**PERSON)),
                (
                    "member",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="tasks", to="members.member"
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="members.pool"),
                ),
            ],
            options={
                "verbose_name": "跟进任务",
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at__isnull", True)), fields=["pool", "assignee", "due_on"], name="care_open"
                    ),
                    models.Index(fields=["pool", "id"], name="care_id"),
                    models.Index(condition=models.Q(("done_at__isnull", False)), fields=["pool", "-done_at"], name="care_done"),
                ],
            },
        ),
    ]
