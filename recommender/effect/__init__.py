"""What recommendations bring: attribution, figures with intervals, experiments."""
