"""The learners: the recipe, its baselines, sampling, tuning, and the bundle that carries them."""
