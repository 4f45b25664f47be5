"""The charts of the dashboard; importing a module declares its charts."""

from insights.charts import groups, pool, reach, retention, trade  # noqa: F401
