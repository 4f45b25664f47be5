"""Name search, places, saved views, and the function that keeps event partitions."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Func

FUNCTIONS = """
-- A loop over two or three characters: an import calls this for every name it writes.
CREATE FUNCTION name_grams(name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10 AS $$
DECLARE
    one text[] := string_to_array(lower(name), NULL);
    grams text[] := one;
BEGIN
    FOR i IN 2 .. cardinality(one) LOOP
        grams := grams || (one[i - 1] || one[i]);
    END LOOP;
    RETURN grams;
END $$;

CREATE FUNCTION keep_event_partitions(as_of timestamptz, months int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    first_day date;
    part text;
    made int := 0;
BEGIN
    -- Two workers at once: the second waits and finds everything done.
    PERFORM pg_advisory_xact_lock(hashtext('keep_event_partitions'));
    FOR first_day IN
        SELECT generate_series(
            date_trunc('month', as_of AT TIME ZONE 'UTC'),
            date_trunc('month', as_of AT TIME ZONE 'UTC') + make_interval(months => months), '1 month'
        )::date
        UNION
        SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date FROM members_event_default
        WHERE occurred_at >= '2000-01-01' AND occurred_at < as_of + make_interval(months => months)
        ORDER BY 1
    LOOP
        part := 'members_event_' || to_char(first_day, 'YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE members_event INCLUDING ALL)', part);
        EXECUTE format(
            'WITH moved AS (DELETE FROM members_event_default WHERE occurred_at >= %L AND occurred_at < %L RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved',
            first_day::text || ' 00:00+00', (first_day + interval '1 month')::date::text || ' 00:00+00', part
        );
        EXECUTE format(
            'ALTER TABLE members_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            part, first_day::text || ' 00:00+00', (first_day + interval '1 month')::date::text || ' 00:00+00'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
"""

GONE = """
DROP FUNCTION keep_event_partitions(timestamptz, int);
DROP FUNCTION name_grams(text);
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0002_sql"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.RunSQL(FUNCTIONS, GONE),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, verbose_name="名称")),
                ("query", models.CharField(max_length=1000)),
                ("is_shared", models.BooleanField(default=False, verbose_name="全池共享")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("pool", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="members.pool")),
            ],
            options={"verbose_name": "已存视图"},
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("pool", "owner", "name"), name="one_view_per_name"),
        ),
        migrations.AddIndex(model_name="member", index=models.Index(fields=["pool", "province", "city"], name="member_place")),
        migrations.AddIndex(
            model_name="member",
            index=django.contrib.postgres.indexes.GinIndex(Func(F("name"), function="name_grams"), name="member_name_grams"),
        ),
    ]
