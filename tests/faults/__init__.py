"""Faults: what is killed, stopped, cut off, filled or frozen while the product works; afterwards nothing is lost, nothing there twice.

`test_*.py` are the quick part and belong to `make test`. `long_*.py` run only by `make test-faults`. CONTRIBUTING.md says what each does.
Everything here touches only processes that the tests started, folders of the tests, and ports of the loopback interface.
"""
