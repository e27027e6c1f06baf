"""Backups: written while the system works, brought back beside what is there."""
