"""Stage and RFM group beside the keys of the list's orders: a rare stage is found along an order from the index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0019_lead_stages"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="memberstate",
            name="state_last_order",
        ),
        migrations.RemoveIndex(
            model_name="memberstate",
            name="state_amount",
        ),
        migrations.RemoveIndex(
            model_name="memberstate",
            name="state_orders",
        ),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(
                fields=["pool", "last_order_at", "member"], include=("stage", "rfm_group"), name="state_last_order"
            ),
        ),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(fields=["pool", "amount_total", "member"], include=("stage", "rfm_group"), name="state_amount"),
        ),
        migrations.AddIndex(
            model_name="memberstate",
            index=models.Index(fields=["pool", "order_count", "member"], include=("stage", "rfm_group"), name="state_orders"),
        ),
    ]
