"""Sample-based searches as Optuna studies: samplers, objectives of trials, and workers that share one storage."""
