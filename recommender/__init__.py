"""Kinship's Django project: tables, engine, REST API and admin."""

VERSION = "0.1.0"
