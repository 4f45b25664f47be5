"""Rules ask who did something in a window: the index by kind answers it alone, without the rows."""

from django.db import migrations

FORWARD = """
CREATE INDEX event_pool_kind_member ON members_event (pool_id, kind, occurred_at) INCLUDE (member_id);
DROP INDEX event_pool_kind;
ALTER INDEX event_pool_kind_member RENAME TO event_pool_kind;
"""

BACKWARD = """
CREATE INDEX event_pool_kind_alone ON members_event (pool_id, kind, occurred_at);
DROP INDEX event_pool_kind;
ALTER INDEX event_pool_kind_alone RENAME TO event_pool_kind;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0021_predictions")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
