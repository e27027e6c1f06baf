"""Inbox → landing → sandboxed reader → tables → typed rows. Nothing here decides whether a row is right: that is `duban.quality`."""
