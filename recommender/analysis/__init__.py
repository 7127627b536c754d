"""What a catalog tells, from arrays: clusters, classes, anomalies, duplicates.

Knows neither Django nor tables.
"""
