"""`daybook tour`: a walk through the main job, against the instance that runs."""
