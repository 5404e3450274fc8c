"""Being in calls."""
