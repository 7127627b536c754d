"""Text in, vectors out: a pure library that knows neither Django nor Celery nor the tables."""
