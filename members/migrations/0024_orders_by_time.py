"""Rules ask what was paid in a window and who agreed to a carrier: both are answered without reading the rows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0023_room_beside_standings"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="consent",
            index=models.Index(
                condition=models.Q(("granted", True)), fields=["carrier", "purpose", "member"], name="consent_granted"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                models.F("pool"),
                models.F("placed_at"),
                condition=models.Q(("status", 1)),
                include=("member", "net_amount", "discount", "channel"),
                name="order_paid_time",
            ),
        ),
    ]
