"""Faults at random moments under a steady load, and whether anything is lost or done twice."""
