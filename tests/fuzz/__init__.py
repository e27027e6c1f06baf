"""Fuzzing: valid ledgers polluted on purpose, bytes changed at random, and what must hold whatever arrives."""
