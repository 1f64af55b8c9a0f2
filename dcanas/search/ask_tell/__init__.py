"""Sample-based searches as Optuna studies: who proposes, what a trial does, and many workers on one storage."""
