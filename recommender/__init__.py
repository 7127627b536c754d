"""Kinship's Django project: tables, engine, REST API and admin."""
