"""The orders of the member list: by amount, by number of orders and by the last one, each with the member behind it.

What each costs: docs/adr/0013-the-list-in-bounded-time.md.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0015_care"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="memberstate", name="state_last_order"),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(fields=["pool", "last_order_at", "member"], name="state_last_order"),
        ),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(fields=["pool", "amount_total", "member"], name="state_amount"),
        ),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(fields=["pool", "order_count", "member"], name="state_orders"),
        ),
    ]
