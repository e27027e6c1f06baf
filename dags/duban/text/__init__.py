"""Texts, below everything that reads or writes them: compared, masked, stored, shown, put into a cell."""
